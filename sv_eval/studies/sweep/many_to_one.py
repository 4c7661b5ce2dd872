"""Many settings against one: differences that are believed although the best of many was picked.

Each difference of UAR has the delete-one-unit jackknife's standard error, and the differences have the jackknife's
correlation. All statistics together are taken as multivariate t, and the largest of them is what the observed ones
are held against: Dunnett (1955), A Multiple Comparison Procedure for Comparing Several Treatments with a Control,
in the form of Hothorn, Bretz and Westfall (2008), Simultaneous Inference in General Parametric Models, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.report.reasons import Why
from sv_eval.studies.sweep.units import PairedUnits

Floats = NDArray[np.float64]

_DRAWS = 20_000
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


def differences_from(units: PairedUnits, control: int, *, confidence: float, seed: int) -> list[Difference]:
    """Each setting's difference from the setting at `control`, in order; its own is 0 with p 1."""
    value = units.uar()
    difference = value - value[control]
    n = units.n_units
    kind = units.counts.kind if units.counts.kind == "speaker" else "clip"
    if n < 2 or not np.isfinite(difference).all():
        reason = Why.of("one_unit", unit=kind) if n == 1 else Why.of("nothing_to_compare")
        return [_without_spread(float(one), place == control, reason) for place, one in enumerate(difference)]
    error, correlation = _spread(units, control)
    judged = np.arange(len(value))
    judged = judged[(judged != control) & (error[judged] > _NOTHING)]
    largest = _largest(correlation[np.ix_(judged, judged)], n - 1, seed)
    limit = float(np.quantile(largest, confidence)) if len(judged) else 0.0
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


def _spread(units: PairedUnits, control: int) -> tuple[Floats, Floats]:
    """Standard errors [settings] and correlations [settings, settings] of the differences, by the jackknife."""
    without = units.without_each()
    weight, n = units.counts.multiplicity.astype(np.float64), units.counts.n
    usable = np.isfinite(without).all(axis=0)
    apart = (without - without[control])[:, usable]
    weight = weight[usable]
    centred = apart - ((apart @ weight) / weight.sum())[:, None]
    covariance = (n - 1) / n * (centred * weight) @ centred.T
    error = np.sqrt(np.diag(covariance))
    scale = np.where(error > _NOTHING, error, 1.0)
    return error, covariance / np.outer(scale, scale)


def _largest(correlation: Floats, freedom: int, seed: int) -> Floats:
    """Draws of the largest absolute value of multivariate t with this correlation."""
    if not len(correlation):
        return np.zeros(1)
    rng = np.random.default_rng(seed)
    strength, directions = np.linalg.eigh(correlation)
    root = directions * np.sqrt(np.maximum(strength, 0.0))
    highest = np.empty(_DRAWS)
    step = max(1, 4_000_000 // len(correlation))
    for begin in range(0, _DRAWS, step):
        rows = min(step, _DRAWS - begin)
        normal = rng.standard_normal((rows, len(correlation))) @ root.T
        shared = np.sqrt(rng.chisquare(freedom, rows) / freedom)
        highest[begin : begin + rows] = np.abs(normal).max(axis=1) / shared
    return highest


def _without_spread(value: float, own: bool, reason: Why) -> Difference:
    if own or abs(value) <= _NOTHING:
        return Difference(value=0.0 if own else value, low=0.0, high=0.0, p=1.0)
    return Difference(value=value, low=None, high=None, p=None, reason=reason)
