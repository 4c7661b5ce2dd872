"""A finished run, made ready for an export."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sv_eval.errors import RunDirectoryError
from sv_eval.finished.reading import read_run
from sv_eval.record_file.table import RecordTable
from sv_eval.report.environment import Environment
from sv_eval.report.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedRun:
    """What exports are made of."""

    directory: Path
    """Where the run lies."""
    report: Report
    """metrics.json."""
    environment: Environment
    """environment.json."""
    requests: RecordTable
    """The records of all rounds."""
    latency_ms: NDArray[np.float64]
    """A clean call each, in order of sending, milliseconds."""
    sent_s: NDArray[np.float64]
    """When each was sent, seconds; NaN where that is not known."""
    by_emotion: Mapping[str, NDArray[np.float64]]
    """The calls that hold a clip of each scored label."""

    @property
    def identity(self) -> str:
        """A UUID for what was measured and how it was scored: the same run has the same one wherever it goes."""
        facts = self.report.run
        what = f"{facts.records_hash or facts.config_hash} {facts.scoring_hash} {facts.started_at}"
        return str(uuid.UUID(bytes=hashlib.sha256(what.encode("utf-8")).digest()[:16], version=4))


def exported_run(directory: Path) -> ExportedRun:
    """The run in `directory`. Raises RunDirectoryError when it is none, or when its latency was refused."""
    run = read_run(directory)
    reason = run.report.latency_ms.reason
    if reason and "fell_behind" in reason.codes:
        raise RunDirectoryError(f"{directory}: {reason}, so its latency is no result that could be exported")
    timing = run.timing
    calls, reference = timing.calls, timing.reference
    order = np.argsort(calls.sent_s, kind="stable")
    return ExportedRun(
        directory=directory,
        report=run.report,
        environment=run.environment,
        requests=run.records.requests,
        latency_ms=calls.latency_ms[order],
        sent_s=calls.sent_s[order],
        by_emotion={
            label: calls.holding(reference == timing.requests.class_codes.reference(label)).latency_ms
            for label in run.report.labels
        },
    )
