"""The part of a report that tells what thresholds on an emotion's score give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from sv_eval.report.interval import Interval, Rounded
from sv_eval.report.shares import Share


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint(Rounded):
    """What it gives to take an emotion for said where its score is this and more."""

    threshold: float
    """From which score on."""
    precision: Share
    """Right ones of all alarms; bounds allow for speakers."""
    recall: Share
    """Found ones of all clips of the emotion; likewise."""
    false_alarm_rate: Share
    """False alarms of all clips that are not of it; likewise. With `recall`, a point of the ROC."""
    false_alarms_per_hour: float | None
    """False alarms in an hour of this audio; null where its length is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromisedThreshold(Rounded):
    """The lowest threshold whose precision is surely what is wanted, and how it does on speakers held out."""

    threshold: float | None
    """From which score on; null where nothing can be promised."""
    point: OperatingPoint | UnsetType = UNSET
    """What it gives on the clips that it was chosen on; not set without one."""
    parts: int
    """In how many parts speakers were held out."""
    parts_without: int
    """Parts whose other speakers promise nothing, so that their clips have no alarm."""
    held_out: Share
    """Right ones of the alarms on speakers held out, by thresholds chosen on the others."""
    held_out_recall: Share
    """Found ones of their clips of the emotion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmotionPoints(Rounded):
    """One emotion's thresholds."""

    support: int
    """Clips of it."""
    average_precision: Interval
    """The area beneath precision by recall; bounds allow for speakers."""
    roc_auc: Interval
    """How often a clip of it has a higher score than another; likewise."""
    points: tuple[OperatingPoint, ...]
    """Ascending by threshold."""
    wanted: PromisedThreshold | UnsetType = UNSET
    """Of the precision that is wanted; not set where none is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operating(Rounded):
    """What thresholds on scores give."""

    n: int
    """Scored clips with scores."""
    precision: float | None
    """What is wanted; null for nothing."""
    sure: float
    """How sure a promised threshold is to keep it, one-sided."""
    per_emotion: Mapping[str, EmotionPoints]
    """By scored class that has clips."""
