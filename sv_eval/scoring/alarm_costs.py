"""Which threshold costs least, where a missed emotion and a false alarm have their prices.

The expected cost of a clip is `miss` for one of the emotion without an alarm and `false_alarm` for an alarm on
another (Elkan 2001, The foundations of cost-sensitive learning). Of probabilities that mean what they say the
cheapest threshold is `false_alarm / (false_alarm + miss)`; here it is the one that was cheapest on the clips, and
what it costs is found on speakers who had no part in choosing it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from sv_eval.errors import ConfigError
from sv_eval.report.operating import CheapestThreshold
from sv_eval.scoring.unit_bounds import mean_by_unit

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmCosts:
    """What mistakes cost, in any unit."""

    miss: float = 1.0
    """A clip of the emotion without an alarm."""
    false_alarm: float = 1.0
    """An alarm on a clip of another."""

    def __post_init__(self) -> None:
        for name in ("miss", "false_alarm"):
            if not 0 < getattr(self, name) < 1e12:
                raise ConfigError(f"scoring.costs.{name}: {getattr(self, name)} must be above 0; try 1")

    def of(self, alarm: Mask, was: Mask) -> Floats:
        """The cost of each clip."""
        return np.where(was & ~alarm, self.miss, np.where(alarm & ~was, self.false_alarm, 0.0))


def cheapest_threshold(scores: Floats, was: Mask, costs: AlarmCosts) -> float | None:
    """The threshold that costs least on these clips; None where no alarm at all does.

    >>> scores, was = np.array([0.9, 0.8, 0.3, 0.1]), np.array([True, False, True, False])
    >>> cheapest_threshold(scores, was, AlarmCosts(miss=3.0)), cheapest_threshold(scores, was, AlarmCosts())
    (0.3, 0.9)
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    false, found = np.cumsum(~was[order])[ends], np.cumsum(was[order])[ends]
    cost = costs.false_alarm * false - costs.miss * found
    # Of thresholds that cost the same the loosest where a miss costs more, else the strictest.
    best = len(cost) - 1 - int(cost[::-1].argmin()) if costs.miss > costs.false_alarm else int(cost.argmin())
    return None if cost[best] >= 0 else float(scores[order[ends[best]]])


def cheapest_of(
    scores: Floats, was: Mask, unit: Codes, parts: Codes, costs: AlarmCosts, confidence: float
) -> CheapestThreshold:
    """The cheapest threshold of one emotion, and what it costs on speakers held out."""
    alarm = np.zeros(len(scores), dtype=np.bool_)
    for part in range(int(parts.max()) + 1):
        there = parts == part
        chosen = cheapest_threshold(scores[~there], was[~there], costs)
        alarm[there] = chosen is not None and scores[there] >= chosen
    never = costs.of(np.zeros(len(was), dtype=np.bool_), was)
    always = costs.of(np.ones(len(was), dtype=np.bool_), was)
    without = never if never.mean() <= always.mean() else always
    held_out = costs.of(alarm, was)
    saved = mean_by_unit(without - held_out, unit, confidence)
    threshold = cheapest_threshold(scores, was, costs)
    return CheapestThreshold(
        threshold=threshold,
        in_theory=costs.false_alarm / (costs.false_alarm + costs.miss),
        cost=UNSET if threshold is None else float(costs.of(scores >= threshold, was).mean()),
        held_out=mean_by_unit(held_out, unit, confidence, least=0.0),
        never=float(never.mean()),
        always=float(always.mean()),
        saved=saved,
    )
