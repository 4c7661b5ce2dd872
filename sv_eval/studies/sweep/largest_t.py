"""How large the largest of many t-statistics is when nothing differs, each with a standard error of its own.

Units are drawn as normal vectors with the settings' correlation R, and go through the jackknife that the data go
through. So every setting is divided by its own error, labels that few units have weigh as they do, and a mean of
units of unequal size has the heavy tails that it has. Where units are of equal size, each statistic is Student's t
of the units less 1. It is the max-t of Westfall and Young (1993), Resampling-Based Multiple Testing, chapter 2, but
with a normal model in the place of resampling, which needs more units than a corpus has speakers.

Few units say little about R: of two units, all settings look perfectly alike. R is therefore shrunk towards
independence, under which the largest of them is largest (Sidak 1967, Rectangular Confidence Regions for the Means
of Multivariate Normal Distributions), as far as its own uncertainty asks for (Schaefer and Strimmer 2005, A
Shrinkage Approach to Large-Scale Covariance Matrix Estimation, section 2.4, target D):

    R* = (1 - l) R + l I,   l = sum over i != j of Var(r_ij) / sum over i != j of r_ij^2,   l = 1 for two units.

Beyond a hundred units, correlated normals are divided by the roots of chi-squares that are joined by a Gaussian
copula with the correlation that squares of the normals have, R*^2. Their degrees of freedom are the effective
number of units less 1 (Carter, Schnepel and Steigerwald 2017, Asymptotic Behavior of a t-Test Robust to Cluster
Heterogeneity).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DRAWS = 20_000
"""Draws of the largest statistic."""
_LEAST_DRAWS = 4000
_CELLS = 30_000_000
"""Numbers drawn in all, at which draws are saved down to the least."""
_SMALLEST = float(np.finfo(np.float32).tiny)
_AT_ONCE = 2_000_000
_DRAWN_UP_TO = 100
_ALIKE = 0.5
"""How alike a unit's labels are taken to be; of no consequence for units of equal size."""


def shrunk_correlation(apart: Floats, weight: Floats) -> Floats:
    """Correlations [settings, settings] of rows [settings, groups], shrunk towards 0; `weight` units a group."""
    n = weight.sum()
    centred = apart - ((apart @ weight) / n)[:, None]
    scaled = centred / np.sqrt((centred**2 @ weight) / (n - 1))[:, None]
    product = (scaled * weight) @ scaled.T
    correlation = product / (n - 1)
    off = ~np.eye(len(apart), dtype=np.bool_)
    strength = float((correlation[off] ** 2).sum())
    variance = n / (n - 1) ** 3 * ((scaled**2 * weight) @ (scaled**2).T - product**2 / n)
    share = min(1.0, float(variance[off].sum()) / strength) if n > 2 and strength > 0 else 1.0
    shrunk = (1 - share) * correlation
    np.fill_diagonal(shrunk, 1.0)
    return np.asarray(shrunk, dtype=np.float64)


def largest_t(
    correlation: Floats, clips: Floats, multiplicity: NDArray[np.int64], *, seed: int, draws: int = DRAWS
) -> Floats:
    """Draws of the largest absolute statistic among settings that do not differ.

    correlation: of the settings. clips: how many each group's units have, [labels, groups]. multiplicity: how many
    units a group stands for.
    """
    if not len(correlation):
        return np.zeros(1)
    share = clips[clips.max(axis=1) > 0]
    share = share / (share @ multiplicity)[:, None] / len(share)
    root = _root(correlation)
    rng = np.random.default_rng(seed)
    if multiplicity.sum() <= _DRAWN_UP_TO:
        return _of_units(root, np.repeat(share, multiplicity, axis=1), rng, draws)
    return _of_many(root, correlation, share, multiplicity, rng, draws)


def _of_units(root: Floats, share: Floats, rng: np.random.Generator, draws: int) -> Floats:
    """By drawing every unit; `share` [labels, units] is what of UAR rests on a unit's clips of a label."""
    labels, n = share.shape
    left_out = -share / (1 - labels * share)
    # What the mean is made of, and how far it moves when a unit is left out: each linear in the units' values.
    rows = np.zeros((n + 1, labels, n))
    rows[0] = share
    rows[1:] = -left_out.T[:, :, None] * labels * share
    rows[np.arange(1, n + 1), :, np.arange(n)] += left_out.T
    rows[1:] -= rows[1:].mean(axis=0)
    within = (1 - _ALIKE) * np.eye(labels) + _ALIKE
    mixing = _root(np.einsum("alu,lm,bmu->ab", rows, within, rows, optimize=True))
    mixing, narrow = mixing.astype(np.float32), root.astype(np.float32)
    inner, settings = mixing.shape[1], len(root)
    draws = min(draws, max(_LEAST_DRAWS, _CELLS // (inner * settings)))
    highest = np.empty(draws)
    step = max(1, _AT_ONCE // ((n + 1) * settings))
    for begin in range(0, draws, step):
        count = min(step, draws - begin)
        # Single precision is ample for a share of draws, and takes half the time.
        units = rng.standard_normal((inner * count, root.shape[1]), dtype=np.float32) @ narrow.T
        moved = (mixing @ units.reshape(inner, -1)).reshape(-1, count, settings)
        error = np.sqrt((n - 1) / n * np.maximum((moved[1:] ** 2).sum(axis=0), _SMALLEST))
        highest[begin : begin + count] = (np.abs(moved[0]) / error).max(axis=1)
    return highest


def _of_many(
    root: Floats,
    correlation: Floats,
    share: Floats,
    multiplicity: NDArray[np.int64],
    rng: np.random.Generator,
    draws: int,
) -> Floats:
    """By drawing means and errors apart."""
    from scipy.special import gammaincinv, ndtr

    half = (_effective_units(share, multiplicity) - 1) / 2
    score = np.linspace(-6.0, 6.0, 2401)
    variance = gammaincinv(half, ndtr(score)) / half
    squares = _root(correlation**2)
    highest = np.empty(draws)
    step = max(1, _AT_ONCE // len(root))
    for begin in range(0, draws, step):
        count = min(step, draws - begin)
        value = rng.standard_normal((count, root.shape[1])) @ root.T
        spread = rng.standard_normal((count, squares.shape[1])) @ squares.T
        highest[begin : begin + count] = np.abs(value / np.sqrt(np.interp(spread, score, variance))).max(axis=1)
    return highest


def _root(covariance: Floats) -> Floats:
    """A matrix whose product with its transpose is the covariance, as wide as that has rank."""
    strength, directions = np.linalg.eigh(covariance)
    kept = strength > strength[-1] * 1e-10
    return np.asarray(directions[:, kept] * np.sqrt(strength[kept]), dtype=np.float64)


def _effective_units(share: Floats, multiplicity: NDArray[np.int64]) -> float:
    """How many units of equal size have an error as steady: (sum v)^2 / sum v^2 of the units' variances.

    Not less than 2.
    """
    variance = (1 - _ALIKE) * (share**2).sum(axis=0) + _ALIKE * share.sum(axis=0) ** 2
    return max(2.0, float((variance @ multiplicity) ** 2 / (variance**2 @ multiplicity)))
