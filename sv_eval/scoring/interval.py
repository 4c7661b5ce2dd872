"""A number with its uncertainty, or the reason why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

DIGITS = 9
"""Decimals that reach `metrics.json`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A value between its bounds. What cannot be given honestly is None, and `reason` says why."""

    value: float | None
    """The point estimate."""
    low: float | None = None
    """Lower bound at the configured confidence."""
    high: float | None = None
    """Upper bound at the configured confidence."""
    n: int = 0
    """How many clips the value rests on."""
    n_calls: int | None = None
    """How many calls to the backend a latency rests on; None for other figures."""
    reason: str | None = None
    """Why the value or a bound is missing, or what to know about it."""
    method: str | None = None
    """How the bounds of an accuracy figure were found; None without any."""
    n_clusters: int | None = None
    """How many clusters an accuracy figure rests on; of a mean over labels, how many its scarcest label has."""

    def to_json(self) -> dict[str, Any]:
        """The interval as plain data; `reason` and `method` only where there is one."""
        data: dict[str, Any] = {
            "value": plain(self.value),
            "low": plain(self.low),
            "high": plain(self.high),
            "n": self.n,
        }
        if self.n_calls is not None:
            data["n_calls"] = self.n_calls
        if self.n_clusters is not None:
            data["n_clusters"] = self.n_clusters
        return data | {name: text for name, text in (("reason", self.reason), ("method", self.method)) if text}


def plain(value: float | None) -> float | None:
    """The number as it is written to JSON: rounded, and None instead of NaN or infinity.

    >>> plain(1 / 3), plain(float("nan"))
    (0.333333333, None)
    """
    return None if value is None or not math.isfinite(value) else round(float(value), DIGITS)
