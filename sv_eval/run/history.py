"""`environment.json`: what a run is, what it was measured on, and each of its starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sv_eval.backend import Backend
from sv_eval.corpus.reading import Corpus
from sv_eval.environment import describe_environment
from sv_eval.run.identity import ENVIRONMENT, settings_hash
from sv_eval.run_directory import read_json, write_json


class History:
    """Writes a run's `environment.json`: once when a start begins, once more when it ends.

    Every start keeps the machine, the packages and the git state that it had, since a run may go on somewhere
    else; those of the last one stand at the top level too.
    """

    def __init__(self, directory: Path, session: int) -> None:
        self._path = directory / ENVIRONMENT
        self._session = session
        self._data: dict[str, Any] = {}

    def begin(
        self,
        *,
        settings: Mapping[str, Any],
        config: Mapping[str, Any],
        overrides: Sequence[str],
        corpus: Corpus,
        backend: Backend,
        sharing: Mapping[str, Any] | None = None,
    ) -> None:
        """Note a start. settings are the part of the configuration that changes records.

        sharing: how accuracy and latency were kept apart where work was shared with other runs.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        earlier: list[Any] = read_json(self._path)["sessions"] if self._path.is_file() and self._session else []
        here = describe_environment()
        start = {"session": self._session, "started_at": now, "wall_s": None, "ended": None, **here}
        self._data = {
            "schema_version": 1,
            "started_at": earlier[0]["started_at"] if earlier else now,
            "config_hash": settings_hash(settings),
            "settings": settings,
            "config": config,
            "overrides": list(overrides),
            "sessions": [*earlier, start],
            "dataset": describe_corpus(corpus),
            "backend": asdict(backend.info) | {"capabilities": asdict(backend.capabilities)},
            "sharing": None if sharing is None else dict(sharing),
            **here,
        }
        write_json(self._path, self._data)

    def note_phases(self, phases: Mapping[str, Any]) -> None:
        """Keep what is known of the phases; a kill after the warm-up must not lose it."""
        self._data["sessions"][-1]["phases"] = dict(phases)
        write_json(self._path, self._data)

    def end(
        self,
        ended: str,
        wall_s: float | None,
        *,
        phases: Mapping[str, Any],
        telemetry: Mapping[str, Any] | None = None,
    ) -> None:
        """Note how the start ended and how long it measured, seconds; None when it never began to.

        phases: what lay outside the measurement, as `phases.Phases` has it. telemetry: what the machine did.
        """
        wall_s = None if wall_s is None else round(wall_s, 3)
        seen = None if telemetry is None else dict(telemetry)
        noted = {"wall_s": wall_s, "ended": ended, "phases": dict(phases), "telemetry": seen}
        self._data["sessions"][-1] |= noted
        write_json(self._path, self._data)


def describe_corpus(corpus: Corpus) -> dict[str, Any]:
    """What a report says about a corpus."""
    card = corpus.card
    return {
        "name": corpus.name,
        "card": card.name,
        "title": card.title,
        "hash": corpus.hash,
        "split": corpus.split,
        "n_clips": len(corpus.clips),
        "language": card.language,
        "licence": card.licence.id,
        "citation": card.citation,
        "label_order": list(card.label_order),
        "label_map": {
            "name": card.labels.name,
            "version": card.labels.version,
            "hash": card.labels.hash,
            "entries": dict(card.words.map),
            "meanings": dict(card.words.meanings),
            "case_sensitive": card.words.case_sensitive,
        },
        "notes": [note.to_json() for note in corpus.notes],
    }
