"""Bounds of agreement figures that allow for speakers.

CCC and Pearson's correlation: Student's t on Fisher's z (Fisher 1921; for CCC Lin 1989), with the error of a
jackknife that leaves out one speaker at a time, about the figure itself and not about the jackknife's own mean,
which is the wider of the two (Efron and Tibshirani 1993, chapter 11). RMSE: likewise on the logarithm, and wider by
the root of (k + 1) / (k - 1) for k speakers: a mean of squares is skewed, and few speakers show too little of it.
Limits of agreement: MOVER over the variances between and within speakers (Zou 2013, Confidence interval estimation
for the Bland-Altman limits of agreement with multiple observations per individual, Statistical Methods in Medical
Research 22). How often they hold what they are of is simulated by `tests/benchmarks/sim_dimensions.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sv_eval.report.interval import Interval, given
from sv_eval.report.reasons import Why
from sv_eval.scoring.clusters import effective_number
from sv_eval.scoring.dimensions.moments import LIMITS_AT, Floats, Moments
from sv_eval.scoring.unit_bounds import jackknife_interval

JACKKNIFE_Z, JACKKNIFE_LOG, MOVER = "jackknife_t_z", "jackknife_t_log", "mover"
"""The rules' names in metrics.json."""
_NOTHING = 1e-12
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
    lower, upper = _limits(units, confidence)
    return Agreement(
        ccc=ccc_of(units, confidence),
        pearson=_on_z(units, "pearson", confidence),
        rmse=_rmse(units, confidence),
        bias=bias,
        lower_limit=lower,
        upper_limit=upper,
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
    return max(float(effective_number(units.n[None, :], ones)[0]) - 1, 1.0)


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
        return _bounded(value, 0.0, 0.0, math.exp, units, confidence, JACKKNIFE_LOG)
    with np.errstate(divide="ignore"):
        without = np.log(units.without_each().rmse)
    error = error_about(math.log(value), without) * math.sqrt((n + 1) / (n - 1))
    return _bounded(value, math.log(value), error, math.exp, units, confidence, JACKKNIFE_LOG)


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
    # With two speakers Student's t can reach further than numbers do.
    low, high = (back(min(max(centre + side * half, -_FURTHEST), _FURTHEST)) for side in (-1, 1))
    return Interval(value=value, low=low, high=high, n=clips, n_clusters=n, method=method)


_FURTHEST = 300.0


def _limits(units: Moments, confidence: float) -> tuple[Interval, Interval]:
    """The limits of agreement; MOVER's distances are laid about the limits of all pairs alike."""
    whole = units.whole()
    clips, n = int(units.n.sum()), len(units.n)
    values = float(whole.lower_limit[0]), float(whole.upper_limit[0])
    mean = (units.y - units.x) / units.n
    squares = units.xx - 2 * units.xy + units.yy - units.n * mean**2
    between = float(mean.var(ddof=1)) if n > 1 else 0.0
    if n < 2 or between < _NOTHING**2:
        why = Why.of("one_unit" if n < 2 else "units_alike", unit="speaker")
        lower, upper = (Interval(value=value, n=clips, n_clusters=n, reason=why) for value in values)
        return lower, upper
    from scipy.special import chdtri, stdtrit

    tail = (1 - confidence) / 2
    of_between, of_within = n - 1, clips - n
    within = float(np.maximum(squares, 0.0).sum()) / of_within if of_within else 0.0
    within *= 1 - float((1 / units.n).mean())
    whole_variance = between + within
    less = between * (1 - of_between / float(chdtri(of_between, tail)))
    more = between * (of_between / float(chdtri(of_between, 1 - tail)) - 1)
    if of_within:
        less = math.hypot(less, within * (1 - of_within / float(chdtri(of_within, tail))))
        more = math.hypot(more, within * (of_within / float(chdtri(of_within, 1 - tail)) - 1))
    deviation = math.sqrt(whole_variance)
    smaller = LIMITS_AT * (deviation - math.sqrt(max(whole_variance - less, 0.0)))
    larger = LIMITS_AT * (math.sqrt(whole_variance + more) - deviation)
    # The bias is a mean over clips, and of speakers of unequal size fewer count in it.
    worth = freedom_of(units) + 1
    reach = float(stdtrit(worth - 1, 1 - tail)) * math.sqrt(between / worth)
    inner, outer = math.hypot(reach, smaller), math.hypot(reach, larger)

    def bounded(value: float, below: float, above: float) -> Interval:
        return Interval(value=value, low=value - below, high=value + above, n=clips, n_clusters=n, method=MOVER)

    return bounded(values[0], outer, inner), bounded(values[1], inner, outer)
