"""The part of a report that tells where the options stood that a chat model took."""

from __future__ import annotations

from dataclasses import dataclass

from sv_eval.report.interval import Rounded
from sv_eval.report.shares import Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside(Rounded):
    """How much of the answers' probability, or of their votes, was on none of the options."""

    n: int
    """Answers that tell."""
    mean: float
    """Its mean over them."""
    p95: float
    """Its 95th percentile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Positions(Rounded):
    """Answers by the place of the option that they took."""

    counts: tuple[int, ...]
    """Answers at each place, the first one first."""
    first: Share
    """Those at the first place."""
    pull: float | None
    """The share of answers that the first place alone explains; below 0 where it is avoided."""
    pull_low: float | None
    """Lower bound."""
    pull_high: float | None
    """Upper bound."""
