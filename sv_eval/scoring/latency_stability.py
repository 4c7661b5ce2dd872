"""Signs that one figure does not tell a run's latency: it drifted, it has two modes, it has stray values.

All three look at the clean calls of the session that latency is from, as if their clips were equally long. They are
warnings, not tests of a hypothesis that anyone stated beforehand, so their thresholds are strict and their numbers
stand beside them.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sv_eval.report.latency import Drift, LatencyOutliers, LatencyStability, Modes, Window
from sv_eval.scoring.timing import Timing

LEAST = 100
"""Below so many calls nothing is said."""
_WINDOWS = 10
_DRIFT_SHARE = 0.1
_DRIFT_SURE = 0.001
_TWO_MODES = 0.85
_LESSER_MODE = 0.05
_MODES_APART = 1.5
_STRAY_SHARE = 0.005
_FENCE = 3.0

Values = NDArray[np.float64]


def signs_of(timing: Timing) -> LatencyStability:
    """The run over time, and what should be known about the shape of its latency.

    Empty and None where calls are too few.
    """
    calls = timing.calls
    if calls.n < LEAST:
        return LatencyStability()
    at_one_length = at_equal_length(calls.latency_ms, calls.audio_s)
    shape = LatencyStability(modes=two_modes(at_one_length), strays=strays(at_one_length))
    if not calls.timed:
        return shape
    order = np.argsort(calls.sent_s, kind="stable")
    return replace(
        shape,
        over_time=over_time(calls.sent_s[order], calls.latency_ms[order]),
        drift=drift(at_one_length[order]),
    )


def at_equal_length(latency_ms: Values, audio_s: Values) -> Values:
    """The latencies as they would be if all clips were equally long: over the straight line through them.

    Corpora are seldom in an order that mixes long and short clips, and such an order would look like a drift.

    >>> at_equal_length(np.array([10.0, 20.0, 30.0]), np.array([1.0, 2.0, 3.0])).round(6).tolist()
    [20.0, 20.0, 20.0]
    """
    if float(np.ptp(audio_s)) == 0:
        return latency_ms
    expected = np.polyval(np.polyfit(audio_s, latency_ms, 1), audio_s)
    middle = float(np.median(latency_ms))
    # A line that stray values have bent below nothing explains nothing.
    return latency_ms / expected * middle if (expected > 0).all() else latency_ms


def over_time(sent_s: Values, latency_ms: Values) -> tuple[Window, ...]:
    """The median of each tenth of the time, for calls in order of sending."""
    edges = np.linspace(sent_s[0], sent_s[-1], _WINDOWS + 1)
    place = np.clip(np.searchsorted(edges, sent_s, side="right") - 1, 0, _WINDOWS - 1)
    found = []
    for window in range(_WINDOWS):
        values = latency_ms[place == window]
        middle = float(np.median(values)) if len(values) else None
        found.append(Window(from_s=round(float(edges[window]), 3), n=len(values), p50=middle))
    return tuple(found)


def drift(latency_ms: Values) -> Drift:
    """How the latency changed in the course of the run, for calls in order.

    `change` is the median of the last third over that of the first, less 1; notable is a change of a tenth or more
    whose Spearman rank correlation with time has p < 0.001.

    >>> drift(np.linspace(10.0, 12.0, 300)).notable, drift(np.tile([10.0, 12.0], 150)).notable
    (True, False)
    """
    third = len(latency_ms) // 3
    first, last = float(np.median(latency_ms[:third])), float(np.median(latency_ms[-third:]))
    change = last / first - 1 if first > 0 else 0.0
    if float(np.ptp(latency_ms)) == 0:
        return Drift(change=0.0, notable=False)
    sure = chance_of_trend(latency_ms) < _DRIFT_SURE
    return Drift(change=change, notable=bool(abs(change) >= _DRIFT_SHARE and sure))


def chance_of_trend(values: Values) -> float:
    """The two-sided p-value of Spearman's rank correlation of values with their order; some tens of them at least.

    By the normal approximation, `z = rho sqrt(n - 1)`; ties have their mean rank.

    >>> round(chance_of_trend(np.array([3.0, 1.0, 2.0, 2.0, 5.0, 4.0] * 10)), 3)
    0.661
    """
    n = len(values)
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    rho = float(np.corrcoef(np.arange(n), ranks)[0, 1])
    return math.erfc(abs(rho) * math.sqrt((n - 1) / 2))


def two_modes(latency_ms: Values) -> Modes:
    """Whether the values fall into two groups, by the best cut of their logarithms in two (Otsu's).

    `explained` is the share of the variance that lies between the groups: 0.64 for a normal distribution, 0.75 for
    a uniform one, 1 for two points. Notable from 0.85 on, where the lesser group holds a twentieth and the medians
    of the groups, `low_ms` and `high_ms`, are half apart.

    >>> two_modes(np.array([10.0, 10.1, 9.9, 10.2] * 30 + [40.0, 41.0] * 10)).notable
    True
    """
    logs = np.sort(np.log(np.maximum(latency_ms, 1e-6)))
    n, total = len(logs), float(logs.var())
    if total == 0:
        return Modes(explained=None, notable=False)
    sums, below = np.cumsum(logs)[:-1], np.arange(1, n)
    means = sums / below, (logs.sum() - sums) / (n - below)
    between = below * (n - below) / n**2 * (means[1] - means[0]) ** 2
    cut = int(between.argmax()) + 1
    low, high = (float(np.exp(np.median(part))) for part in (logs[:cut], logs[cut:]))
    explained, lesser = float(between.max()) / total, min(cut, n - cut) / n
    notable = explained >= _TWO_MODES and lesser >= _LESSER_MODE and high / low >= _MODES_APART
    return Modes(
        explained=explained,
        low_ms=low,
        high_ms=high,
        share_high=1 - cut / n,
        notable=bool(notable),
    )


def strays(latency_ms: Values) -> LatencyOutliers:
    """Values far beyond the rest: above Tukey's outer fence, Q3 + 3 (Q3 - Q1), of their logarithms.

    >>> strays(np.array([10.0, 11.0, 9.0, 10.5] * 50 + [500.0] * 2))
    LatencyOutliers(n=2, above_ms=14.641, notable=True)
    """
    logs = np.log(np.maximum(latency_ms, 1e-6))
    low, high = np.quantile(logs, [0.25, 0.75])
    fence = float(high + _FENCE * (high - low))
    n = int((logs > fence).sum())
    notable = n >= max(2, _STRAY_SHARE * len(logs))
    return LatencyOutliers(n=n, above_ms=float(np.exp(fence)), notable=bool(notable))
