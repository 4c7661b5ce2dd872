"""Corruption errors: what is lost under corruptions, relative to what a baseline loses.

With E the error, 100 less the accuracy in percent, and s the levels of a corruption c (RobuSER, Behavioral Signals
2025, after Hendrycks and Dietterich 2019, Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations):

    CE_c  = 100 sum_s E_model(s) / sum_s E_base(s)
    rCE_c = 100 sum_s (E_model(s) - E_model(clean)) / sum_s (E_base(s) - E_base(clean))

and mCE and rmCE are their means over the corruptions. Bounds are Student's t with the delete-one-speaker
jackknife's error; where the baseline's answers to the same clips are known, a speaker is left out of both sides at
once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.report.interval import Interval
from sv_eval.report.reasons import Why
from sv_eval.scoring.bootstrap import JACKKNIFE
from sv_eval.scoring.clusters import effective_number
from sv_eval.scoring.paired.differences import quantile_of_t

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]

_NOTHING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ErrorCounts:
    """Wrong answers by condition, the clean one first, and by unit: speaker, or clip where none is known."""

    wrong: Floats
    """[conditions, units]"""
    counted: Floats
    """Clips that count, of the same shape."""

    @property
    def percent(self) -> Floats:
        """The error of each condition over all units, percent; NaN where nothing counts."""
        return _percent(self.wrong.sum(axis=1), self.counted.sum(axis=1))

    @property
    def percent_without_each(self) -> Floats:
        """The same without one unit at a time; [conditions, units]."""
        wrong, counted = self.wrong, self.counted
        return _percent(wrong.sum(axis=1)[:, None] - wrong, counted.sum(axis=1)[:, None] - counted)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelativeErrors:
    """The corruption errors of one recogniser."""

    ce: Mapping[str, Interval]
    """By corruption, percent."""
    rce: Mapping[str, Interval]
    """The same of what is lost against the clean sound."""
    mce: Interval
    """The mean of the first."""
    rmce: Interval
    """The mean of the second, over the corruptions under which the baseline loses anything."""


def error_counts(right: Mask, counted: Mask, unit: Codes) -> ErrorCounts:
    """The counts of answers [conditions, clips]; `unit` says whose a clip is, negative ones are by themselves."""
    known = unit >= 0
    names, of_known = np.unique(unit[known], return_inverse=True)
    group = np.empty(len(unit), dtype=np.int64)
    group[known], group[~known] = of_known, len(names) + np.arange(int((~known).sum()))
    n = len(names) + int((~known).sum())
    return ErrorCounts(
        wrong=np.stack([np.bincount(group, row, n) for row in (counted & ~right).astype(np.float64)]),
        counted=np.stack([np.bincount(group, row, n) for row in counted.astype(np.float64)]),
    )


def relative_errors(
    model: ErrorCounts,
    base: ErrorCounts | Floats,
    corruptions: Mapping[str, Sequence[int]],
    *,
    confidence: float = 0.95,
) -> RelativeErrors:
    """The corruption errors with bounds.

    base: the baseline's counts of the same units, or its errors in percent, [conditions], taken as exact.
    Conditions are the same on both sides. corruptions: the places of each one's levels among them.
    """
    base_errors = base.percent if isinstance(base, ErrorCounts) else base
    whole = errors_relative_to(model.percent, base_errors, corruptions)
    n = model.wrong.shape[1]
    base_without = base.percent_without_each if isinstance(base, ErrorCounts) else base[:, None]
    without = errors_relative_to(model.percent_without_each, base_without, corruptions)
    sizes = model.counted[0]
    freedom = max(1.0, float(effective_number(sizes, np.ones(n, dtype=np.int64))) - 1.0)
    found = [
        _interval(value, left_out, n, freedom, confidence) for value, left_out in zip(whole, without, strict=True)
    ]
    k = len(corruptions)
    return RelativeErrors(
        ce=dict(zip(corruptions, found[:k], strict=True)),
        rce=dict(zip(corruptions, found[k : 2 * k], strict=True)),
        mce=found[2 * k],
        rmce=found[2 * k + 1],
    )


def errors_relative_to(model: Floats, base: Floats, corruptions: Mapping[str, Sequence[int]]) -> Floats:
    """CE of each corruption, rCE of each, mCE and rmCE, percent, from errors [conditions, ...], the clean first.

    rCE is NaN where the baseline loses nothing, and rmCE the mean of the others. With several columns, as without
    one unit each, rmCE is over those that have a value in every column.

    >>> model, base = np.array([10.0, 20.0, 40.0]), np.array([20.0, 30.0, 50.0])
    >>> errors_relative_to(model, base, {"noise": [1, 2]}).tolist()
    [75.0, 100.0, 75.0, 100.0]
    """
    wide = np.broadcast_shapes(model.shape[1:], base.shape[1:])
    ce, rce = [], []
    for places in corruptions.values():
        rows = list(places)
        lost = (base[rows] - base[:1]).sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            ce.append(np.broadcast_to(100 * model[rows].sum(axis=0) / base[rows].sum(axis=0), wide))
            relative = 100 * (model[rows] - model[:1]).sum(axis=0) / np.where(lost > _NOTHING, lost, np.nan)
        rce.append(np.broadcast_to(relative, wide))
    all_ce, all_rce = np.stack(ce), np.stack(rce)
    fine = np.isfinite(all_rce).reshape(len(all_rce), -1).all(axis=1)
    mean = all_rce[fine].mean(axis=0) if fine.any() else np.full(wide, np.nan)
    return np.concatenate([all_ce, all_rce, all_ce.mean(axis=0)[None], np.asarray(mean)[None]])


def _percent(wrong: Floats, counted: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(100 * wrong / counted, dtype=np.float64)


def _interval(value: float, without: Floats, n: int, freedom: float, confidence: float) -> Interval:
    if not math.isfinite(value):
        return Interval(value=None, n_clusters=n, reason=Why.of("baseline_loses_nothing"))
    if n < 2 or not np.isfinite(without).all():
        return Interval(value=value, n_clusters=n, reason=Why.of("one_unit", unit="speaker"))
    error = math.sqrt((n - 1) / n * float(((without - without.mean()) ** 2).sum()))
    if error <= _NOTHING:
        return Interval(value=value, n_clusters=n, reason=Why.of("units_alike", unit="speaker"))
    half = error * quantile_of_t(0.5 + confidence / 2, freedom)
    # A relative error may be negative: a recogniser can hear better than under the clean sound.
    return Interval(value=value, low=value - half, high=value + half, n_clusters=n, method=JACKKNIFE)
