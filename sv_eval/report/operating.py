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
    alarms_per_hour: float | None
    """All alarms in an hour of it; likewise."""
    delay_s: Percentiles | UnsetType = UNSET
    """Of right alarms on clips that came as streams: from the stream's beginning to the first alarm, seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles(Rounded):
    """How long something took."""

    n: int
    """Over how many clips."""
    p50: float
    """The median."""
    p90: float
    """Nine of ten took no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint(Rounded):
    """A threshold on the way from strict to loose; a share's bounds allow for speakers."""

    threshold: float
    """From which score on."""
    precision: tuple[float, float, float]
    """Right ones of all alarms, between its bounds: lower bound, share, upper bound."""
    recall: tuple[float, float, float]
    """Found ones of all clips of the emotion, likewise."""
    false_alarm_rate: tuple[float, float, float]
    """False alarms of all other clips, likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheapestThreshold(Rounded):
    """The threshold that costs least, and what it costs on speakers held out."""

    threshold: float | None
    """From which score on; null where no alarm at all costs least."""
    in_theory: float
    """What it would be were scores probabilities."""
    cost: float | UnsetType = UNSET
    """The mean cost of a clip on the clips that it was chosen on; not set without one."""
    held_out: Interval
    """The same on speakers held out, by thresholds chosen on the others; bounds leave out one speaker at a time."""
    never: float
    """The mean cost of a clip without any alarm."""
    always: float
    """The same where every clip is one."""
    saved: Interval
    """The cheaper one of those two less `held_out`; above 0 a threshold is worth its while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromisedThreshold(Rounded):
    """The loosest threshold that surely keeps what is wanted, and how it does on speakers held out."""

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
    held_out_false_per_hour: float | None
    """False alarms in an hour of their audio."""


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
    curve: tuple[CurvePoint, ...]
    """Precision, recall and false alarms from strict thresholds to loose ones."""
    wanted: PromisedThreshold | UnsetType = UNSET
    """Of the precision that is wanted; not set where none is."""
    rare: PromisedThreshold | UnsetType = UNSET
    """Of the false alarms in an hour that are allowed; not set where none are told."""
    cheapest: CheapestThreshold | UnsetType = UNSET
    """Of the costs that are told; not set where none are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operating(Rounded):
    """What thresholds on scores give."""

    n: int
    """Scored clips with scores."""
    precision: float | None
    """What is wanted; null for nothing."""
    false_alarms_per_hour: float | UnsetType = UNSET
    """How many are allowed; not set where that was not told."""
    costs: Mapping[str, float] | UnsetType = UNSET
    """What `miss` and `false_alarm` cost; not set where that was not told."""
    sure: float
    """How sure a promised threshold is to keep it, one-sided."""
    per_emotion: Mapping[str, EmotionPoints]
    """By scored class that has clips."""
    applied: AppliedThresholds | UnsetType = UNSET
    """The thresholds file that the run is judged under; not set without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedThresholds(Rounded):
    """Thresholds from elsewhere, and what they give on this run's speakers."""

    dataset: str | None
    """The corpus that they were chosen on; null where the file does not tell."""
    precision: float | None
    """Which precision they promise; null for none."""
    false_alarms_per_hour: float | None
    """Which rate of false alarms they promise; null for none."""
    not_promised: tuple[str, ...]
    """Emotions that are never answered."""
    n_below: int
    """Answers that became `unknown`."""
    n: int
    """Scored answers that named an emotion before."""
    points: Mapping[str, OperatingPoint]
    """By emotion with a threshold: what it gives here."""
    broken: tuple[str, ...]
    """Emotions whose promise these speakers refute: the bounds lie beyond it."""
