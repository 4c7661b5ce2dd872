"""The distribution of latency, small enough to travel in metrics.json and be drawn from there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sv_eval.report.latency import Histogram

_BINS = 40
_TAIL = 0.005


def latency_histogram(values: NDArray[np.float64]) -> Histogram | None:
    """Counts of the calls' latency, one each, in equal bins, milliseconds; None without any.

    The bins end at the 99.5th percentile and everything beyond is counted in the last one, so that one stray
    answer does not press the rest into a single bar; `beyond` says how many those are.
    """
    if not len(values):
        return None
    low, high = float(values.min()), float(np.quantile(values, 1 - _TAIL))
    if high <= low:
        high = low + max(abs(low) * 0.01, 0.001)
    edges = np.linspace(low, high, _BINS + 1)
    counts, _ = np.histogram(np.minimum(values, high), bins=edges)
    return Histogram(
        edges_ms=tuple(round(float(edge), 4) for edge in edges),
        counts=tuple(counts.tolist()),
        beyond=int((values > high).sum()),
    )
