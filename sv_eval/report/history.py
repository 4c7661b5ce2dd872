"""A figure over many runs, as history.json keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LATENCIES = ("p50", "p95", "p99")
"""Figures in milliseconds."""
PLAIN = ("aurc", "brier", "log_loss", "ccc")
"""Figures that are told as they are; all others are shares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One run of a series."""

    source: str
    """Where it was read from."""
    started_at: str
    """When it began, ISO 8601 in UTC."""
    model: str
    """The model's name."""
    commit: str | None
    """Of the code; null where it is not known."""
    value: float
    """The figure: a share, milliseconds, or a plain number."""
    low: float | None
    """Its lower bound; null without bounds."""
    high: float | None
    """Its upper bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePoint:
    """A run from which on the figure has another level."""

    place: int
    """The first run of the new level, counted from 0."""
    before: float
    """The mean of the level before."""
    after: float
    """The mean of the level that follows."""
    p: float
    """How likely so large a difference is where nothing changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Runs that compare: of one corpus, label map and policy; latencies of one device and load, too."""

    what: Mapping[str, Any]
    """What they have in common."""
    points: tuple[Point, ...]
    """In order of time."""
    changes: tuple[ChangePoint, ...]
    """Where the level changed, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A run or a baseline file that is in no series."""

    source: str
    """Where it lies."""
    why: str
    """Why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFile:
    """What `history.json` holds."""

    schema_version: int = 1
    """Raised when a reader of this file would have to change."""
    figure: str
    """uar, accuracy, macro_f1, weighted_f1, p50, p95 or p99."""
    alpha: float
    """The chance of a false change, of each stretch that was looked at."""
    series: tuple[Series, ...]
    """The longest first."""
    left_out: tuple[LeftOut, ...]
    """What has no such figure or can't be read."""
