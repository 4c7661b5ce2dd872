"""A finished run, read back from its directory through one door: report, environment and records, held together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sv_eval.errors import ConfigError, RunDirectoryError
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.table import RecordTable
from sv_eval.report.environment import Environment
from sv_eval.report.report import Report
from sv_eval.report.run_directory import METRICS, read_environment, read_report
from sv_eval.scoring.labels.config import labels_config_of
from sv_eval.scoring.labels.relabelling import relabelled, relabelling_of
from sv_eval.scoring.timing import Timing, timing_of


@dataclass(frozen=True, kw_only=True, eq=False)
class FinishedRun:
    """What is kept of a run. Its records are under the label map that the report was scored with."""

    directory: Path
    """Where it lies."""
    report: Report
    """metrics.json."""
    environment: Environment
    """environment.json."""
    records: RunRecords
    """records.jsonl."""

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
        plan = relabelling_of(
            labels_config_of(report.label_map),
            environment.dataset,
            environment.backend.words,
            environment.backend.capabilities.dimensions,
        )
    except ConfigError as error:
        raise RunDirectoryError(
            f"{directory / METRICS}: label_map: {error}; python -m sv_eval.score {directory} writes it anew"
        ) from error
    return FinishedRun(
        directory=directory, report=report, environment=environment, records=relabelled(records, plan)
    )
