"""The distribution of latency, small enough to travel in metrics.json and be drawn from there."""

from __future__ import annotations

from typing import Any

import numpy as np

from sv_eval.scoring.calls import calls_of
from sv_eval.scoring.latency import clean_records
from sv_eval.scoring.table import RecordTable

_BINS = 40
_TAIL = 0.005


def latency_histogram(table: RecordTable) -> dict[str, Any] | None:
    """Counts of the clean calls' latency, one each, in equal bins, milliseconds; None without any.

    The bins end at the 99.5th percentile and everything beyond is counted in the last one, so that one stray
    answer does not press the rest into a single bar; `beyond` says how many those are.
    """
    clean, _, _ = clean_records(table)
    values = calls_of(table, clean).latency_ms
    if not len(values):
        return None
    low, high = float(values.min()), float(np.quantile(values, 1 - _TAIL))
    if high <= low:
        high = low + max(abs(low) * 0.01, 0.001)
    edges = np.linspace(low, high, _BINS + 1)
    counts, _ = np.histogram(np.minimum(values, high), bins=edges)
    return {
        "edges_ms": [round(float(edge), 4) for edge in edges],
        "counts": counts.tolist(),
        "beyond": int((values > high).sum()),
    }
