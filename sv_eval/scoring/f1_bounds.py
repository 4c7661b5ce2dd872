"""F1 from sums over clips, with bounds that leave out one speaker at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sv_eval.report.interval import Interval
from sv_eval.report.reasons import Why
from sv_eval.scoring.unit_bounds import jackknife_interval

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def f1_of(hit: Floats, whole: Floats) -> Floats:
    """F1 of each class: of what is both true and named, and of what is true and what is named together.

    They may be counts, or shares of which the smaller is what is hit. NaN for a class that is neither.

    >>> f1_of(np.array([1.5, 0.0]), np.array([4.0, 0.0])).tolist()
    [0.75, nan]
    """
    return np.asarray(np.where(whole > 0, 2 * hit / np.where(whole > 0, whole, 1.0), np.nan), dtype=np.float64)


def macro_f1(hit: Floats, whole: Floats, unit: Codes, confidence: float, why: Why) -> Interval:
    """The mean F1 of classes, of those that anything is in, from what each clip adds; shapes [clips, classes].

    unit: the clips' speakers, numbered from 0. why: the reason for none, where nothing is in any class.
    """
    size = int(unit.max()) + 1 if len(unit) else 0
    sums = [
        np.stack([np.bincount(unit, column, minlength=size) for column in part.T], axis=1) for part in (hit, whole)
    ]
    total = [part.sum(axis=0) for part in sums]
    value = float(_mean(f1_of(*total)))
    if np.isnan(value):
        return Interval(value=None, n=len(hit), reason=why)
    # What is left of one class after its only speaker may be a rounding error below 0.
    left = [np.maximum(part, 0.0) for part in (total[0] - sums[0], total[1] - sums[1])]
    left[1][left[1] < _NOTHING] = 0.0
    without = _mean(f1_of(*left))
    sizes, there = np.bincount(unit).astype(np.float64), np.isfinite(without)
    return jackknife_interval(value, without[there], sizes[there], confidence, least=0.0, most=1.0)


_NOTHING = 1e-9


def _mean(f1: Floats) -> Floats:
    """The mean over classes that anything is in; NaN for none. Shape [...] of [..., classes]."""
    there = np.isfinite(f1)
    n = there.sum(axis=-1)
    return np.asarray(np.where(n > 0, np.where(there, f1, 0.0).sum(axis=-1) / np.maximum(n, 1), np.nan))
