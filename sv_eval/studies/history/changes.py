"""Where the level of a series changed: binary segmentation with a permutation test.

Vostrikova 1981, Detecting disorder in multidimensional random processes (binary segmentation); the largest weighted
difference of means before and after a point is held against that of the same values in random order, as Antoch and
Huskova 2001, Permutation tests in change point analysis. Nothing is assumed of the values' distribution, save that
without a change any order of them is as likely as any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sv_eval.report.history import ChangePoint

Floats = NDArray[np.float64]

_PERMUTATIONS = 9_999
_LEAST = 2
"""A level is of two values at least: one that stands alone is an outlier, and no change for good."""


def change_points(values: Sequence[float], *, alpha: float = 0.01, seed: int = 0) -> tuple[ChangePoint, ...]:
    """The points at which the level changed, in order.

    alpha: the chance of a false one, of each segment that is looked at. Means are of the segments between points.
    """
    series = np.asarray(values, dtype=np.float64)
    rng = np.random.default_rng(seed)
    found: dict[int, float] = {}
    waiting = [(0, len(series))]
    while waiting:
        begin, end = waiting.pop()
        place, p = _largest(series[begin:end], rng)
        if place is not None and p <= alpha:
            found[begin + place] = p
            waiting += [(begin, begin + place), (begin + place, end)]
    edges = [0, *sorted(found), len(series)]
    means = [float(series[a:b].mean()) if b > a else 0.0 for a, b in pairwise(edges)]
    return tuple(
        ChangePoint(place=place, before=means[number], after=means[number + 1], p=found[place])
        for number, place in enumerate(sorted(found))
    )


def _largest(segment: Floats, rng: np.random.Generator) -> tuple[int | None, float]:
    """The place with the largest difference, and how likely one so large is in a random order."""
    if len(segment) < 2 * _LEAST or float(np.ptp(segment)) == 0:
        return None, 1.0
    seen = _differences(segment[None, :])[0]
    place = int(np.argmax(seen)) + _LEAST
    others = _differences(rng.permuted(np.tile(segment, (_PERMUTATIONS, 1)), axis=1)).max(axis=1)
    # What rounding makes of the same order must not count as smaller.
    as_large = int((others >= seen.max() * (1 - 1e-9)).sum())
    return place, (1 + as_large) / (1 + _PERMUTATIONS)


def _differences(series: Floats) -> Floats:
    """The weighted difference of means at each place, sqrt(k (n - k) / n) |mean before - mean after|."""
    n = series.shape[1]
    sums = np.cumsum(series, axis=1)
    k = np.arange(_LEAST, n - _LEAST + 1)
    before = sums[:, k - 1] / k
    after = (sums[:, -1:] - sums[:, k - 1]) / (n - k)
    found: Floats = np.sqrt(k * (n - k) / n) * np.abs(before - after)
    return found
