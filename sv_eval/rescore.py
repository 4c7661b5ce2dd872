"""From the records to metrics and report, without inference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sv_eval.caveats import find_caveats
from sv_eval.errors import ConfigError, nearest
from sv_eval.labels.config import LabelsConfig, labels_config_from
from sv_eval.labels.relabelling import check_scored, describe, relabelled, relabelling_of
from sv_eval.references import references_of
from sv_eval.run.identity import ENVIRONMENT, settings_hash
from sv_eval.run.journal import RECORDS, read_lines
from sv_eval.run.load import DEFAULT_MAX_LATE_MS, STREAM
from sv_eval.run_directory import FIGURES, METRICS, REPORT, read_json, write_json, write_text
from sv_eval.scoring.chance import chance_levels
from sv_eval.scoring.histogram import latency_histogram
from sv_eval.scoring.load import load_summary, refuse_latency
from sv_eval.scoring.repeats import repeats_of
from sv_eval.scoring.scorecard import ScoringConfig, score, scoring_config_from
from sv_eval.scoring.signs import signs_of
from sv_eval.scoring.streaming import streaming_scores
from sv_eval.scoring.table import RecordTable
from sv_eval.scoring.transcripts import known_languages, transcript_scores
from sv_eval.structure import structure

LANGUAGES = ("en", "zh")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportConfig:
    """What the `report` part of the configuration holds."""

    language: str = "en"
    """`en` or `zh`."""

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise ConfigError(f"report.language={self.language} is not known; {nearest(self.language, LANGUAGES)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The headline of a scored run, for a terminal."""

    metrics: Mapping[str, Any]
    """What metrics.json holds."""
    report: Path
    """The report's file."""


def report_config_from(settings: Mapping[str, Any]) -> ReportConfig:
    """The configuration in `settings`; a wrong key or type is a ConfigError."""
    return structure(ReportConfig, settings, "report", ConfigError)


def rescore(directory: Path, settings: Mapping[str, Any], *, overrides: Sequence[str] = ()) -> Summary:
    """Score the records of a run directory and write `metrics.json`, `report.md` and `figures/`.

    settings holds the groups scoring, labels and report; what is missing has its default. overrides: what of
    them the run itself was not made with, for the report. Raises RunDirectoryError when the directory is no run.
    """
    from reports.figures import draw_figures
    from reports.markdown import render

    scoring_config = scoring_config_from(settings.get("scoring") or {})
    labels_config = labels_config_from(settings.get("labels") or {})
    report_config = report_config_from(settings.get("report") or {})
    environment = read_json(directory / ENVIRONMENT)
    table = RecordTable.from_json_lines(read_lines(directory / RECORDS))
    timing = None
    if environment["config"]["load"].get("rounds", 1) != 1 or environment.get("sharing"):
        timing = RecordTable.from_json_lines(read_lines(directory / RECORDS), all_rounds=True)
    metrics = compute_metrics(table, environment, scoring_config, labels=labels_config, timing=timing)
    if environment["config"]["load"]["schedule"] == STREAM:
        _add_streaming(metrics, directory / RECORDS, scoring_config)
    write_json(directory / METRICS, metrics)
    for name, drawing in draw_figures(metrics).items():
        write_text(directory / FIGURES / name, drawing)
    path = directory / REPORT
    write_text(path, render(metrics, environment, report_config.language, rescored=overrides))
    return Summary(metrics=metrics, report=path)


def _add_streaming(metrics: dict[str, Any], records: Path, config: ScoringConfig) -> None:
    """What only a run of streams has. Its real-time factor is of the computing: the rest was waiting for audio."""
    metrics["streaming"] = streaming_scores(read_lines(records), confidence=config.confidence)
    metrics["rtf"] = metrics["streaming"]["compute_rtf"]
    for part in metrics["latency_by_duration"]:
        part["rtf"] = None


def compute_metrics(
    table: RecordTable,
    environment: Mapping[str, Any],
    config: ScoringConfig,
    *,
    labels: LabelsConfig | None = None,
    timing: RecordTable | None = None,
) -> dict[str, Any]:
    """What metrics.json holds, from a run's records and its environment.

    `labels` is the label map, SenseVoice's seven emotions by default. `timing` holds the records of all rounds;
    None where the corpus was gone through once.
    """
    backend, dataset = environment["backend"], environment["dataset"]
    plan = relabelling_of(labels or LabelsConfig(), dataset)
    check_scored(config.labels, plan)
    as_recorded, table = table, relabelled(table, plan)
    timing = None if timing is None else relabelled(timing, plan)
    scorecard = score(
        table,
        config,
        label_order=plan.scored,
        supported=plan.can_be_said(backend["capabilities"]["labels"]),
        timing=timing,
    )
    if config.second_opinion:
        from sv_eval.scoring.second_opinion import check

        check(table, scorecard)
    scores = scorecard.to_json() | {"label_map": describe(plan, as_recorded)}
    scores["chance"] = chance_levels({label: each.support for label, each in scorecard.per_emotion.items()})
    if scores["chance"] is None:
        scores["chance_reason"] = "no clip was scored"
    scores["transcripts"], why_not = transcript_scores(
        table,
        scorecard.scores.labels,
        policy=config.policy,
        known_languages=known_languages(backend["capabilities"], backend.get("card") or {}),
        confidence=config.confidence,
    )
    if why_not:
        scores["transcripts_reason"] = why_not
    timed = table if timing is None else timing
    scores["latency_ms"]["histogram"] = latency_histogram(timed)
    scores["latency_ms"] |= signs_of(timed)
    scores["phases"] = _of_session(environment, scores["latency_ms"]["session"], "phases")
    scores["machine"] = _of_session(environment, scores["latency_ms"]["session"], "telemetry")
    if timing is not None:
        scores["repeats"] = repeats_of(timing)
    schedule = environment["config"].get("load") or {}
    scores["load"] = load_summary(
        timed, max_late_ms=schedule.get("max_late_ms", DEFAULT_MAX_LATE_MS), slo_ms=config.slo_ms
    )
    if scores["load"].get("fell_behind"):
        refuse_latency(scores)
    wall_s = [session["wall_s"] for session in environment["sessions"]]
    scores["run"] = {
        "backend": backend["name"],
        "dataset": dataset["name"],
        **scores["run"],
        "wall_s": None if None in wall_s else round(sum(wall_s), 3),
        **(
            {"wall_s_reason": "a start of this run was killed before it could note its time"}
            if None in wall_s
            else {}
        ),
        "config_hash": environment["config_hash"],
        "scoring_hash": settings_hash({**asdict(config), "label_map": plan.config.hash}),
        "dataset_hash": dataset["hash"],
        "started_at": environment["started_at"],
    }
    scores["references"] = references_of(scores, environment)
    caveats = find_caveats(scores, environment, table.speakers)
    return {"schema_version": 1, **_first(scores, "run"), "caveats": caveats}


def _of_session(environment: Mapping[str, Any], session: int | None, what: str) -> dict[str, Any] | None:
    """What `environment.json` keeps under this name of the start that latency is from."""
    found = [start for start in environment["sessions"] if start["session"] == session]
    kept: dict[str, Any] | None = found[-1].get(what) if found else None
    return kept


def _first(data: dict[str, Any], key: str) -> dict[str, Any]:
    return {key: data[key], **{name: value for name, value in data.items() if name != key}}
