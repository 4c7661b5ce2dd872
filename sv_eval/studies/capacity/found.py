"""Where a capacity search ended, and what became known of the server on the way."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

TOLERANCE, MAX_TRIALS, MAX_RATE, NOTHING_KEPT = "tolerance", "max_trials", "max_rate", "nothing_kept"
GENERATOR, RELAXATION, DRIFT = "generator", "relaxation", "drift"
"""Ends of a search: the interval is as narrow as asked; trials were used up; no higher rate was to be tried; the
lowest rates broke the objective; the generator could not tell; the queue's relaxation asks for longer trials than
allowed; the server changed meanwhile."""

DEGRADES, IMPROVES, SHEDS, LIMITS_RATE = "degrades", "improves", "sheds", "limits_rate"
"""What a server may be found to do: slow down during the search, or get faster; refuse what it has no room for;
refuse what is above a rate, however little it has to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saturation:
    """The answers a second of a server that always has requests waiting."""

    per_s: float
    """Answers a second."""
    error: float
    """Standard error."""

    @property
    def low(self) -> float:
        """Two standard errors below."""
        return self.per_s - 2 * self.error

    @property
    def high(self) -> float:
        """Two standard errors above."""
        return self.per_s + 2 * self.error


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """Where the search ended."""

    kept: float | None
    """The capacity: the highest rate, requests a second, that keeps the objective; None when none was found."""
    ended_by: str
    """One of the words above."""
    low: float | None = None
    """The lower bound of its interval; None where the trials give none."""
    high: float | None = None
    """The upper one."""
    confidence: float | None = None
    """How often such intervals hold the capacity."""
    part: str | None = None
    """The part of the objective that breaks first."""
    trials: int = 0
    """Trials that the interval rests on."""
    heterogeneity: float | None = None
    """By how much more they vary than so many independent requests; 1 at least."""
    relaxation_s: float | None = None
    """In how many seconds the queue forgets at the capacity."""
    saturation: Saturation | None = None
    """What the server answers at the very most; None where it was not met."""
    confirmed: bool | None = None
    """Whether the lower bound kept the objective once more, at the end; None where it was not tried."""
    change: float | None = None
    """By which share the capacity changed during the search, where it surely did."""
    findings: tuple[str, ...] = ()
    """What the server was found to do; words of DEGRADES, IMPROVES, SHEDS, LIMITS_RATE."""

    @property
    def utilisation(self) -> float | None:
        """The capacity over saturation."""
        return None if self.kept is None or self.saturation is None else self.kept / self.saturation.per_s

    def to_json(self) -> dict[str, Any]:
        """Plain data; figures with as many digits as they deserve."""
        half = None if self.low is None or self.high is None else (self.high - self.low) / 2
        saturation = self.saturation
        return {
            "kept_per_s": deserved(self.kept, half),
            "low_per_s": deserved(self.low, half),
            "high_per_s": deserved(self.high, half),
            "confidence": self.confidence,
            "part": self.part,
            "ended_by": self.ended_by,
            "n_trials": self.trials,
            "heterogeneity": _short(self.heterogeneity),
            "relaxation_s": _short(self.relaxation_s),
            "saturation_per_s": None if saturation is None else deserved(saturation.per_s, 2 * saturation.error),
            "saturation_low_per_s": None if saturation is None else deserved(saturation.low, 2 * saturation.error),
            "saturation_high_per_s": None
            if saturation is None
            else deserved(saturation.high, 2 * saturation.error),
            "utilisation": None if self.utilisation is None else round(self.utilisation, 3),
            "confirmed": self.confirmed,
            "change": None if self.change is None else round(self.change, 3),
            "findings": list(self.findings),
        }


def deserved(value: float | None, half: float | None) -> float | None:
    """`value` with the digits that an interval of half this width leaves it: two digits of the width at most.

    >>> deserved(48.0612, 0.7131), deserved(1234.5, 40.0), deserved(3.14159, None)
    (48.1, 1230.0, 3.142)
    """
    if value is None:
        return None
    if half is None or half <= 0:
        return float(f"{value:.4g}")
    # The place of the width's first digit; one more where that digit is 1 or 2.
    place = math.floor(math.log10(half))
    digits = -place + (1 if half / 10**place < 3 else 0)
    return round(value, digits)


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")
