"""Bounds of a mean over labels, from those of its labels.

MOVER, the method of variance estimates recovery (Zou and Donner 2008, Construction of confidence limits about
effect measures; Newcombe 2011): each label's distance from its value to its bound stands for a multiple of its
standard error, so for values `x` with bounds `l` and correlations `C` between labels, which share speakers,

    low = mean(x) - sqrt(d C d) / labels,  d = x - l

and likewise above. A label that few speakers have is wide by itself and adds no more than its share of the
mean, whereas one Student's t for the whole mean would have to take the scarcest label's degrees of freedom.
The bounds cannot leave what the labels' bounds allow. A label without bounds of its own may be anywhere from
0 to 1.

Correlations are those of the delete-one-cluster values. From fewer than FEWEST_TOGETHER clusters that have both
labels a negative one is no more than noise, and counts as 0; where a label's value never changes, the likeness
of the clips of one cluster stands in.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sv_eval.scoring.tally import Floats

FEWEST_TOGETHER = 4
"""The fewest clusters with both labels that a negative correlation is believed from."""


def bounds_of_mean(
    values: Floats, low: Floats, high: Floats, without: Floats, weight: Floats, likeness: float
) -> tuple[float, float]:
    """The bounds of `mean(values)` from those of the labels and the values that are left without each cluster.

    Shapes [labels], `without` [labels, clusters]; `weight` says how many clusters each of them stands for.
    """
    return mean_bounds(values, low, high, correlations(values, without, weight, likeness))


def mean_bounds(values: Floats, low: Floats, high: Floats, correlation: Floats) -> tuple[float, float]:
    """The bounds of `mean(values)`; all arrays are over labels, `low` and `high` 0 and 1 where not known.

    >>> alone = np.eye(2)
    >>> low, high = mean_bounds(np.array([0.5, 0.5]), np.array([0.2, 0.1]), np.array([0.9, 0.8]), alone)
    >>> round(low, 9), round(high, 9)
    (0.25, 0.75)
    """
    below, above = values - low, high - values
    size, mean = len(values), float(values.mean())
    down = math.sqrt(max(0.0, float(below @ correlation @ below))) / size
    up = math.sqrt(max(0.0, float(above @ correlation @ above))) / size
    return mean - down, mean + up


def correlations(values: Floats, without: Floats, weight: Floats, likeness: float) -> Floats:
    """The labels' correlation from the values that are left without each cluster; shapes [labels, clusters]."""
    change = np.nan_to_num(without - values[:, None])
    product = (change * weight) @ change.T
    deviation = np.sqrt(np.diagonal(product))
    scale = np.outer(deviation, deviation)
    still: NDArray[np.bool_] = scale <= 1e-24
    found = np.where(still, likeness, product / np.where(still, 1.0, scale))
    moves = (change != 0.0).astype(np.float64)
    together = (moves * weight) @ moves.T
    np.fill_diagonal(found, 1.0)
    return np.asarray(np.where(together < FEWEST_TOGETHER, np.maximum(found, 0.0), found), dtype=np.float64)
