"""A number with its uncertainty, or the reason why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from msgspec import UNSET, UnsetType

from sv_eval.report.reasons import Why

DIGITS = 9
"""Decimals that reach `metrics.json`."""


class Rounded:
    """A part of a report: its numbers are rounded as they are written, and NaN is None.

    So a report that was read back equals the one that was written.
    """

    __slots__ = ()

    def __post_init__(self) -> None:
        for item in fields(self):  # type: ignore[arg-type]
            value = getattr(self, item.name)
            if isinstance(value, float):
                object.__setattr__(self, item.name, plain(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval(Rounded):
    """A value between its bounds. What cannot be given honestly is None, and `reason` says why."""

    value: float | None
    """The point estimate."""
    low: float | None = None
    """Lower bound at the configured confidence."""
    high: float | None = None
    """Upper bound at the configured confidence."""
    n: int = 0
    """How many clips the value rests on."""
    n_calls: int | UnsetType = UNSET
    """How many calls to the backend a latency rests on; not set for other figures."""
    n_clusters: int | UnsetType = UNSET
    """How many clusters an accuracy figure rests on; of a mean over labels, how many its scarcest label has."""
    reason: Why | UnsetType = UNSET
    """Why the value or a bound is missing, or what to know about it."""
    method: str | UnsetType = UNSET
    """How the bounds of an accuracy figure were found; not set without any."""

    @property
    def left_out(self) -> tuple[str, ...]:
        """Of a mean over labels: those that it is not over, since none of their clips has an answer."""
        reasons = self.reason.reasons if self.reason else ()
        return tuple(label for one in reasons if one.code == "mean_without" for label in one.values["labels"])


def plain(value: float | None) -> float | None:
    """The number as it is written to JSON: rounded, and None instead of NaN or infinity.

    >>> plain(1 / 3), plain(float("nan"))
    (0.333333333, None)
    """
    return None if value is None or not math.isfinite(value) else round(float(value), DIGITS)


def given(why: Why | None) -> Why | UnsetType:
    """A reason as a field of a report holds it: not set where there is none."""
    return UNSET if why is None else why
