"""Percentiles with bounds, and how many values they need.

The point estimate is the nearest-rank order statistic, `x[ceil(p n)]` of the ascending values: a value that
was measured, not one between two. The bounds are order statistics too, from the binomial distribution of how
many values fall below the true percentile; they assume nothing about the distribution and are conservative.
Values that depend on each other bound a percentile as fewer independent ones would: `sv_eval.scoring.dependence`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from sv_eval.report.interval import Interval
from sv_eval.report.reasons import Why
from sv_eval.scoring.dependence import INDEPENDENT, Dependence
from sv_eval.scoring.smallest import smallest

_NO_BOUND = 1 << 60
_FEWEST_CLIPS = 5
"""Fewer clips have no percentile that says anything."""


@cache
def minimum_n(p: float, confidence: float = 0.99) -> int:
    """The fewest values that allow a p-th percentile, 0 < p < 1, by MLPerf's early-stopping rule with t = 1.

    The smallest n with `P(Binomial(n, 1 - p) <= 1) <= 1 - confidence`: so many that, at this confidence, at
    least two values lie beyond the percentile.

    >>> [minimum_n(p) for p in (0.5, 0.9, 0.95, 0.99, 0.999)]
    [11, 64, 130, 662, 6636]
    """
    from scipy.special import bdtr

    found = smallest(lambda n: bool(bdtr(1, n, 1 - p) <= 1 - confidence), 2, _NO_BOUND)
    assert found is not None
    return found


def percentile(
    values: NDArray[np.float64],
    p: float,
    *,
    confidence: float = 0.95,
    clips: int | None = None,
    dependence: Dependence = INDEPENDENT,
    distinct: int | None = None,
) -> Interval:
    """The p-th percentile, 0 < p < 1, with two-sided bounds; None with the reason if values are too few.

    `clips` is how many clips the values were measured on, where a value is a call's; by default one each. Where
    repeats of `distinct` clips are worth fewer calls than the percentile needs, it is that of these clips alone: a
    value without bounds, since it says nothing of others. Of fewer clips than make one lie beyond it there is none.

    >>> str(percentile(np.arange(1.0, 41.0), 0.95).reason)
    'n too small: 40 of 130'
    >>> percentile(np.arange(1.0, 201.0), 0.95).value
    190.0
    """
    n, needed = len(values), minimum_n(p)
    measured = n if clips is None else clips
    if n < needed:
        code = "too_few" if measured == n else "too_few_calls"
        return Interval(value=None, n=measured, n_calls=n, reason=Why.of(code, n=n, needed=needed))
    worth = n if dependence.clips <= 1 else math.floor(n / dependence.clips)
    if worth < needed:
        if distinct is None or distinct < max(_FEWEST_CLIPS, math.ceil(round(1 / (1 - p), 9))):
            reason = Why.of("too_few_clips", n=n, worth=worth, needed=needed)
            return Interval(value=None, n=measured, n_calls=n, reason=reason)
        reason = Why.of("these_clips", clips=distinct)
        return Interval(value=nearest_rank(values, p), n=measured, n_calls=n, reason=reason)
    ranked = np.sort(values)
    low, high = _ranks(n, dependence.bounding(n, confidence), p, confidence)
    return Interval(
        value=nearest_rank(ranked, p),
        low=None if low is None else float(ranked[low - 1]),
        high=None if high is None else float(ranked[high - 1]),
        n=measured,
        n_calls=n,
        reason=Why.of("unbounded") if low is None or high is None else UNSET,
    )


def nearest_rank(values: NDArray[np.float64], p: float) -> float:
    """The p-th percentile of the values, one at least: that at rank ceil(p n).

    >>> nearest_rank(np.array([3.0, 1.0, 2.0, 4.0]), 0.5)
    2.0
    """
    place = math.ceil(round(p * len(values), 9)) - 1
    return float(np.partition(values, place)[place])


def _ranks(n: int, worth: int, p: float, confidence: float) -> tuple[int | None, int | None]:
    """The ranks among n values that bound a percentile as `worth` independent ones would."""
    low, high = bound_ranks(worth, p, confidence)
    if worth == n:
        return low, high
    return (
        None if low is None else max(1, math.floor(low * n / worth)),
        None if high is None else min(n, math.ceil(high * n / worth)),
    )


def bound_ranks(n: int, p: float, confidence: float) -> tuple[int | None, int | None]:
    """The ranks, from 1, of the values that bound the p-th percentile; None for a side without one.

    The lower is the largest l with `P(Binomial(n, p) < l) <= alpha / 2`, the upper the smallest u with
    `P(Binomial(n, p) >= u) <= alpha / 2`. Ranks are whole numbers, so that both together hold the percentile more
    often than they promise; where one of them can come a rank nearer and the promise, `P(l <= Binomial(n, p) < u)
    >= 1 - alpha`, is still kept, it does.

    >>> bound_ranks(100, 0.5, 0.95), bound_ranks(20, 0.95, 0.95)
    ((40, 60), (17, None))
    """
    from scipy.special import bdtr

    reach = 10.0 + 10.0 * math.sqrt(n * p * (1 - p))
    first = max(1, math.floor(n * p - reach))
    ranks = np.arange(first, min(n, math.ceil(n * p + reach)) + 1)
    below = bdtr(ranks - 1, n, p)
    tail = (1 - confidence) / 2
    low = first - 1 + int((below <= tail).sum())
    high = first + int((1 - below > tail).sum())
    low, high = _nearer(low, high, lambda rank: float(bdtr(rank - 1, n, p)), confidence)
    return low or None, high if high <= n else None


def _nearer(low: int, high: int, below: Callable[[int], float], confidence: float) -> tuple[int, int]:
    """The ranks, one or both a little nearer to each other; `below` says how likely fewer values lie under."""
    while high - low > 1:
        inner = [(below(high) - below(low + 1), low + 1, high), (below(high - 1) - below(low), low, high - 1)]
        kept = [one for one in inner if one[0] >= confidence]
        if not kept:
            break
        _, low, high = min(kept)
    return low, high
