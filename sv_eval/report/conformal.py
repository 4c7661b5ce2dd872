"""The part of a report that tells of sets of emotions that hold the right one as often as is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sv_eval.report.interval import Interval, Rounded
from sv_eval.report.shares import Share


@dataclass(frozen=True, slots=True, kw_only=True)
class SetsOfEmotion(Rounded):
    """Sets for clips of one emotion."""

    threshold: float
    """From which score on it is in a set, by all clips; 0 where too few are of it for any."""
    coverage: Share
    """Clips of it whose set holds it, on speakers held out; bounds allow for speakers."""
    size: Interval
    """How many emotions such a set holds on average; bounds leave out one speaker at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conformal(Rounded):
    """Sets of emotions instead of one answer."""

    n: int
    """Scored clips with scores."""
    wanted: float
    """How often a set is to hold the right emotion."""
    parts: int
    """In how many parts speakers were held out."""
    coverage: Share
    """How often it does, on speakers held out; bounds allow for speakers."""
    size: Interval
    """How many emotions a set holds on average; bounds leave out one speaker at a time."""
    single: Share
    """Sets of one emotion."""
    single_right: Share
    """Right ones of those."""
    empty: Share
    """Sets of none: nothing is likely enough."""
    per_emotion: Mapping[str, SetsOfEmotion]
    """By scored class that has clips."""
