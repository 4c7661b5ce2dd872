"""The settings that no other one beats in both of two measures, and how surely each is among them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sv_eval.scoring.call_sample import CallSample

Floats = NDArray[np.float64]
_CELLS = 20_000_000


def on_front(better: Floats, cheaper: Floats) -> NDArray[np.bool_]:
    """Which settings are on the Pareto front: no other has as much of `better` for as little of `cheaper`.

    One that has just the same of both takes no place away.

    Arrays [settings, ...]; further axes (draws) are carried along. NaN in either keeps a setting off the front.

    >>> on_front(np.array([0.5, 0.6, 0.6, 0.4]), np.array([10.0, 20.0, 30.0, 40.0])).tolist()
    [True, True, False, False]
    """
    known = np.isfinite(better) & np.isfinite(cheaper)
    gain, cost = np.where(known, better, -np.inf), np.where(known, cheaper, np.inf)
    as_good = (gain[:, None] >= gain[None]) & (cost[:, None] <= cost[None])
    strictly = (gain[:, None] > gain[None]) | (cost[:, None] < cost[None])
    beaten = np.asarray((as_good & strictly).any(axis=0), dtype=np.bool_)
    return np.asarray(known & ~beaten, dtype=np.bool_)


def front_shares(better: Floats, cheaper: Floats) -> Floats:
    """The share of draws [settings, draws] in which each setting is on the front."""
    settings, draws = better.shape
    if not draws:
        return np.full(settings, np.nan)
    step = max(1, _CELLS // settings**2)
    held = np.zeros(settings)
    for begin in range(0, draws, step):
        part = slice(begin, begin + step)
        held += on_front(better[:, part], cheaper[:, part]).sum(axis=1)
    return np.asarray(held / draws, dtype=np.float64)


def drawn_percentile(sample: CallSample, p: float, draws: int, rng: np.random.Generator) -> Floats:
    """Draws of the p-th percentile as resampling as many independent calls as these are worth gives it.

    The nearest-rank percentile of a resample is the value at a rank that follows from the k-th order statistic of
    n uniform numbers, Beta(k, n - k + 1) with k = ceil(p n) (David and Nagaraja 2003, Order Statistics, 2.1), so
    that nothing need be resampled. NaN for no values.
    """
    n = sample.n
    if not n:
        return np.full(draws, np.nan)
    worth = max(1, math.floor(sample.dependence(p).worth(n)))
    k = math.ceil(round(p * worth, 9))
    ranks = np.minimum((n * rng.beta(k, worth - k + 1, size=draws)).astype(np.int64), n - 1)
    return np.asarray(np.sort(sample.latency_ms)[ranks], dtype=np.float64)


def ratio_with_error(part: Floats, whole: Floats) -> tuple[float, float] | None:
    """`sum(part) / sum(whole)` and its standard error, by the linearised ratio (Cochran 1977, 2.11); or None.

    >>> ratio_with_error(np.array([1.0, 1.0]), np.array([2.0, 2.0]))
    (0.5, 0.0)
    """
    n, total = len(part), float(whole.sum())
    if n < 2 or not total > 0:
        return None
    ratio = float(part.sum()) / total
    left = part - ratio * whole
    return ratio, float(np.sqrt(n / (n - 1) * (left**2).sum())) / total
