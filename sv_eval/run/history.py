"""`environment.json` as it is written: what a run is, what it was measured on, and each of its starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import UNSET

from sv_eval.backend import Backend
from sv_eval.data.audio.digest import without_digests
from sv_eval.data.corpus.reading import Corpus
from sv_eval.errors import RunVanished
from sv_eval.machine.environment import describe_environment
from sv_eval.report.codec import as_json
from sv_eval.report.environment import (
    CorpusFacts,
    CorpusLabels,
    Environment,
    HowShared,
    MeasuredBackend,
    Phases,
    Start,
    Telemetry,
)
from sv_eval.report.identity import settings_hash
from sv_eval.report.reasons import Coded
from sv_eval.report.run_directory import ENVIRONMENT, read_environment, write_json


class History:
    """Writes a run's `environment.json`: once when a start begins, once more when it ends.

    Every start keeps the machine, the packages and the git state that it had, since a run may go on somewhere
    else; those of the last one stand at the top level too.
    """

    def __init__(self, directory: Path, session: int, run_id: str | None = None) -> None:
        self._directory = directory
        self._session = session
        self._run_id = run_id
        self._environment: Environment | None = None

    def begin(
        self,
        *,
        settings: Mapping[str, Any],
        config: Mapping[str, Any],
        overrides: Sequence[str],
        corpus: Corpus,
        backend: Backend,
        sharing: HowShared | None = None,
    ) -> None:
        """Note a start. settings are the part of the configuration that changes records.

        sharing: how accuracy and latency were kept apart where work was shared with other runs.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        known = (self._directory / ENVIRONMENT).is_file() and self._session
        earlier = read_environment(self._directory).sessions if known else ()
        here = describe_environment()
        start = Start(
            session=self._session, started_at=now, machine=here.machine, packages=here.packages, git=here.git
        )
        self._write(
            Environment(
                run_id=self._run_id or UNSET,
                started_at=earlier[0].started_at if earlier else now,
                config_hash=settings_hash(settings),
                settings=settings,
                config=config,
                overrides=tuple(overrides),
                sessions=(*earlier, start),
                dataset=describe_corpus(corpus),
                backend=describe_backend(backend),
                sharing=sharing,
                machine=here.machine,
                packages=here.packages,
                git=here.git,
            )
        )

    def note_phases(self, phases: Phases) -> None:
        """Keep what is known of the phases; a kill after the warm-up must not lose it."""
        self._note(phases=phases)

    def end(self, ended: str, wall_s: float | None, *, phases: Phases, telemetry: Telemetry | None = None) -> None:
        """Note how the start ended and how long it measured, seconds; None when it never began to.

        phases: what lay outside the measurement. telemetry: what the machine did.
        """
        wall_s = None if wall_s is None else round(wall_s, 3)
        self._note(wall_s=wall_s, ended=ended, phases=phases, telemetry=telemetry)

    def _note(self, **known: Any) -> None:
        """Keep what is known of this start now."""
        if self._environment is None:
            raise RuntimeError("a start is noted before anything of it is")
        *earlier, this = self._environment.sessions
        self._write(replace(self._environment, sessions=(*earlier, replace(this, **known))))

    def _write(self, environment: Environment) -> None:
        self._environment = environment
        if not self._directory.is_dir():
            raise RunVanished(f"{self._directory} was removed while the run was writing into it; begin it again")
        write_json(self._directory / ENVIRONMENT, as_json(environment))


def describe_backend(backend: Backend) -> MeasuredBackend:
    """What a report says about an entered backend."""
    info = {item.name: getattr(backend.info, item.name) for item in fields(backend.info)}
    info["card"] = without_digests(backend.info.card)
    return MeasuredBackend(**info, capabilities=backend.capabilities)


def describe_corpus(corpus: Corpus) -> CorpusFacts:
    """What a report says about a corpus."""
    card = corpus.card
    return CorpusFacts(
        name=corpus.name,
        card=card.name,
        identity=card.identity,
        title=card.title,
        hash=corpus.hash,
        split=corpus.split,
        n_clips=len(corpus.clips),
        language=card.language,
        licence=card.licence.id,
        citation=card.citation,
        label_order=tuple(card.label_order),
        label_map=CorpusLabels(
            name=card.labels.name,
            version=card.labels.version,
            hash=card.labels.hash,
            entries=dict(card.words.map),
            meanings=dict(card.words.meanings),
            case_sensitive=card.words.case_sensitive,
        ),
        dimensions=card.ranges or UNSET,
        notes=tuple(Coded(note.code, note.values) for note in corpus.notes),
    )
