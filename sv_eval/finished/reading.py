"""A finished run, read back from its directory through one door: report, environment and records, held together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from msgspec import UNSET

from sv_eval.errors import ConfigError, RunDirectoryError
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.score_table import ScoreTable
from sv_eval.record_file.table import RecordTable
from sv_eval.report.environment import Environment
from sv_eval.report.report import Report
from sv_eval.report.run_directory import METRICS, read_environment, read_report
from sv_eval.report.scored_under import ScoredUnder
from sv_eval.scoring.calibration.applying import calibrated, with_confidence
from sv_eval.scoring.decisions import decided
from sv_eval.scoring.labels.config import labels_config_of
from sv_eval.scoring.labels.relabelling import Relabelling, relabelled, relabelling_for
from sv_eval.scoring.timing import Timing, timing_of


@dataclass(frozen=True, kw_only=True, eq=False)
class FinishedRun:
    """What is kept of a run. Its records are under the label map that the report was scored with, and under its
    calibration and thresholds where it has some."""

    directory: Path
    """Where it lies."""
    report: Report
    """metrics.json."""
    environment: Environment
    """environment.json."""
    records: RunRecords
    """records.jsonl."""

    scores: Callable[[], ScoreTable | None] = field(default=lambda: None, repr=False)
    """Reads the answers' scores by class, calibrated where the report is; None where they have none."""

    @property
    def answers(self) -> RecordTable:
        """The first round: what accuracy is of."""
        return self.records.answers

    @cached_property
    def timing(self) -> Timing:
        """The clean records of all rounds: what latency is of."""
        return timing_of(self.records.requests)


def read_run(directory: Path) -> FinishedRun:
    """The run in `directory`.

    Raises RunDirectoryError when it is none, and when its records are not those that its report was made of: then
    the figures say nothing about them.
    """
    report, environment = read_report(directory), read_environment(directory)
    records = RunRecords.read(directory)
    # Earlier versions kept no hash.
    if report.run.records_hash and report.run.records_hash != records.hash:
        raise RunDirectoryError(
            f"{directory}: its records were changed after its {METRICS} was written, which therefore says nothing "
            f"about them; python -m sv_eval.score {directory} writes it anew"
        )
    try:
        plan = relabelling_for(labels_config_of(report.label_map), environment)
    except ConfigError as error:
        raise RunDirectoryError(
            f"{directory / METRICS}: label_map: {error}; python -m sv_eval.score {directory} writes it anew"
        ) from error
    # What tells nothing below a cut-off is no probability.
    table = cache(lambda: ScoreTable.read(directory).posteriors())
    under = report.scored_under or None
    return FinishedRun(
        directory=directory,
        report=report,
        environment=environment,
        records=as_scored(records, plan, under, table),
        scores=cache(lambda: scores_by_class(table(), plan, under)),
    )


def as_scored(
    records: RunRecords, plan: Relabelling, under: ScoredUnder | None, table: Callable[[], ScoreTable]
) -> RunRecords:
    """Records as they were read, as a report scored them: by class, and under its calibration and thresholds.

    table: gives the answers' scores as they were read; asked only where they bear on that.
    """
    if under is None:
        return relabelled(records, plan)
    if under.calibration is not UNSET:
        records = with_confidence(records, calibrated(under.calibration, table()))
    mapped = relabelled(records, plan)
    if under.thresholds is UNSET:
        return mapped
    scores = scores_by_class(table(), plan, under)
    return decided(mapped, scores or ScoreTable.of_lines(()), under.thresholds, under.not_promised)


def scores_by_class(table: ScoreTable, plan: Relabelling, under: ScoredUnder | None) -> ScoreTable | None:
    """Scores as they were read, calibrated where the report is, by class; None where there are none."""
    if not len(table):
        return None
    if under is not None and under.calibration is not UNSET:
        table = calibrated(under.calibration, table)
    return table.as_classes(plan.class_of_score)
