"""The search for the highest rate that keeps an objective, and the knee of a curve, from what trials found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sv_eval.studies.capacity.config import Search
from sv_eval.studies.capacity.trial import BROKEN, KEPT, UNTOLD, Trial

_STEP = 2.0
_LOWEST = 1e-3

TryRate = Callable[[float, int], Awaitable[Trial]]
"""Puts a rate and a seed to the test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """Where the search ended."""

    kept: float | None
    """The highest rate, requests a second, that kept the objective: the capacity; None when none did."""
    broken: float | None
    """The lowest rate above it that did not; None when none was met."""
    ended_by: str
    """`tolerance`; `max_rate`, `generator` or `max_trials`, when the capacity may be higher; `nothing_kept`."""

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"kept_per_s": _short(self.kept), "broken_per_s": _short(self.broken), "ended_by": self.ended_by}


@dataclass(slots=True, kw_only=True)
class RateSearch:
    """Brackets the capacity by doubling and halving, then halves the bracket on a logarithmic scale.

    A rate counts as kept when most of `search.repeats` trials, each with moments of its own, kept the objective.
    Those with the same number share their draw over all rates, which makes them alike but for the pace.
    """

    search: Search
    """Its settings."""
    try_rate: TryRate
    """Called for each trial."""
    trials: list[Trial] = field(default_factory=list)
    """All of them, in order."""

    async def find(self, start_rate: float) -> SearchResult:
        """Search from `start_rate`."""
        kept, broken, ended = await self._bracket(min(start_rate, self.search.max_rate))
        while ended is None and kept is not None and broken is not None:
            if broken / kept - 1 <= self.search.tolerance:
                ended = "tolerance"
                break
            middle = (kept * broken) ** 0.5
            verdict = await self._verdict(middle)
            if verdict is None:
                ended = "max_trials"
            elif verdict == KEPT:
                kept = middle
            else:
                broken = middle
        return SearchResult(kept=kept, broken=broken, ended_by=ended or "nothing_kept")

    async def _bracket(self, rate: float) -> tuple[float | None, float | None, str | None]:
        """A kept and a broken rate, a factor of two apart; or why there is no such pair."""
        kept = broken = None
        while kept is None or broken is None:
            verdict = await self._verdict(rate)
            if verdict is None:
                return kept, broken, "max_trials"
            if verdict == UNTOLD:
                return kept, broken, "generator"
            if verdict == KEPT:
                kept = rate
                if rate >= self.search.max_rate and broken is None:
                    return kept, None, "max_rate"
                rate = min(rate * _STEP, self.search.max_rate)
            else:
                broken = rate
                rate /= _STEP
                if rate < _LOWEST:
                    return None, broken, "nothing_kept"
        return kept, broken, None

    async def _verdict(self, rate: float) -> str | None:
        """What most trials at this rate say; None when there may be no more of them."""
        counts = {KEPT: 0, BROKEN: 0, UNTOLD: 0}
        for number in range(self.search.repeats):
            if len(self.trials) >= self.search.max_trials:
                return None
            trial = await self.try_rate(rate, self.search.seed + number)
            self.trials.append(trial)
            counts[trial.verdict or BROKEN] += 1
            most = max(counts, key=lambda verdict: counts[verdict])
            if 2 * counts[most] > self.search.repeats:
                return most
        # Without a majority the rate was not kept by most.
        return BROKEN


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


def _short(rate: float | None) -> float | None:
    return None if rate is None else float(f"{rate:.5g}")
