"""How far groups differ by chance alone: the thresholds that a recogniser which guesses would reach.

A random model is drawn again and again: so many samples in each of so many groups, answers that know nothing of the
truth. Of each draw the largest difference of the first group from all groups together is kept, over the classes
where there are several. Its maximum over the draws, or a high percentile, is what a real recogniser may show
without being unfair (audeering's ser-tests, 2023, have 1,000 draws and the maximum).

What becomes of right answers, of errors and of values beside their truth is in `error_thresholds`.

Categories are uniform or sparse; values are a Gaussian of mean 0.5 and standard deviation 1/6, truncated to 0..1,
and four bins of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DRAWS = 1000
UNIFORM = (0.25, 0.25, 0.25, 0.25)
SPARSE = (0.05, 0.05, 0.3, 0.6)
_MEAN, _DEVIATION = 0.5, 1 / 6
_BINS = 4
_KINDS = 3
_AT_ONCE = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """How far the first group lay from all groups together, over the draws."""

    largest: float
    """The largest difference."""
    p99: float
    """The 99th percentile."""


def share_threshold(
    n: int, groups: int, *, probabilities: Sequence[float] = UNIFORM, seed: int = 0, draws: int = DRAWS
) -> Threshold:
    """Of the share that a group's answers have of a class, less that of all; the largest over the classes.

    n: samples in each group. It is the same for values in bins, whose probabilities `bin_probabilities` gives.
    """
    rng = np.random.default_rng(seed)
    own = rng.multinomial(n, probabilities, size=draws)
    others = rng.multinomial(n * (groups - 1), probabilities, size=draws)
    return threshold_of(np.abs(own / n - (own + others) / (n * groups)).max(axis=1))


def share_shift_threshold(
    n: int, groups: int, *, probabilities: Sequence[float] = UNIFORM, seed: int = 0, draws: int = DRAWS
) -> Threshold:
    """Of how a class's share changes in a group from all samples to one of three kinds, less what the groups change
    in the mean; the largest over the classes.

    n: samples of each kind, of sentiments say, in each group.
    """
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(n, probabilities, size=(draws, groups, _KINDS))
    change = counts[:, :, 0] / n - counts.sum(axis=2) / (_KINDS * n)
    return threshold_of(np.abs(change[:, 0] - change.mean(axis=1)).max(axis=1))


def mean_shift_threshold(n: int, groups: int, *, seed: int = 0, draws: int = DRAWS) -> Threshold:
    """Of how a group's mean changes from all samples to one of three kinds, less the mean of that change."""
    rng = np.random.default_rng(seed)
    found = np.empty(draws)
    for begin, count in portions(draws, n * groups * _KINDS):
        means = truncated_gaussian(rng, (count, groups, _KINDS, n)).mean(axis=3)
        change = means[:, :, 0] - means.mean(axis=2)
        found[begin : begin + count] = np.abs(change[:, 0] - change.mean(axis=1))
    return threshold_of(found)


def mean_threshold(n: int, groups: int, *, seed: int = 0, draws: int = DRAWS) -> Threshold:
    """Of the mean of a group's values less that of all."""
    rng = np.random.default_rng(seed)
    found = np.empty(draws)
    for begin, count in portions(draws, n * groups):
        values = truncated_gaussian(rng, (count, groups * n))
        found[begin : begin + count] = np.abs(values[:, :n].mean(axis=1) - values.mean(axis=1))
    return threshold_of(found)


def bin_probabilities() -> tuple[float, ...]:
    """The shares of the truncated Gaussian that lie in each quarter of 0..1.

    >>> [round(share, 4) for share in bin_probabilities()]
    [0.0656, 0.4344, 0.4344, 0.0656]
    """
    from scipy.special import ndtr

    edges = ndtr((np.linspace(0, 1, _BINS + 1) - _MEAN) / _DEVIATION)
    return tuple(float((high - low) / (edges[-1] - edges[0])) for low, high in pairwise(edges))


def enough_in_bins(counts: Sequence[int]) -> tuple[bool, ...]:
    """Which bins hold enough samples to be looked at: P(X <= 0.25) n or more, n being all samples.

    >>> enough_in_bins([6, 44, 43, 7])
    (False, True, True, True)
    """
    least = bin_probabilities()[0] * sum(counts)
    return tuple(count >= least for count in counts)


def truncated_gaussian(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Values of the Gaussian truncated to 0..1, by its quantiles."""
    from scipy.special import ndtr, ndtri

    low, high = ndtr(-_MEAN / _DEVIATION), ndtr((1 - _MEAN) / _DEVIATION)
    return np.asarray(_MEAN + _DEVIATION * ndtri(low + (high - low) * rng.random(shape)), dtype=np.float64)


def interpolated(thresholds: Mapping[int, float], n: int) -> float:
    """The threshold for n samples in a group, from those of a few numbers, on a straight line between neighbours.

    Below the smallest number and above the largest theirs stands: more samples only make a threshold smaller.

    >>> interpolated({20: 0.275, 40: 0.175}, 30), interpolated({20: 0.275, 40: 0.175}, 400)
    (0.225, 0.175)
    """
    known = sorted(thresholds)
    return round(float(np.interp(n, known, [thresholds[each] for each in known])), 12)


def threshold_of(found: Floats) -> Threshold:
    """The threshold of the differences that were drawn."""
    return Threshold(largest=float(found.max()), p99=float(np.quantile(found, 0.99)))


def portions(draws: int, size: int) -> list[tuple[int, int]]:
    """Begin and number of the draws that are made at once, each of so many values."""
    step = max(1, _AT_ONCE // size)
    return [(begin, min(step, draws - begin)) for begin in range(0, draws, step)]
