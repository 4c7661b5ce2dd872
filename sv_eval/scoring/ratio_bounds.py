"""Bounds of a ratio of sums, such as a word error rate, whose clips come in clusters of one speaker.

The ratio `r = sum(a) / sum(b)` may exceed 1, so the bounds are found on the logarithmic scale: Student's t with the
delete-one-cluster jackknife's error (Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 11),

    r exp(+-t[n - 1] s / r),  s^2 = (n - 1) / n sum((r_j - mean(r_j))^2),  r_j without cluster j.

It is the rule that accuracy figures of few clusters are bounded by, on the scale that fits a ratio.
"""

from __future__ import annotations

import math

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from sv_eval.report.interval import Interval, given
from sv_eval.report.reasons import Why

JACKKNIFE = "jackknife_t_log"
"""The rule's name in metrics.json."""


def ratio_interval(
    parts: NDArray[np.int64], wholes: NDArray[np.int64], cluster: NDArray[np.int64], *, confidence: float
) -> Interval:
    """`sum(parts) / sum(wholes)` with its bounds; one entry a clip, `cluster` numbers the speakers from 0."""
    n_clips, total = len(parts), int(wholes.sum())
    if not total:
        return Interval(value=None, n=n_clips, reason=Why.of("nothing_to_compare"))
    _, place = np.unique(cluster, return_inverse=True)
    part = np.bincount(place, weights=parts).astype(np.float64)
    whole = np.bincount(place, weights=wholes).astype(np.float64)
    n = len(part)
    value = float(part.sum() / total)
    low, high, reason = _bounds(value, part, whole, confidence)
    return Interval(
        value=value,
        low=low,
        high=high,
        n=n_clips,
        n_clusters=n,
        reason=given(reason),
        method=UNSET if low is None else JACKKNIFE,
    )


def _bounds(
    value: float, part: NDArray[np.float64], whole: NDArray[np.float64], confidence: float
) -> tuple[float | None, float | None, Why | None]:
    n = len(part)
    if n < 2:
        return None, None, Why.of("one_unit", unit="speaker")
    if not value:
        return None, None, Why.of("no_error")
    without = (part.sum() - part) / np.maximum(whole.sum() - whole, 1.0)
    error = math.sqrt((n - 1) / n * float(((without - without.mean()) ** 2).sum()))
    if error < 1e-12:
        return None, None, Why.of("units_alike", unit="speaker")
    from scipy.special import stdtrit

    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * error / value
    return value * math.exp(-half), value * math.exp(half), None
