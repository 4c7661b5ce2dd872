"""What is wrong with probabilities, as formulas.

With bins b of n_b of n clips, mean probability p_b and observed share o_b:

- ECE (Naeini, Cooper and Hauskrecht 2015): `sum_b n_b / n |p_b - o_b|`. Chance alone makes it positive.
- Debiased: what chance is expected to add is taken off, `|d_b|` becoming `2 |d_b| - E|N(d_b, s_b^2)|`. It is the
  correction that Kumar, Liang and Ma (2019), Verified Uncertainty Calibration, make by drawing from that normal
  distribution, with its mean written out (that of a folded normal). `s_b` is the standard error of `p_b - o_b`,
  of whole speakers where these are known: clips of one speaker share its luck. The sum is 0 at least. What it takes
  off is what chance adds to errors as large as those that were seen, so of perfect probabilities some is left.
- Murphy (1973): with the base rate o, `Brier = sum n_b/n (p_b - o_b)^2 - sum n_b/n (o_b - o)^2 + o (1 - o)` if all
  probabilities of a bin are the same. What they differ adds `within`, the two terms of Stephenson, Coelho and
  Jolliffe (2008): the variance of the probabilities within bins less twice their covariance with what was.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sv_eval.report.calibration import BrierParts
from sv_eval.scoring.calibration.bins import Binned, Floats

FLOOR = 1e-6
"""What a probability is at least when its logarithm is taken: records hold six decimals."""


def ece_plain(found: Binned) -> float:
    """The expected calibration error as it is usually given."""
    return float(np.abs(found.differences) @ found.counts / found.counts.sum())


def standard_errors(found: Binned) -> Floats:
    """The standard error of each bin's mean probability less observed share.

    By units, `G / (G - 1) sum_g (sum of residuals)^2 / n_b^2` over the G units in a bin; where one unit has all of
    its clips, that of independent clips.
    """
    counts = found.counts
    rest = found.probability - found.observed - found.n * found.differences
    units = (found.n > 0).sum(axis=0)
    factor = np.where(units > 1, units / np.maximum(units - 1, 1), 0.0)
    by_unit = factor * (rest**2).sum(axis=0) / counts**2
    share = found.observed.sum(axis=0) / counts
    return np.asarray(np.sqrt(np.where(units > 1, by_unit, share * (1 - share) / counts)), dtype=np.float64)


def ece_debiased(differences: Floats, errors: Floats, counts: Floats) -> Floats:
    """The error less what chance adds; `differences` may have further axes before the bins, `counts` too."""
    size = np.abs(differences)
    corrected = np.where(errors > 0, 2 * size - folded_mean(size, errors), size)
    weight = counts / counts.sum(axis=-1, keepdims=True)
    return np.asarray(np.maximum((corrected * weight).sum(axis=-1), 0.0), dtype=np.float64)


def squared_unbiased(differences: Floats, errors: Floats, counts: Floats) -> Floats:
    """`sum n_b/n (d_b^2 - s_b^2)`, the mean square of the differences without bias, so that it may be below 0.

    It is the estimator of Kumar, Liang and Ma (2019), with `s_b` of whole speakers.
    """
    weight = counts / counts.sum(axis=-1, keepdims=True)
    return np.asarray(((differences**2 - errors**2) * weight).sum(axis=-1), dtype=np.float64)


def folded_mean(mean: Floats, error: Floats) -> Floats:
    """`E|N(mean, error^2)|` (Leone, Nelson and Nottingham 1961, The Folded Normal Distribution).

    >>> folded_mean(np.array([0.0, 5.0]), np.array([1.0, 1e-3])).round(6).tolist()
    [0.797885, 5.0]
    """
    from scipy.special import ndtr

    scale = np.where(error > 0, error, 1.0)
    ratio = mean / scale
    spread = scale * math.sqrt(2 / math.pi) * np.exp(-(ratio**2) / 2)
    return np.asarray(np.where(error > 0, spread + mean * (1 - 2 * ndtr(-ratio)), mean), dtype=np.float64)


def brier_parts(found: Binned, probability: Floats, observed: NDArray[np.bool_]) -> BrierParts:
    """The Brier score taken apart; its parts add up to it."""
    counts = found.counts
    weight = counts / counts.sum()
    mean, share = found.probability.sum(axis=0) / counts, found.observed.sum(axis=0) / counts
    base = float(share @ weight)
    apart = probability - mean[found.of_clip]
    was = observed - share[found.of_clip]
    return BrierParts(
        reliability=float((mean - share) ** 2 @ weight),
        resolution=float((share - base) ** 2 @ weight),
        uncertainty=base * (1 - base),
        within=float((apart**2).mean() - 2 * (apart * was).mean()),
    )


def log_losses(probability: Floats, observed: NDArray[np.bool_]) -> Floats:
    """Minus the logarithm of the probability of what was, by clip."""
    given = np.where(observed, probability, 1 - probability)
    return np.asarray(-np.log(np.maximum(given, FLOOR)), dtype=np.float64)
