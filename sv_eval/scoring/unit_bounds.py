"""Bounds by leaving out one speaker at a time, of any figure that can be had without each.

Student's t with the delete-one-unit jackknife's error (Efron and Tibshirani 1993, An Introduction to the Bootstrap,
chapter 11). It has as many degrees of freedom as speakers of equal size would have that these are worth, less 1.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sv_eval.report.interval import Interval
from sv_eval.report.reasons import Why
from sv_eval.scoring.clusters import effective_number

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

JACKKNIFE = "jackknife_t"
JACKKNIFE_LOGIT = "jackknife_t_logit"
"""The rules' names in metrics.json."""


MOST_GROUPS = 200
"""Figures that are costly to find without each unit are found without each of at most so many groups of them."""


def grouped(unit: Codes) -> Codes:
    """The units, or so many groups of them where there are more."""
    return unit if int(unit.max()) < MOST_GROUPS else unit % MOST_GROUPS


def mean_by_unit(
    values: Floats, unit: Codes, confidence: float, *, least: float = -math.inf, most: float = math.inf
) -> Interval:
    """The mean of values, one a clip; `unit` numbers the speakers from 0. Bounds stay between least and most."""
    sizes = np.bincount(unit).astype(np.float64)
    sums = np.bincount(unit, values)
    left = sizes.sum() - sizes
    without = (sums.sum() - sums) / np.where(left > 0, left, 1.0)
    return jackknife_interval(float(values.mean()), without, sizes, confidence, least=least, most=most)


def jackknife_interval(
    value: float,
    without: Floats,
    sizes: Floats,
    confidence: float,
    *,
    least: float = -math.inf,
    most: float = math.inf,
    on_logit: bool = False,
) -> Interval:
    """A figure with its bounds; `without` is what it is without each unit, `sizes` how many clips each has.

    on_logit: for figures between 0 and 1 that may lie near either, the logit scale, as accuracy figures have it.
    """
    n, clips = len(without), int(sizes.sum())
    if n < 2:
        return Interval(value=value, n=clips, n_clusters=n, reason=Why.of("one_unit", unit="speaker"))
    error = math.sqrt((n - 1) / n * float(((without - without.mean()) ** 2).sum()))
    if error < 1e-12:
        return Interval(value=value, n=clips, n_clusters=n, reason=Why.of("units_alike", unit="speaker"))
    from scipy.special import stdtrit

    worth = float(effective_number(sizes[None, :], np.ones(n, dtype=np.int64))[0])
    between = on_logit and 0 < value < 1
    # On the logit scale the error is by the delta method.
    scale = value * (1 - value) if between else 1.0
    half = error / scale * float(stdtrit(max(worth - 1, 1.0), (1 + confidence) / 2))
    return Interval(
        value=value,
        low=_expit(_logit(value) - half) if between else max(least, value - half),
        high=_expit(_logit(value) + half) if between else min(most, value + half),
        n=clips,
        n_clusters=n,
        method=JACKKNIFE_LOGIT if between else JACKKNIFE,
    )


def _logit(share: float) -> float:
    return math.log(share / (1 - share))


def _expit(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value > -700 else 0.0
