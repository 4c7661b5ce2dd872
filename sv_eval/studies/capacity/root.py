"""The rate at which a share of requests becomes larger than allowed, with bounds, from trials at several rates.

The share of requests over a limit rises with the rate. Near the capacity its logit is taken as a straight line of
the realised rate, `logit E = a + b rate`: where waiting has the exponential tail of a queue in heavy traffic
(Kingman 1962), the logarithm of a small share is one. It is fitted by quasi-likelihood to trials that count as so
many independent requests as their queue's relaxation leaves of them. The capacity is where the line meets the
allowed share. Its bounds are those of Williams (1986), Interval estimation of the median lethal dose, Biometrics
42: all rates at which the deviance of a line forced through the allowed share there is not larger than the best
line's by `phi F(1, m - 2)`, phi being the heterogeneity between trials (Pearson's statistic over m - 2; McCullagh
and Nelder 1989, section 4.5). Unlike a slope and its standard error they are right for few events, too."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ROUNDS = 60
_STEEPEST = 5000.0
_FLATTEST = 0.05
_FURTHEST = 0.7
"""Bounds are looked for within this part of the rate to either side."""
_LEAST = 4
_WITHIN, _STRAIGHT = 2.0, 0.15
"""How far from the capacity, in logits by the line and as a part of the rate, trials may lie to be counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A trial, as far as one part of the objective is concerned."""

    rate: float
    """Realised requests a second."""
    share: float
    """The share of its requests over the limit."""
    worth: float
    """As how many independent requests it counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """Where the line meets the allowed share."""

    rate: float
    """Requests a second."""
    low: float | None
    """Lower bound; None where there is none."""
    high: float | None
    """Upper bound."""
    slope: float
    """By how much the logit of the share rises for each of the rate's own size that it grows by."""
    heterogeneity: float
    """phi: the variance between trials over that of so many independent requests."""
    points: int
    """Trials that had a part in it."""

    @property
    def width(self) -> float | None:
        """Half of the interval over the rate; None without both bounds."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2 / self.rate


def root_of(points: Sequence[Point], allowed: float, *, confidence: float) -> Root | None:
    """The rate at which the share is `allowed`; None where the trials don't tell.

    >>> line = [Point(rate=r, share=1 / (1 + (100 / r) ** 20 * 19), worth=500) for r in (94, 97, 99, 101, 103, 106)]
    >>> round(float(root_of(line, 0.05, confidence=0.95).rate))
    100
    """
    fit = _fitted(points, allowed)
    if fit is None:
        return None
    of_all = _bounded(points, fit, allowed, confidence)
    chosen = list(points)
    for _ in range(3):
        slope, at, center = fit
        # By the line and never by what the trial itself found, which would choose the lucky ones.
        away = [one.rate / center - 1 - at for one in points]
        near = [
            one for one, by in zip(points, away, strict=True) if abs(slope * by) <= _WITHIN and abs(by) <= _STRAIGHT
        ]
        again = None if len(near) < _LEAST or near == chosen else _fitted(near, allowed)
        if again is None:
            break
        chosen, fit = near, again
    if chosen == list(points):
        return of_all
    # Nearer trials bend the line less; where they don't bound the capacity, those further away help to find it.
    of_near = _bounded(chosen, fit, allowed, confidence)
    return of_all if of_near.width is None else of_near


def _bounded(points: Sequence[Point], fit: tuple[float, float, float], allowed: float, confidence: float) -> Root:
    slope, at, center = fit
    phi = heterogeneity(points, slope, at, center, allowed)
    low, high = _bounds(points, allowed, at, center, phi, confidence)
    return Root(
        rate=center * (1 + at),
        low=None if low is None or low <= -1 else center * (1 + low),
        high=None if high is None else center * (1 + high),
        slope=slope * (1 + at),
        heterogeneity=phi,
        points=len(points),
    )


def expected_share(root: Root, allowed: float, rate: float) -> float:
    """The share over the limit that the line has at `rate`."""
    return float(_inverse_logit(np.array(_logit(allowed) + root.slope * (rate / root.rate - 1))))


def heterogeneity(points: Sequence[Point], slope: float, at: float, center: float, allowed: float) -> float:
    """Pearson's statistic over its degrees of freedom, 1 at least: trials vary at least as their requests do."""
    x, share, worth = _arrays(points, center)
    mean = _inverse_logit(_logit(allowed) + slope * (x - at))
    freedom = len(points) - 2
    pearson = float((worth * (share - mean) ** 2 / (mean * (1 - mean))).sum())
    return max(1.0, pearson / freedom) if freedom > 0 else 1.0


def _fitted(points: Sequence[Point], allowed: float) -> tuple[float, float, float] | None:
    """Slope, root and centre of the best rising line; the root is relative to the centre. None without one."""
    if len(points) < _LEAST:
        return None
    center = float(np.mean([one.rate for one in points]))
    x, share, worth = _arrays(points, center)
    if float(np.ptp(x)) == 0 or share.max() == 0 or share.min() == 1:
        return None
    intercept, slope = _line(np.column_stack([np.ones(len(x)), x]), share, worth)[0]
    if not _FLATTEST < slope < _STEEPEST:
        return None
    at = (_logit(allowed) - intercept) / slope
    return (slope, at, center) if abs(at) < _FURTHEST else None


def drift_of(points: Sequence[Point], served: Sequence[float], *, surely: float) -> float | None:
    """By how much the capacity changed from the first of the points to the last; None where it did not.

    A line with `served`, the requests made until each point, as a second variable, against one without: an F test
    of their deviances. `surely`: how often it is to say nothing where nothing changed. 0.1: a tenth more."""
    from scipy.special import fdtr

    freedom = len(points) - 3
    if freedom < 2:
        return None
    x, share, worth = _arrays(points, float(np.mean([one.rate for one in points])))
    begin, end = served[0], served[-1]
    order, ones = (np.array(served) - begin) / max(1.0, end - begin), np.ones(len(points))
    plain, moving = np.column_stack([ones, x]), np.column_stack([ones, x, order])
    if share.max() == 0 or np.linalg.matrix_rank(moving) < 3:
        return None
    (_, of_plain), (found, of_moving) = _line(plain, share, worth), _line(moving, share, worth)
    before, after = _deviance(share, of_plain, worth), _deviance(share, of_moving, worth)
    pearson = float((worth * (share - of_moving) ** 2 / (of_moving * (1 - of_moving))).sum())
    gain = (before - after) / max(1.0, pearson / freedom)
    if found[1] <= _FLATTEST or fdtr(1, freedom, max(0.0, gain)) < surely:
        return None
    return max(-1.0, -float(found[2] / found[1]))


def _line(columns: Floats, share: Floats, worth: Floats) -> tuple[Floats, Floats]:
    """Coefficients and fitted shares of the weighted logistic line, by Newton's method."""
    found = np.zeros(columns.shape[1])
    found[0] = _logit(float(np.clip((worth * share).sum() / worth.sum(), 1e-4, 0.99)))
    for _ in range(_ROUNDS):
        mean = _inverse_logit(columns @ found)
        weight = worth * np.maximum(mean * (1 - mean), 1e-9)
        # A trace of a ridge, so that a perfect separation has an end.
        matrix = columns.T @ (weight[:, None] * columns) + 1e-9 * np.eye(len(found))
        step = np.linalg.solve(matrix, columns.T @ (worth * (share - mean)))
        step = step * min(1.0, 2.0 / max(1e-12, float(np.abs(columns @ step).max())))
        found = found + step
        if float(np.abs(columns @ step).max()) < 1e-8:
            break
    return found, _inverse_logit(columns @ found)


def _deviance(share: Floats, mean: Floats, worth: Floats) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        over = np.where(share > 0, share * np.log(share / mean), 0.0)
        under = np.where(share < 1, (1 - share) * np.log((1 - share) / (1 - mean)), 0.0)
    return 2 * float((worth * (over + under)).sum())


def _bounds(
    points: Sequence[Point], allowed: float, at: float, center: float, phi: float, confidence: float
) -> tuple[float | None, float | None]:
    from scipy.special import fdtri

    x, share, worth = _arrays(points, center)
    target, freedom = _logit(allowed), len(points) - 2
    if freedom < 1:
        return None, None
    most = _least_deviance(x, share, worth, target, at) + phi * float(fdtri(1, freedom, confidence))

    def outside(place: float) -> bool:
        return _least_deviance(x, share, worth, target, place) > most

    return _edge(outside, at, -_FURTHEST), _edge(outside, at, _FURTHEST)


def _edge(outside: Callable[[float], bool], at: float, side: float) -> float | None:
    """The first place from `at` towards `side` that lies outside; None without one."""
    step, inside = side / 512, at
    while not outside(inside + step):
        inside, step = inside + step, 1.5 * step
        if abs(inside - at) > abs(side):
            return None
    low, high = inside, inside + step
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if outside(middle) else (middle, high)
    return high


def _least_deviance(x: Floats, share: Floats, worth: Floats, target: float, place: float) -> float:
    """The deviance of the best rising line through (place, target); its slope by Newton's method."""
    away, slope = x - place, 1.0 / max(1e-6, float(np.abs(x - place).max()))
    for _ in range(_ROUNDS):
        mean = _inverse_logit(target + slope * away)
        gain = float((worth * (share - mean) * away).sum())
        bend = float((worth * np.maximum(mean * (1 - mean), 1e-9) * away * away).sum()) + 1e-12
        step = min(max(gain / bend, -slope / 2), slope)
        slope = min(max(slope + step, _FLATTEST), _STEEPEST)
        if abs(step) < 1e-8 * slope:
            break
    return _deviance(share, _inverse_logit(target + slope * away), worth)


def _arrays(points: Sequence[Point], center: float) -> tuple[Floats, Floats, Floats]:
    return (
        np.array([one.rate / center - 1 for one in points]),
        np.array([one.share for one in points]),
        np.array([one.worth for one in points]),
    )


def _logit(share: float) -> float:
    return math.log(share / (1 - share))


def _inverse_logit(value: Floats | float) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(value, -30, 30))), dtype=np.float64)
