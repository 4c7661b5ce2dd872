"""The search for the highest rate that keeps an objective, with its interval, and the knee of a curve.

Two stages. The bracket doubles and halves the rate, then halves the distance: quick trials, each with one verdict,
which only say where to look. Then the capacity is measured: each trial a little below or above of where the line
through those before meets the allowed share (Wu 1985, Efficient sequential designs with binary data, Journal of the
American Statistical Association 80: the next experiment is where the fitted quantile is), a logit to either side,
so that its slope becomes known, too. No trial is one of the bracket's and the line's at once: those were chosen for
their outcome.

A queue near its limit forgets slowly, and a trial shorter than that finds it emptier than it is. How slowly is
known from the autocorrelation time of the latencies of the trials before; a trial is `search.relaxations` times as
long, and its requests count as so many fewer. Never by its own autocorrelation: busy trials have the longer one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sv_eval.studies.capacity.config import Search
from sv_eval.studies.capacity.found import (
    DRIFT,
    GENERATOR,
    MAX_RATE,
    MAX_TRIALS,
    NOTHING_KEPT,
    RELAXATION,
    TOLERANCE,
    SearchResult,
)
from sv_eval.studies.capacity.last_trials import finish
from sv_eval.studies.capacity.outcome import BRACKET, KEPT, MEASURE, UNTOLD, Trial
from sv_eval.studies.capacity.root import Point, Root, drift_of, root_of

TryRate = Callable[..., Coroutine[Any, Any, Trial]]
"""Puts a rate to the test: rate, seed, requests=, phase=."""

_STEP = 2.0
_LOWEST = 1e-3
_NEAR = 1.1
_ASIDE = 1.0
"""Logits between a trial and the capacity."""
_NEARBY, _FAR = 0.06, 0.12
"""But no further aside than this part of the rate: over longer ways shares are no straight line, and where most of
the limit is service time, over 0.12 the line misses by 3 %. As far as that only while the slope is not known."""
_SURELY, _ON_THE_WAY = 0.995, 0.9998
"""How often nothing is said of a change where there is none: at the end, and at each look on the way."""
_UNTOLD = 3
_LOST = 0.5
_FOR_STOPPING = 0.6
"""Who stops when an interval looks narrow stops where chance made it so (Glynn and Whitt 1992, The asymptotic
validity of sequential stopping rules): bounds miss this part of what they may miss, and then hold what they
promise."""
_ENOUGH_RELAXATIONS = 8.0
_LONG_ENOUGH = 0.5
_FLOOR_EVENTS = 10.0
_LEAST_DRIFT = 8
_LEAST_KNOWN = 6
_LONGEST_MORE = 1.5


@dataclass(slots=True, kw_only=True)
class RateSearch:
    """One search."""

    search: Search
    """Its settings."""
    allowed: Mapping[str, float]
    """Each part of the objective, and the share of requests that may break it."""
    try_rate: TryRate
    """Called for each trial."""
    trials: list[Trial] = field(default_factory=list)
    """All of them, in order."""
    _ceiling: float = math.inf
    """The lowest rate at which open requests ran away, or most requests broke a part: far from any straight
    line."""
    _asked: int = 0
    """Requests of the next trial, as far as the interval's width asks for them."""

    async def find(self, start_rate: float) -> SearchResult:
        """Search from `start_rate`."""
        kept, broken, ended = await self._bracket(min(start_rate, self.search.max_rate))
        if ended is not None or kept is None or broken is None:
            return SearchResult(kept=kept, ended_by=ended or NOTHING_KEPT)
        return await finish(self, await self._measure(kept, broken))

    async def trial(self, rate: float, phase: str, *, longer: float = 1.0) -> Trial | None:
        """One more trial; None when there may be no more of them."""
        if len(self.trials) >= self.search.max_trials:
            return None
        requests = self.search.requests_at(rate)
        if phase != BRACKET:
            requests = self.search.requests_for(rate, self.relaxation_at(rate))
        if phase == MEASURE:
            requests = max(requests, min(self._asked, round(rate * self.search.max_trial_s)))
        seed = self.search.seed + len(self.trials)
        found = await self.try_rate(rate, seed, requests=round(longer * requests), phase=phase)
        self.trials.append(found)
        return found

    async def _bracket(self, rate: float) -> tuple[float | None, float | None, str | None]:
        """A kept and a broken rate close together; or why there is no such pair."""
        kept = broken = None
        while kept is None or broken is None or broken / kept > _NEAR:
            found = await self._told(rate, BRACKET)
            if isinstance(found, str):
                return kept, broken, found
            if found.verdict == KEPT:
                kept = rate
                if rate >= self.search.max_rate and broken is None:
                    return kept, None, MAX_RATE
            else:
                broken = rate
            if kept is None:
                rate /= _STEP
            elif broken is None:
                rate = min(rate * _STEP, self.search.max_rate)
            else:
                rate = math.sqrt(kept * broken)
            if rate < _LOWEST:
                return None, broken, NOTHING_KEPT
        return kept, broken, None

    async def _told(self, rate: float, phase: str) -> Trial | str:
        """A trial that can tell, tried a few times; or why there is none."""
        for _ in range(_UNTOLD):
            found = await self.trial(rate, phase)
            if found is None:
                return MAX_TRIALS
            if found.verdict != UNTOLD:
                return found
        return GENERATOR

    async def _measure(self, kept: float, broken: float) -> SearchResult:
        rate = math.sqrt(kept * broken)
        while True:
            found = await self._told(rate, MEASURE)
            if isinstance(found, str):
                return self._result(found)
            if found.rate is not None and (found.ended_early or self._lost(found)):
                self._ceiling = min(self._ceiling, found.rate)
            root, part = self.root()
            if self._narrow(root, part):
                return self._result(TOLERANCE)
            if part is not None and self.change(part, surely=_ON_THE_WAY) is not None:
                return self._result(DRIFT)
            self._asked = self._still_asked(root)
            rate = self._next(root, part, kept, broken)

    def _lost(self, found: Trial) -> bool:
        return any((found.share_over(part) or 0.0) > max(_LOST, 2 * share) for part, share in self.allowed.items())

    def _narrow(self, root: Root | None, part: str | None) -> bool:
        if root is None or part is None or root.points < self.search.trials or root.width is None:
            return False
        events = sum(one.worth * one.share for one in self.points(part))
        return root.width <= self.search.tolerance and events >= _FLOOR_EVENTS

    def _still_asked(self, root: Root | None) -> int:
        """How long the next trial must be if few are left to come: widths shrink with the root of requests."""
        measured = self.measured()
        if len(measured) < _LEAST_KNOWN:
            return 0
        most = round(_LONGEST_MORE * max(one.requests for one in measured))
        if root is None or root.width is None:
            # So many trials and no bounds: each of them tells too little.
            return most
        more = sum(one.requests for one in measured) * ((root.width / self.search.tolerance) ** 2 - 1)
        return max(0, min(round(more / max(2, self.search.trials - root.points)), most))

    def _result(self, ended: str) -> SearchResult:
        root, part = self.root()
        change = None if part is None else self.change(part)
        if root is None:
            return SearchResult(kept=None, ended_by=DRIFT if change is not None else ended, change=change)
        relaxation = self.relaxation_at(root.rate)
        covered = self.search.requests_for(root.rate, relaxation) * (1 - self.search.settle) / relaxation
        if ended == TOLERANCE and covered < _ENOUGH_RELAXATIONS:
            ended = RELAXATION
        return SearchResult(
            kept=root.rate, low=root.low, high=root.high, confidence=self.search.confidence, part=part,
            trials=root.points, heterogeneity=root.heterogeneity, relaxation_s=relaxation / root.rate,
            change=change, ended_by=DRIFT if change is not None else ended,
        )  # fmt: skip

    def change(self, part: str, *, surely: float = _SURELY) -> float | None:
        """By which share the capacity changed during the measurement, where it surely did.

        Of a server that slows down the ceiling comes down, too: what was measured above it then, counts here.
        """
        whole = [one for one in self.trials if _is_measured(one)]
        if len(whole) < _LEAST_DRIFT:
            return None
        served = np.cumsum([one.requests for one in self.trials])
        until = [float(served[place]) for place, one in enumerate(self.trials) if _is_measured(one)]
        return drift_of(self._points_of(whole, part), until, surely=surely)

    def root(self) -> tuple[Root | None, str | None]:
        """The capacity by the part of the objective that breaks first; None where no part tells."""
        sure = 1 - _FOR_STOPPING * (1 - self.search.confidence)
        found = {
            part: root
            for part, share in self.allowed.items()
            if (root := root_of(self.points(part), share, confidence=sure)) is not None
        }
        first = min(found, key=lambda part: found[part].rate, default=None)
        return (None, self._most_broken()) if first is None else (found[first], first)

    def _most_broken(self) -> str | None:
        """The part that the measured trials broke by most."""
        shares = {part: self.points(part) for part in self.allowed}
        return max(
            (part for part in shares if shares[part]),
            key=lambda part: sum(one.share for one in shares[part]) / self.allowed[part],
            default=None,
        )

    def measured(self) -> list[Trial]:
        """The trials that the line goes through: those that were as long as their rate asks for."""
        return [
            one
            for one in self.trials
            if _is_measured(one) and (one.rate or 0.0) < self._ceiling
            and one.requests >= _LONG_ENOUGH * self._asked_at(one.rate or 0.0)
        ]  # fmt: skip

    def _asked_at(self, rate: float) -> int:
        return self.search.requests_for(rate, self.relaxation_at(rate))

    def points(self, part: str) -> list[Point]:
        """They, as far as one part is concerned."""
        return self._points_of(self.measured(), part)

    def _points_of(self, trials: Sequence[Trial], part: str) -> list[Point]:
        return [
            Point(
                rate=one.sent_per_s or one.rate or 0.0,
                share=one.share_over(part) or 0.0,
                worth=one.counted / self.relaxation_at(one.rate or 0.0),
            )
            for one in trials
        ]

    def relaxation_at(self, rate: float) -> float:
        """In how many requests the queue forgets at a rate, by all trials that were not ended early.

        A straight line through the logarithms, never falling, with the mean of what varies around it.
        """
        told = [one for one in self.trials if one.relaxation is not None and not one.ended_early and one.rate]
        measured = [one for one in told if one.phase == MEASURE]
        chosen = measured if len(measured) >= 4 else told[-4:]
        if not chosen:
            return 1.0
        x = np.array([math.log(one.rate or 1.0) for one in chosen])
        y = np.array([math.log(one.relaxation or 1.0) for one in chosen])
        slope = max(0.0, float(np.polyfit(x, y, 1)[0])) if float(np.ptp(x)) > 0.005 and len(x) >= 4 else 0.0
        rest = y - slope * x
        ahead = min(max(math.log(rate), float(x.min())), float(x.max())) if slope else 0.0
        return max(1.0, math.exp(float(rest.mean() + rest.var() / 2) + slope * ahead))

    def _next(self, root: Root | None, part: str | None, kept: float, broken: float) -> float:
        """The next rate: a little aside of the root, to the other side than last; or where one may be found."""
        points = [] if part is None else self.points(part)
        if root is not None:
            aside = min(_ASIDE / root.slope, _FAR if root.width is None else _NEARBY)
            rate = root.rate * (1 + (aside if len(points) % 2 else -aside))
        else:
            rate = self._before_a_root(points, part, kept)
        rate = min(max(rate, kept / 4), 4 * broken, self.search.max_rate)
        return rate if rate < self._ceiling else 0.5 * (self._ceiling + min(kept, self._ceiling / 1.05))

    def _before_a_root(self, points: Sequence[Point], part: str | None, kept: float) -> float:
        allowed = self.allowed[part] if part is not None else 0.0
        below = [one.rate for one in points if one.share < allowed]
        above = [one.rate for one in points if one.share >= allowed]
        if math.isfinite(self._ceiling):
            above.append(self._ceiling)
        if not below:
            return min(above, default=kept * 1.02) / 1.02
        if not above:
            return max(below) * 1.02
        low, high = max(below), min(above)
        if low < high / 1.002:
            return math.sqrt(low * high)
        return min(below) / 1.02 if len(points) % 2 else max(below) * 1.02


def _is_measured(one: Trial) -> bool:
    return one.phase == MEASURE and one.verdict != UNTOLD and not one.ended_early


def knee_of(curve: Sequence[Trial]) -> int | None:
    """The number of callers at the knee: where throughput over mean time in the system is greatest.

    That ratio is Kleinrock's power (1979); up to its maximum more callers bring more throughput than delay. With
    callers who do not think, the mean time is callers over throughput. None without a throughput.

    >>> knee_of([])
    """
    power = {
        trial.concurrency: trial.answered_per_s**2 / trial.concurrency
        for trial in curve
        if trial.answered_per_s is not None and trial.concurrency is not None
    }
    return max(power, key=lambda callers: power[callers]) if power else None
