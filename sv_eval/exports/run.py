"""A run directory, read for an export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.errors import RunDirectoryError
from sv_eval.labels.config import labels_config_from
from sv_eval.labels.relabelling import relabelled, relabelling_of
from sv_eval.run.identity import ENVIRONMENT
from sv_eval.run.journal import RECORDS, read_lines
from sv_eval.run_directory import METRICS, read_json
from sv_eval.scoring.calls import calls_of
from sv_eval.scoring.latency import clean_records
from sv_eval.scoring.load import REASON
from sv_eval.scoring.table import RecordTable


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """What exports are made of."""

    metrics: Mapping[str, Any]
    """metrics.json."""
    environment: Mapping[str, Any]
    """environment.json."""
    table: RecordTable
    """The records of all rounds."""
    latency_ms: NDArray[np.float64]
    """A clean call each, in order of sending, milliseconds."""
    sent_s: NDArray[np.float64]
    """When each was sent, seconds; NaN where that is not known."""
    by_emotion: Mapping[str, NDArray[np.float64]]
    """The calls that hold a clip of each scored label."""


def read_run(directory: Path) -> FinishedRun:
    """The run in `directory`. Raises RunDirectoryError when it is none, or when its latency was refused."""
    metrics, environment = read_json(directory / METRICS), read_json(directory / ENVIRONMENT)
    if metrics["latency_ms"].get("reason") == REASON:
        raise RunDirectoryError(f"{directory}: {REASON}, so its latency is no result that could be exported")
    table = RecordTable.from_json_lines(read_lines(directory / RECORDS), all_rounds=True)
    label_map = metrics.get("label_map") or {}
    chosen = labels_config_from(
        {key: label_map[key] for key in ("name", "version", "classes", "merges") if label_map}
    )
    table = relabelled(table, relabelling_of(chosen, environment["dataset"]))
    clean, _, _ = clean_records(table)
    calls = calls_of(table, clean)
    order = np.argsort(calls.sent_s, kind="stable")
    reference = table.reference[clean]
    return FinishedRun(
        metrics=metrics,
        environment=environment,
        table=table,
        latency_ms=calls.latency_ms[order],
        sent_s=calls.sent_s[order],
        by_emotion={
            label: calls.latencies(reference == table.words.reference(label)) for label in metrics["labels"]
        },
    )
