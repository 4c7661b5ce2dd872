"""The part of a report that tells what is won where only confident answers count."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from sv_eval.report.interval import Interval, Rounded
from sv_eval.report.shares import Share


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveragePoint(Rounded):
    """The most confident answers, so many of them."""

    coverage: float
    """Their share of all answers that name an emotion."""
    threshold: float
    """The least confidence among them."""
    accuracy: Interval
    """The share of right ones; bounds allow for speakers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Abstention(Rounded):
    """What `unknown` does as a way not to answer, against a threshold that leaves out as many clips."""

    n_unknown: int
    """Clips answered with it."""
    coverage: float
    """The share of clips that were answered with an emotion."""
    by_unknown: Share
    """Right ones of those."""
    by_confidence: Share
    """Right ones of as many clips, the most confident forced answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selective(Rounded):
    """Accuracy by how confident an answer is."""

    n: int
    """Scored clips answered with an emotion and a confidence."""
    aurc: Interval
    """The mean share of wrong ones among the most confident answers, over all coverages; 0 is best."""
    excess: Interval
    """That less what the best order of the same answers would have; 0 is best."""
    curve: tuple[tuple[float, float], ...]
    """Coverage and the share of wrong ones, ascending."""
    at: tuple[CoveragePoint, ...]
    """At coverages that are asked about."""
    unknown: Abstention | UnsetType = UNSET
    """Of `unknown`; not set for few such answers, or without forced labels and scores."""
