"""Bounds of agreement figures that allow for speakers.

Student's t with the error of a jackknife that leaves out one speaker at a time, about the figure itself and not
about the jackknife's own mean, which is the wider of the two (Efron and Tibshirani 1993, chapter 11): of CCC and
Pearson's correlation on Fisher's z (Fisher 1921; for CCC Lin 1989), of RMSE on the logarithm. RMSE and the limits
of agreement are made of squares, of which few speakers show too little: their error is wider by the root of
(k + 1/2) / (k - 1) for k speakers. It has as many degrees of freedom as speakers of equal size would have that
these are worth, less 1, and with three speakers and more never less than two. That factor and that floor are found
by simulation: `tests/benchmarks/sim_dimensions.py` tells how often the bounds hold what they are of.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sv_eval.report.interval import Interval, given
from sv_eval.report.reasons import Why
from sv_eval.scoring.clusters import effective_number
from sv_eval.scoring.dimensions.moments import Floats, Moments
from sv_eval.scoring.unit_bounds import jackknife_interval

JACKKNIFE_Z, JACKKNIFE_LOG, JACKKNIFE_WIDE = "jackknife_t_z", "jackknife_t_log", "jackknife_t_wide"
"""The rules' names in metrics.json."""
_NOTHING = 1e-12
_FEWEST_FREE = 2.0
_FURTHEST = 300.0
_ALL_BUT_ONE = 1 - 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The figures of one set of pairs."""

    ccc: Interval
    """Concordance."""
    pearson: Interval
    """Correlation."""
    rmse: Interval
    """Root mean squared error."""
    bias: Interval
    """Mean difference."""
    lower_limit: Interval
    """Limit of agreement."""
    upper_limit: Interval
    """Limit of agreement."""


def agreement_of(units: Moments, confidence: float) -> Agreement:
    """All figures with their bounds; `units` are the sums of each speaker."""
    bias = jackknife_interval(float(units.whole().bias[0]), units.without_each().bias, units.n, confidence)
    return Agreement(
        ccc=ccc_of(units, confidence),
        pearson=_on_z(units, "pearson", confidence),
        rmse=_rmse(units, confidence),
        bias=bias,
        lower_limit=_limit(units, "lower_limit", confidence),
        upper_limit=_limit(units, "upper_limit", confidence),
    )


def ccc_of(units: Moments, confidence: float) -> Interval:
    """Concordance with its bounds; what is constant is told."""
    found = _on_z(units, "ccc", confidence)
    constant = _constant(units)
    if constant is None or found.value is None:
        return found
    # Bounds about 0 would speak of other answers than these, which are all the same.
    return Interval(value=found.value, n=found.n, n_clusters=found.n_clusters, reason=constant)


def z_of(figure: Floats) -> Floats:
    """Fisher's z: `atanh`, and a large number for perfect agreement.

    >>> z_of(np.array([0.0, 0.6])).round(4).tolist()
    [0.0, 0.6931]
    """
    return np.asarray(np.arctanh(np.clip(figure, -_ALL_BUT_ONE, _ALL_BUT_ONE)), dtype=np.float64)


def error_about(value: float, without: Floats) -> float:
    """The delete-one-unit jackknife's standard error, about the figure; units that leave none say nothing."""
    n = len(without)
    known = without[np.isfinite(without)]
    return math.sqrt((n - 1) / n * float(((known - value) ** 2).sum()))


def freedom_of(units: Moments) -> float:
    """Degrees of freedom: the speakers of equal size that these are worth, less 1."""
    ones = np.ones(len(units.n), dtype=np.int64)
    # One speaker who has most of the clips is left out, too, and widens the error by itself.
    return max(float(effective_number(units.n[None, :], ones)[0]) - 1, min(_FEWEST_FREE, len(units.n) - 1.0))


def _constant(units: Moments) -> Why | None:
    x, y = units.whole().variances
    if not float(y[0]) > 0:
        return Why.of("constant_answers")
    return Why.of("constant_references") if not float(x[0]) > 0 else None


def _on_z(units: Moments, name: str, confidence: float) -> Interval:
    value = float(getattr(units.whole(), name)[0])
    clips, n = int(units.n.sum()), len(units.n)
    if not math.isfinite(value):
        why = _constant(units) if name == "pearson" else Why.of("nothing_to_agree_on")
        return Interval(value=None, n=clips, n_clusters=n, reason=given(why))
    centre = float(z_of(np.array([value]))[0])
    error = 0.0 if n < 2 else error_about(centre, z_of(getattr(units.without_each(), name)))
    return _bounded(value, centre, error, math.tanh, units, confidence, JACKKNIFE_Z)


def _rmse(units: Moments, confidence: float) -> Interval:
    value, n = float(units.whole().rmse[0]), len(units.n)
    if n < 2 or not value > _NOTHING:
        return _bounded(value, 0.0, 0.0, _exp, units, confidence, JACKKNIFE_LOG)
    with np.errstate(divide="ignore"):
        without = np.log(units.without_each().rmse)
    error = _widened(error_about(math.log(value), without), n)
    return _bounded(value, math.log(value), error, _exp, units, confidence, JACKKNIFE_LOG)


def _limit(units: Moments, name: str, confidence: float) -> Interval:
    value, n = float(getattr(units.whole(), name)[0]), len(units.n)
    error = 0.0 if n < 2 else _widened(error_about(value, getattr(units.without_each(), name)), n)
    return _bounded(value, value, error, float, units, confidence, JACKKNIFE_WIDE)


def _widened(error: float, units: int) -> float:
    """The error of what squares are in, of which few units show too little."""
    return error * math.sqrt((units + 0.5) / (units - 1))


def _exp(value: float) -> float:
    """With two speakers Student's t can reach further than numbers do."""
    return math.exp(min(value, _FURTHEST))


def _bounded(
    value: float,
    centre: float,
    error: float,
    back: Callable[[float], float],
    units: Moments,
    confidence: float,
    method: str,
) -> Interval:
    """A figure with bounds that are so many errors about `centre` on a scale that `back` leads from."""
    clips, n = int(units.n.sum()), len(units.n)
    if n < 2 or error < _NOTHING:
        why = Why.of("one_unit" if n < 2 else "units_alike", unit="speaker")
        return Interval(value=value, n=clips, n_clusters=n, reason=why)
    from scipy.special import stdtrit

    half = error * float(stdtrit(freedom_of(units), (1 + confidence) / 2))
    low, high = (back(centre + side * half) for side in (-1, 1))
    return Interval(value=value, low=low, high=high, n=clips, n_clusters=n, method=method)
