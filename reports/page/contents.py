"""What a run's page holds: what is seen first, and the records behind it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sv_eval.foreign_text import each_text, visible
from sv_eval.record_file.lines import Key
from sv_eval.record_file.run_records import RunRecords
from sv_eval.report.codec import as_json
from sv_eval.report.environment import Environment
from sv_eval.report.report import Report
from sv_eval.reports.markdown import machine_line
from sv_eval.reports.page.columns import Column, records_in
from sv_eval.reports.page.findings import LANGUAGES, Finding, findings_of, plain
from sv_eval.reports.page.words import page_words
from sv_eval.reports.wording import Wording
from sv_eval.scoring.clusters import in_scope
from sv_eval.version import __version__

_PLACES = ("root", "labels_file")
"""Where something lies on the machine of who measured, which is nobody else's business."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """How a page's figures were made of its records."""

    settings: Mapping[str, Any]
    """The groups scoring, labels and report, as they were given."""
    overrides: Sequence[str] = ()
    """What of them the run itself was not made with."""
    hashes: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of the files beside the page, by name."""


def boot_of(
    report: Report,
    environment: Environment,
    made: Made,
    *,
    language: str,
    audio_note: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What is seen before the records are unpacked: findings, figures, words."""
    run = report.run
    findings = findings_of(report)
    boot = {
        "kind": "run",
        "version": __version__,
        "language": language,
        "title": Wording(language)("title", dataset=run.dataset, backend=run.backend),
        "titles": {name: Wording(name)("title", dataset=run.dataset, backend=run.backend) for name in LANGUAGES},
        "subtitle": {name: _subtitle(name, report, environment) for name in LANGUAGES},
        "verdict": [_line(one) for one in findings],
        "caveats": [{name: plain(Wording(name).caveat(one)) for name in LANGUAGES} for one in report.caveats],
        "about": [{"key": f"about_{key}", "value": value} for key, value in _about(report, environment) if value],
        "audio_note": audio_note,
        "report": as_json(report),
        "words": {name: words_of(name) for name in LANGUAGES},
        "made": asdict(made),
    }
    cleaned: dict[str, Any] = each_text(boot, visible)
    return cleaned


def words_of(language: str) -> dict[str, Any]:
    """The page's words, and those of the report that it needs."""
    words = Wording(language)
    own = page_words(language)
    emotions = {**own["beside_emotions"], **words.table("emotions")}
    return {**own, "emotions": emotions, "facts": words.table("sound.facts")}


def _line(finding: Finding) -> dict[str, Any]:
    cell = {} if finding.cell is None else {"reference": finding.cell[0], "answer": finding.cell[1]}
    command = {} if finding.command is None else {"command": finding.command}
    return {"mark": finding.mark, **finding.said, **cell, **command}


def _subtitle(language: str, report: Report, environment: Environment) -> str:
    return str(page_words(language)["subtitle"]).format(
        model=environment.backend.model,
        n=report.run.n_clips,
        corpus=environment.dataset.title,
        when=environment.started_at[:16].replace("T", " "),
    )


def _about(report: Report, environment: Environment) -> Iterable[tuple[str, str]]:
    run, backend, dataset = report.run, environment.backend, environment.dataset
    yield "model", " · ".join(filter(None, [backend.model, backend.precision, backend.model_hash]))
    yield "backend", f"{backend.name} · {backend.device}"
    yield "corpus", f"{dataset.title} · {dataset.split}"
    yield "licence", dataset.licence
    yield "labels", f"{report.label_map.name} v{report.label_map.version} · {report.label_map.hash}"
    yield "machine", machine_line(environment.machine)
    yield "started", environment.started_at
    yield "command", shlex.join(["python", "-m", "sv_eval", *environment.overrides])
    yield "config_hash", run.config_hash
    yield "dataset_hash", run.dataset_hash
    yield "records_hash", run.records_hash or ""


def clips_of(
    report: Report, environment: Environment, mapped: RunRecords, columns: Column, keys: Sequence[Key]
) -> dict[str, Any]:
    """The records as columns, and which of them accuracy is of, with their classes.

    mapped: the records under the report's label map. keys: what each record of the columns is about, in order.
    """
    answers = mapped.answers
    given = answers.banned if report.policy == "ban" else answers.predicted
    # A later record under the same key takes the place of the one before it.
    places = {key: place for place, key in enumerate(keys)}
    kept = as_json(environment)
    kept["config"] = _without_places(kept["config"])
    return {
        "n": len(keys),
        "columns": columns,
        "answers": {
            "rows": [places[clip_id, 0] for clip_id in answers.clip_ids],
            "reference": answers.reference.tolist(),
            "answer": given.tolist(),
            "scored": in_scope(answers, report.labels).astype(int).tolist(),
            "references": list(answers.class_codes.references),
            "answers": list(answers.class_codes.answers),
        },
        # As text, so that no word of it is changed by being made fit to be shown.
        "environment": json.dumps(kept),
    }


def keys_in(columns: Column, n: int) -> list[Key]:
    """What each record is about."""
    chosen = {"of": {name: columns["of"][name] for name in ("clip", "round") if name in columns["of"]}}
    chosen["of"]["clip"] = {"of": {"id": columns["of"]["clip"]["of"]["id"]}} if n else {"of": {}}
    return [(record["clip"]["id"], record.get("round", 0)) for record in records_in(chosen, n)]


def _without_places(config: Mapping[str, Any]) -> dict[str, Any]:
    dataset = config.get("dataset")
    if not isinstance(dataset, Mapping):
        return dict(config)
    return {**config, "dataset": {key: None if key in _PLACES else value for key, value in dataset.items()}}
