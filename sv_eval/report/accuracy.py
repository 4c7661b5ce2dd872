"""The parts of a report that tell how right the answers were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from sv_eval.report.interval import Interval, Rounded
from sv_eval.report.latency import TwoPercentiles
from sv_eval.report.reasons import Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The four figures that stand at the top."""

    uar: Interval
    """Mean recall over the labels of the set that have a clip in scope (UA)."""
    accuracy: Interval
    """Share of right answers (WA)."""
    macro_f1: Interval
    """Mean F1 over the same labels."""
    weighted_f1: Interval
    """Mean F1, weighted with support."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFigures(Headline):
    """The figures under one policy."""

    coverage: Interval
    """Share of the clips in scope that got an emotion under this policy; failures are not in scope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllLabels:
    """The figures over every class that the corpus holds, those that the backend can't say among them."""

    labels: tuple[str, ...]
    """The classes, in order."""
    unsupported: tuple[str, ...]
    """Those that the backend can't say."""
    policies: Mapping[str, PolicyFigures]
    """By policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """How the bounds of the accuracy figures were found."""

    methods: Mapping[str, str | None]
    """Of each headline figure; null without bounds."""
    confidence: float
    """Of all bounds, two-sided."""
    resamples: int
    """Of the bootstrap."""
    seed: int
    """Of the bootstrap."""
    clusters: str
    """What is taken as independent: `speaker`, `clip` (none known), `mixed`; `none` without clips."""
    n_clusters: int
    """How many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One utterance of an emotion."""

    clip: str
    """Clip id."""
    text: str
    """Its words, or empty."""
    path: str
    """Where its audio is."""
    predicted: str
    """The unforced answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmotionFigures:
    """One emotion under the headline policy."""

    recall: Interval
    """Share of its clips that were recognised."""
    precision: Interval
    """Share of its predictions that were right."""
    f1: Interval
    """Harmonic mean of the two."""
    support: int
    """Its clips that did not fail."""
    n_scored: int
    """Those of them that the policy scores, which the recall rests on."""
    n_unknown: int
    """Its clips answered with `unknown`."""
    n_failed: int
    """Its clips without an answer."""
    latency_ms: TwoPercentiles
    """Of the calls that hold a clip of it, milliseconds."""
    example: Example | None
    """One utterance; null when no clip has an answer."""
    example_reason: Why | UnsetType = UNSET
    """Why there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """How often each reference label got each answer, failures apart."""

    rows: tuple[str, ...]
    """The scored labels in order, then references out of scope that occur (`unlabelled`: no reference)."""
    columns: tuple[str, ...]
    """The scored labels in order, then other emotions answered, then unknown, no_tag, no_speech."""
    counts: tuple[tuple[int, ...], ...]
    """Clips, by row and column."""
    failed: tuple[int, ...]
    """Clips without an answer, by row; they are in no column."""
    n_scored_rows: int
    """How many of the rows, from the top, are scored."""
    answers: str
    """`unforced`, or `forced`: with `unknown` banned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongClip(Rounded):
    """A clip that was taken for another emotion."""

    clip: str
    """Clip id."""
    path: str
    """Where its audio is."""
    confidence: float | None
    """The posterior of the wrong answer; null where there is none, as for one given with `unknown` banned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongPair(Rounded):
    """One cell off the diagonal."""

    reference: str
    """The right label."""
    predicted: str
    """The answer given."""
    count: int
    """How many clips."""
    share: float | None
    """Of the reference label's clips that the policy scores."""
    clips: tuple[WrongClip, ...]
    """The first few, most confident first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerFigures(Rounded):
    """The headline figures of one speaker's clips, under the headline policy."""

    n: int
    """Clips scored."""
    accuracy: float | None
    """Share of right answers; null when the policy scores no clip of this speaker."""
    uar: float | None
    """Mean recall; null unless the speaker has every scored label."""
    reason: Why | UnsetType = UNSET
    """Why something is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChanceLevel(Rounded):
    """What one of the rules of chance reaches."""

    accuracy: float | None
    """Expected share of right answers."""
    uar: float | None
    """Expected UAR."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MajorityLevel(Rounded):
    """What always naming the most frequent label reaches."""

    label: str
    """That label."""
    accuracy: float | None
    """Share of right answers."""
    uar: float | None
    """UAR."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """What one scores who does not listen."""

    n: int
    """Clips."""
    labels: tuple[str, ...]
    """Labels that occur."""
    majority: MajorityLevel
    """Always the most frequent label."""
    stratified: ChanceLevel
    """Labels drawn as often as they occur."""
    uniform: ChanceLevel
    """Labels drawn with equal chances."""
