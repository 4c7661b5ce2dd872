"""Many settings against one: differences that are believed although the best of many was picked.

Each difference of UAR has the delete-one-unit jackknife's standard error, its own. What the observed statistics are
held against is the largest of all of them when nothing differs (`largest_t`), so that the chance of any false alarm
is that of a single comparison. The distribution of Dunnett (1955), A Multiple Comparison Procedure for Comparing
Several Treatments with a Control, would not do: it has one error for all settings, while the largest of many
statistics is often one whose own error came out small.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.report.reasons import Why
from sv_eval.studies.sweep.largest_t import DRAWS, largest_t, shrunk_correlation
from sv_eval.studies.sweep.units import PairedUnits

Floats = NDArray[np.float64]

_NOTHING = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How much better a setting is than the one that all are compared with."""

    value: float
    """UAR less the other's; positive is better."""
    low: float | None
    """Lower bound of an interval that holds for all differences at once; None where no spread can be seen."""
    high: float | None
    """Upper bound of the same."""
    p: float | None
    """Two-sided p-value, adjusted for all the comparisons; None where no spread can be seen."""
    reason: Why | None = None
    """Why there are no bounds."""


def differences_from(
    units: PairedUnits, control: int, *, confidence: float, seed: int, draws: int = DRAWS
) -> list[Difference]:
    """Each setting's difference from the setting at `control`, in order; its own is 0 with p 1.

    draws: how many of the largest statistic the bounds and the p-values are taken from.
    """
    value = units.uar()
    difference = value - value[control]
    n = units.n_units
    kind = units.counts.kind if units.counts.kind == "speaker" else "clip"
    if n < 2 or not np.isfinite(difference).all():
        reason = Why.of("one_unit", unit=kind) if n == 1 else Why.of("nothing_to_compare")
        return [_without_spread(float(one), place == control, reason) for place, one in enumerate(difference)]
    error, apart, weight = _spread(units, control)
    judged = np.flatnonzero((np.arange(len(value)) != control) & (error > _NOTHING))
    limit, largest = 0.0, np.zeros(1)
    if len(judged):
        correlation = shrunk_correlation(apart[judged], weight)
        clips = units.counts.counts[: units.settings].mean(axis=0)
        largest = largest_t(correlation, clips, units.counts.multiplicity, seed=seed, draws=draws)
        limit = float(np.quantile(largest, confidence))
    found = []
    for place, one in enumerate(difference.tolist()):
        if place in judged:
            p = float((1 + (largest >= abs(one) / error[place]).sum()) / (1 + len(largest)))
            reach = limit * float(error[place])
            found.append(Difference(value=one, low=max(-1.0, one - reach), high=min(1.0, one + reach), p=p))
        else:
            found.append(_without_spread(one, place == control, Why.of("units_alike", unit=kind)))
    return found


def standard_errors(units: PairedUnits, control: int) -> Floats:
    """The standard error of each setting's difference from the one at `control`; NaN without two units."""
    if units.n_units < 2:
        return np.full(units.settings, np.nan)
    return _spread(units, control)[0]


def _spread(units: PairedUnits, control: int) -> tuple[Floats, Floats, Floats]:
    """The differences' standard errors [settings], by the jackknife, and what they were taken from.

    That is the differences without one unit of each group [settings, groups], and how many units a group has.
    """
    without = units.without_each()
    usable = np.isfinite(without).all(axis=0)
    apart = (without - without[control])[:, usable]
    weight, n = units.counts.multiplicity[usable].astype(np.float64), units.counts.n
    centred = apart - ((apart @ weight) / weight.sum())[:, None]
    return np.sqrt((n - 1) / n * (centred**2 @ weight)), apart, weight


def _without_spread(value: float, own: bool, reason: Why) -> Difference:
    if own or abs(value) <= _NOTHING:
        return Difference(value=0.0 if own else value, low=0.0, high=0.0, p=1.0)
    return Difference(value=value, low=None, high=None, p=None, reason=reason)
