"""How a search ends: an overload tells saturation and what the server does then; the capacity is tried again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from sv_eval.studies.capacity.found import (
    DEGRADES,
    DRIFT,
    GENERATOR,
    IMPROVES,
    LIMITS_RATE,
    SHEDS,
    TOLERANCE,
    Saturation,
    SearchResult,
)
from sv_eval.studies.capacity.outcome import BRACKET, CONFIRM, KEPT, OVERLOAD, UNTOLD, Trial
from sv_eval.studies.capacity.root import Root, expected_share

_OVERLOAD = 2.0
_LONGER = 2.0
_OVERLOAD_LONGER = 3.0
_OVERLOADED = 1.05
_REFUSED = 0.01
_UNMOVED = 1.5
"""A server that only limits a rate answers what it takes nearly as quickly as without load."""
_EVEN = 0.5
"""And evenly: the variance of its answers in a stretch of time is this part of independent answers' at most."""
_STRETCHES = 20
_SELDOM = 0.001
"""A confirmation is broken where so large a share would be rarer than this."""


class Trials(Protocol):
    """What a search can do for its end."""

    trials: list[Trial]
    """All so far."""
    allowed: Mapping[str, float]
    """The share that may break each part."""

    async def trial(self, rate: float, phase: str, *, longer: float = 1.0) -> Trial | None:
        """One more."""

    def root(self) -> tuple[Root | None, str | None]:
        """The capacity so far."""

    def relaxation_at(self, rate: float) -> float:
        """In how many requests the queue forgets."""


async def finish(hunt: Trials, found: SearchResult) -> SearchResult:
    """The result with saturation, the confirmation and what the server does; unchanged where nothing was found."""
    if found.kept is None:
        return _named(found, hunt.trials, None)
    overload = await hunt.trial(_OVERLOAD * (found.high or found.kept), OVERLOAD, longer=_OVERLOAD_LONGER)
    if overload is not None:
        found = _below_saturation(found, overload)
    again = await hunt.trial(found.low or found.kept or 0.0, CONFIRM, longer=_LONGER)
    if again is not None:
        found = _confirmed(hunt, found, again)
    return _named(found, hunt.trials, overload)


def _below_saturation(found: SearchResult, overload: Trial) -> SearchResult:
    """No rate above saturation can be kept, whatever trials of finite length say."""
    flow, sent = overload.flow_per_s, overload.sent_per_s
    if flow is None or sent is None or overload.flow_error is None or sent < _OVERLOADED * flow:
        return found
    most = Saturation(per_s=flow, error=overload.flow_error)
    kept = min(found.kept or flow, flow)
    high = None if found.high is None else max(kept, min(found.high, most.high))
    low = None if found.low is None else min(found.low, kept)
    return replace(found, saturation=most, kept=kept, high=high, low=low)


def _confirmed(hunt: Trials, found: SearchResult, again: Trial) -> SearchResult:
    """Whether the lower bound was kept once more: not surely broken, given how much such trials vary."""
    root, part = hunt.root()
    if again.verdict == UNTOLD:
        return replace(found, ended_by=GENERATOR if found.ended_by == TOLERANCE else found.ended_by)
    if root is None or part is None:
        return found
    share, allowed = again.share_over(part), hunt.allowed[part]
    # Its draw may be faster than planned: it is held against what the line has at the rate that was really sent.
    expected = max(allowed, expected_share(root, allowed, again.sent_per_s or again.rate or root.rate))
    worth = again.counted / hunt.relaxation_at(again.rate or root.rate) / root.heterogeneity
    kept = share is not None and not again.ended_early and _as_many(share, expected, worth) >= _SELDOM
    if again.verdict == KEPT or kept:
        return replace(found, confirmed=True)
    return replace(found, confirmed=False, ended_by=DRIFT)


def _as_many(share: float, expected: float, worth: float) -> float:
    """How likely so large a share is of so many independent requests: the binomial tail, as an incomplete beta."""
    from scipy.special import betainc

    return 1.0 if share <= expected else float(betainc(share * worth, (1 - share) * worth + 1, expected))


def _named(found: SearchResult, trials: Sequence[Trial], overload: Trial | None) -> SearchResult:
    words = []
    if found.confirmed is False or (found.change is not None and found.change < 0):
        words.append(DEGRADES)
    elif found.change is not None:
        words.append(IMPROVES)
    hard = overload or max(trials, key=lambda one: one.refused / max(1, one.requests), default=None)
    if hard is not None and hard.refused > _REFUSED * hard.requests:
        words.append(LIMITS_RATE if _limits(hard, trials) else SHEDS)
    return replace(found, findings=tuple(words))


def _limits(hard: Trial, trials: Sequence[Trial]) -> bool:
    """Whether what refuses is a rate and no full queue: the answers come evenly and as quickly as without load."""
    told = (one for one in trials if one.phase == BRACKET and one.p50_ms)
    light = min(told, key=lambda one: one.rate or 0.0, default=hard)
    if not hard.flow_per_s or not hard.sent_per_s or hard.flow_error is None or not hard.p50_ms or not light.p50_ms:
        return False
    # Of independent answers, n in all, a stretch's number varies by its mean.
    answered = max(1, hard.requests - hard.failed)
    relative = hard.flow_error * math.sqrt(_STRETCHES) / hard.flow_per_s
    return hard.p50_ms <= _UNMOVED * light.p50_ms and relative**2 * answered / _STRETCHES <= _EVEN
