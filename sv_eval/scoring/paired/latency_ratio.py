"""The ratio of two runs' latency percentiles, with bounds.

Each run's percentile is bounded by order statistics, which assume nothing about the distribution, for as many
independent calls as its calls are worth (`sv_eval.scoring.dependence`); the bounds of
the ratio follow on the logarithmic scale by MOVER, the method of variance estimates recovery (Zou and Donner 2008):
each side's distance from estimate to bound stands for a multiple of its standard error. The two runs count as
independent, which is conservative where the same clips are long in both. What differs between two starts of one
machine (about 1 %) or between machines (much more) is not in the bounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from msgspec import UnsetType

from sv_eval.report.change import ExactRatio, RatioOfPercentiles, written
from sv_eval.report.interval import Interval
from sv_eval.report.reasons import Why
from sv_eval.scoring.call_sample import CallSample


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio(ExactRatio):
    """The second run's percentile over the first's."""

    @property
    def told(self) -> RatioOfPercentiles:
        """The ratio as files have it, rounded."""
        return written(RatioOfPercentiles, self)


def latency_ratio(before: CallSample, after: CallSample, p: float, *, confidence: float = 0.95) -> Ratio:
    """The ratio of the p-th percentiles of two runs' call latencies; None with the reason for too few."""
    one, other = (sample.percentile(p, confidence=confidence) for sample in (before, after))
    if one.value is None or other.value is None:
        reason = one.reason if one.value is None else other.reason
        return _without(p, one, other, reason)
    if one.value <= 0 or other.value <= 0:
        return _without(p, one, other, Why.of("zero_percentile"))
    value = math.log(other.value / one.value)
    sides = (one.low, one.high, other.low, other.high)
    if None in sides or min(side for side in sides if side is not None) <= 0:
        return _without(p, one, other, Why.of("one_unbounded"))
    before_down, before_up, after_down, after_up = _reaches(one, other)
    down, up = math.hypot(after_down, before_up), math.hypot(after_up, before_down)
    return Ratio(
        percentile=p,
        before_ms=one.value,
        after_ms=other.value,
        value=math.exp(value),
        low=math.exp(value - down),
        high=math.exp(value + up),
        p_slower=_p_slower(value, down, up, confidence),
    )


def _reaches(one: Interval, other: Interval) -> tuple[float, float, float, float]:
    """How far the bounds of both lie from their estimates, on the logarithmic scale: down and up of each."""
    found = []
    for interval in (one, other):
        value, low, high = (float(x) for x in (interval.value or 0, interval.low or 0, interval.high or 0))
        found += [math.log(value / low), math.log(high / value)]
    return found[0], found[1], found[2], found[3]


def _p_slower(value: float, down: float, up: float, confidence: float) -> float:
    """From how many of its own reaches the ratio lies above 1: the one that leads towards 1."""
    from scipy.special import ndtr, ndtri

    reach = down if value > 0 else up
    if reach <= 0:
        return 0.0 if value > 0 else 1.0
    return float(1 - ndtr(value / reach * ndtri(0.5 + confidence / 2)))


def _without(p: float, one: Interval, other: Interval, reason: Why | UnsetType) -> Ratio:
    known = one.value is not None and other.value is not None and one.value > 0
    return Ratio(
        percentile=p,
        before_ms=one.value,
        after_ms=other.value,
        value=other.value / one.value if known and one.value and other.value is not None else None,
        low=None,
        high=None,
        p_slower=None,
        reason=reason,
    )
