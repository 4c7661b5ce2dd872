"""From the records to metrics and report, without inference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import UNSET, UnsetType

from sv_eval.finished.report_config import ReportConfig, report_config_from
from sv_eval.record_file.controls import control_files, read_controls
from sv_eval.record_file.lines import RECORDS
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.score_table import ScoreTable
from sv_eval.report.accuracy import AllLabels, Intervals
from sv_eval.report.codec import as_json
from sv_eval.report.environment import Environment
from sv_eval.report.identity import settings_hash
from sv_eval.report.latency import DurationBin
from sv_eval.report.reasons import Why
from sv_eval.report.report import Report, RunFacts
from sv_eval.report.run_directory import (
    ENVIRONMENT,
    FIGURES,
    METRICS,
    REPORT,
    metrics_text,
    read_environment,
    write_json,
    write_report,
    write_text,
)
from sv_eval.report.streaming import Streaming
from sv_eval.scoring.calibration.applying import calibrated, with_confidence
from sv_eval.scoring.calibration.judging import AsGiven, calibration_of, judged_scores
from sv_eval.scoring.caveats import find_caveats
from sv_eval.scoring.chance import chance_levels
from sv_eval.scoring.config import settings_told
from sv_eval.scoring.conformal import conformal_of
from sv_eval.scoring.controls import controls_of
from sv_eval.scoring.cost import cost_of
from sv_eval.scoring.decisions import decided, refuse_unheld, scored_under
from sv_eval.scoring.dimensions.judging import dimensions_of
from sv_eval.scoring.fairness import fairness_of
from sv_eval.scoring.findings import findings_of
from sv_eval.scoring.judging_files import JudgingFiles
from sv_eval.scoring.labels.config import LabelsConfig, labels_config_from
from sv_eval.scoring.labels.relabelling import (
    check_scored,
    describe,
    refuse_contradictions,
    relabelled,
    relabelling_of,
)
from sv_eval.scoring.labels.voted import class_of_word
from sv_eval.scoring.latency import both_refused, latency_refused, refused
from sv_eval.scoring.load import DEFAULT_MAX_LATE_MS, load_of
from sv_eval.scoring.operating import operating_of
from sv_eval.scoring.policies import HEADLINE
from sv_eval.scoring.positions import outside_of, positions_of
from sv_eval.scoring.references import references_of
from sv_eval.scoring.repeats import repeats_of
from sv_eval.scoring.scope import scope_of
from sv_eval.scoring.scorecard import Scorecard, ScoringConfig, score_scope, scoring_config_from
from sv_eval.scoring.selective import selective_of
from sv_eval.scoring.several import several_of
from sv_eval.scoring.shares import shares_of
from sv_eval.scoring.soft.judging import soft_labels_of
from sv_eval.scoring.sound import marked_clips, sound_of
from sv_eval.scoring.streaming import STREAM, streaming_of
from sv_eval.scoring.thresholds import applied_of, steps_of, thresholds_of
from sv_eval.scoring.transcripts import known_languages, transcripts_of

__all__ = ["ReportConfig", "Summary", "compute_report", "report_config_from", "rescore"]


THRESHOLDS = "thresholds.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The headline of a scored run, for a terminal."""

    report: Report
    """What metrics.json holds."""
    path: Path
    """The report's file."""
    language: str = "en"
    """What the verdict is said in."""
    page: Path | None = None
    """The same as a page of HTML; None where none was made."""


def rescore(directory: Path, settings: Mapping[str, Any], *, overrides: Sequence[str] = ()) -> Summary:
    """Score the records of a run directory and write `metrics.json`, `report.md`, `report.html` and `figures/`.

    settings holds the groups scoring, labels and report; what is missing has its default. overrides: what of
    them the run itself was not made with, for the report. Raises RunDirectoryError when the directory is no run.
    """
    from sv_eval.finished.page import made_of, page_of
    from sv_eval.reports.dimension_figures import draw_dimensions
    from sv_eval.reports.figures import draw_figures
    from sv_eval.reports.markdown import render
    from sv_eval.reports.page.document import PAGE
    from sv_eval.reports.score_figures import draw_score_figures

    scoring_config = scoring_config_from(settings.get("scoring") or {})
    labels_config = labels_config_from(settings.get("labels") or {})
    report_config = report_config_from(settings.get("report") or {})
    environment = read_environment(directory)
    records = RunRecords.read(directory)
    controls, scores = read_controls(directory), ScoreTable.read(directory)
    report = compute_report(
        records, environment, scoring_config, labels=labels_config, controls=controls, score_table=scores
    )
    files: dict[str, bytes | Path] = {name: directory / name for name in (RECORDS, ENVIRONMENT)}
    files |= {name: directory / name for name in control_files(directory)}
    drawn: dict[str, str] = {}
    for draw in (draw_figures, draw_score_figures, draw_dimensions):
        drawn |= draw(report, report_config.language)
    for name, drawing in drawn.items():
        write_text(directory / FIGURES / name, drawing)
        files[f"{FIGURES}/{name}"] = directory / FIGURES / name
    if report.operating and (scoring_config.precision or scoring_config.false_alarms_per_hour):
        chosen = thresholds_of(report.operating, environment, records, scoring_config)
        write_json(directory / THRESHOLDS, as_json(chosen))
    else:
        # One of an earlier scoring would be taken for this one's.
        (directory / THRESHOLDS).unlink(missing_ok=True)
    path, page = directory / REPORT, directory / PAGE if report_config.page else None
    language = report_config.language
    write_text(path, render(report, environment, language, rescored=overrides, has_page=page is not None))
    if page is None:
        # One of before would show other figures.
        (directory / PAGE).unlink(missing_ok=True)
    else:
        files |= {REPORT: path, METRICS: metrics_text(directory / METRICS, report).encode()}
        made = made_of(settings, overrides, files, report_config)
        write_text(page, page_of(directory, report, environment, records, report_config, made).text())
    # Last: sweeps and suites take a run that has it for finished, and never come back to one that was killed here.
    write_report(directory / METRICS, report)
    return Summary(report=report, path=path, page=page, language=language)


def compute_report(
    records: RunRecords,
    environment: Environment,
    config: ScoringConfig,
    *,
    labels: LabelsConfig | None = None,
    controls: Mapping[str, RunRecords] | None = None,
    score_table: ScoreTable | None = None,
) -> Report:
    """What metrics.json holds, from a run's records and its environment.

    `labels` is the label map, SenseVoice's seven emotions by default; `controls` the answers to its controls.
    score_table: the answers' scores as they were read; without them confidence alone can be judged.
    """
    # Scores that tell nothing below a cut-off are no probabilities, whatever is made of those.
    every, score_table = score_table, None if score_table is None else score_table.posteriors()
    backend, dataset = environment.backend, environment.dataset
    judging = JudgingFiles.of(config)
    judging.refuse_strangers(backend, dataset, records.answers.speakers, records.answers.clip_ids)
    file, chosen = judging.calibration, judging.thresholds
    given = records.answers.confidence, score_table
    if file is not None:
        score_table = calibrated(file, score_table or ScoreTable.of_lines(()))
        records = with_confidence(records, score_table)
    plan = relabelling_of(labels or LabelsConfig(), dataset, backend.words, backend.capabilities.dimensions)
    check_scored(config.labels, plan)
    refuse_contradictions(records.answers, plan)
    label_map = describe(plan, records.answers)
    mapped = relabelled(records, plan)
    probabilities = None if score_table is None else score_table.as_classes(plan.class_of_score)
    before = mapped
    if chosen is not None:
        refuse_unheld(chosen, mapped.answers, probabilities)
        mapped = decided(mapped, probabilities or ScoreTable.of_lines(()), chosen.thresholds, chosen.not_promised)
    supported = plan.can_be_said(backend.capabilities.labels, records.answers.said_words)
    scope = scope_of(mapped, config, label_order=plan.scored, supported=supported)
    found = score_scope(scope)
    if config.second_opinion:
        from sv_eval.scoring.second_opinion import check

        check(scope, found.scores)
    scores, unforced, forced = found.scores, found.confusion, found.confusion_forced
    chance = chance_levels({label: each.support for label, each in found.per_emotion.items()})
    transcripts = transcripts_of(scope, known_languages(backend.capabilities.languages, backend.card))
    start = environment.start(found.latency.session)
    streaming: Streaming | UnsetType = UNSET
    max_late_ms = environment.load.get("max_late_ms", DEFAULT_MAX_LATE_MS)
    if environment.load.get("schedule") == STREAM:
        streaming = streaming_of(records.requests, confidence=config.confidence, timeout_ms=config.timeout_ms)
    told = {name: one.answers for name, one in (controls or {}).items()}
    controlled = controls_of(
        scope,
        {name: relabelled(one, plan).answers for name, one in (controls or {}).items()},
        (records.answers, told),
        backend.card.get("protocol"),
    )
    positions = positions_of(records.answers, backend.card.get("protocol"), confidence=config.confidence)
    intervals = _intervals(found)
    judged = judged_scores(scope, probabilities)
    as_given = None
    if file is not None:
        raw = (given[1] or ScoreTable.of_lines(())).as_classes(plan.class_of_score)
        as_given = AsGiven(file=file, confidence=given[0], scores=raw)
    operating = operating_of(judged, config, steps_of(mapped.answers, file, plan.class_of_score))
    if chosen is not None and judged is not None and operating is not None:
        said = before.answers.predicted != mapped.answers.predicted
        operating = replace(operating, applied=applied_of(judged, chosen, scope, said))
    class_of = class_of_word(plan, dataset.label_map)
    cut_off = np.full(len(scope.answers), np.nan) if every is None else every.cut_offs_of(scope.answers.clip_ids)
    one_hot = bool(config.one_hot)
    told_of = None if every is None else every.as_classes(plan.class_of_score)
    report = Report(
        run=_run_facts(found, environment, plan.config.hash, records),
        labels=scores.labels,
        labels_without_clips=scores.without_clips,
        policy=config.policy,
        accuracy=found.headline.headline(),
        policies=scores.figures(),
        all_labels=AllLabels(
            labels=found.all_labels.labels, unsupported=scope.unsupported, policies=found.all_labels.figures()
        ),
        intervals=intervals,
        per_emotion=found.per_emotion,
        confusion=forced if forced and config.policy == "ban" else unforced,
        confusion_unforced=unforced,
        confusion_forced=forced,
        out_of_scope=found.out_of_scope,
        latency_ms=found.latency,
        shares=shares_of(scope, max_late_ms=max_late_ms),
        latency_by_duration=found.by_duration if not streaming else _without_rtf(found.by_duration),
        rtf=found.rtf if not streaming else streaming.compute_rtf,
        stages_ms=found.stages,
        failures=found.failures,
        errors=found.errors,
        worst_confusions=found.worst_confusions,
        by_speaker=found.by_speaker,
        confusion_forced_reason=UNSET if forced else Why.of("no_forced_label"),
        rtf_reason=UNSET if found.rtf is not None else Why.of("no_clean_audio"),
        label_map=label_map,
        chance=chance,
        chance_reason=UNSET if chance else Why.of("nothing_scored"),
        transcripts=None if isinstance(transcripts, Why) else transcripts,
        transcripts_reason=transcripts if isinstance(transcripts, Why) else UNSET,
        phases=None if start is None else start.phases or None,
        machine=None if start is None else start.telemetry or None,
        repeats=repeats_of(scope.timing.requests) if environment.repeated else UNSET,
        load=load_of(scope, max_late_ms=max_late_ms),
        references=(),
        caveats=(),
        streaming=streaming,
        marks=marked_clips(scope.answers) or UNSET,
        positions=positions or UNSET,
        outside=outside_of(records.answers) or UNSET,
        controls=controlled or UNSET,
        cost=cost_of(records.requests, told, config.prices) or UNSET,
        fairness=fairness_of(scope) or UNSET,
        sound=sound_of(scope) or UNSET,
        calibration=calibration_of(scope, probabilities, as_given) or UNSET,
        operating=operating or UNSET,
        dimensions=dimensions_of(
            scope.answers, backend.capabilities.dimensions, dataset.dimensions or {}, config.confidence
        )
        or UNSET,
        selective=selective_of(scope, probabilities) or UNSET,
        scored_under=scored_under(file, chosen) or UNSET,
        conformal=conformal_of(judged, config.confidence, config.set_coverage) or UNSET,
        soft_labels=soft_labels_of(scope, probabilities, class_of, cut_off, one_hot=one_hot) or UNSET,
        several_emotions=several_of(scope, told_of, class_of) or UNSET,
    )
    if report.load.fell_behind:
        report = _without_latency(report, Why.of("fell_behind"))
    report = replace(report, references=references_of(report, environment))
    confidences = bool(np.isfinite(scope.answers.confidence).any())
    caveats = find_caveats(
        report,
        environment,
        scope.answers.speakers,
        confidences=confidences,
        answered_by=list(scope.answers.answered_by.values()),
    )
    report = replace(report, caveats=caveats)
    return replace(report, findings=findings_of(report, environment, config.goals))


def _run_facts(found: Scorecard, environment: Environment, labels_hash: str, records: RunRecords) -> RunFacts:
    wall_s = [start.wall_s for start in environment.sessions]
    known = [seconds for seconds in wall_s if seconds is not None]
    whole = len(known) == len(wall_s)
    return RunFacts(
        backend=environment.backend.name,
        dataset=environment.dataset.name,
        **asdict(found.run),
        wall_s=round(sum(known), 3) if whole else None,
        wall_s_reason=UNSET if whole else Why.of("killed"),
        config_hash=environment.config_hash,
        scoring_hash=settings_hash(settings_told(found.config) | {"label_map": labels_hash}),
        dataset_hash=environment.dataset.hash,
        started_at=environment.started_at,
        records_hash=records.hash or UNSET,
        n_set_aside=records.set_aside or UNSET,
    )


def _intervals(found: Scorecard) -> Intervals:
    return Intervals(
        methods={name: getattr(found.headline, name).method or None for name in HEADLINE},
        confidence=found.config.confidence,
        resamples=found.config.resamples,
        seed=found.config.seed,
        clusters=found.scores.clusters,
        n_clusters=found.scores.n_clusters,
    )


def _without_latency(report: Report, why: Why) -> Report:
    """The report of a run whose latency is no result."""
    return replace(
        report,
        latency_ms=latency_refused(report.latency_ms, why),
        per_emotion={
            label: replace(row, latency_ms=both_refused(row.latency_ms, why))
            for label, row in report.per_emotion.items()
        },
        latency_by_duration=tuple(
            replace(part, p50=refused(part.p50, why), p95=refused(part.p95, why))
            for part in report.latency_by_duration
        ),
    )


def _without_rtf(bins: Sequence[DurationBin]) -> tuple[DurationBin, ...]:
    """Latency by length of a run of streams, whose real-time factor is of the computing: the rest was waiting."""
    return tuple(replace(part, rtf=None) for part in bins)
