"""`parity.json`: where two ways of running a model agree, and where each agrees with itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from sv_eval.report.environment import CorpusFacts, MeasuredBackend, Surroundings
from sv_eval.report.interval import Interval
from sv_eval.report.reasons import Why


# Without slots: two parents that both have some can't be joined, and the title stands first.
@dataclass(frozen=True, kw_only=True)
class Titled:
    """What has a title."""

    title: str
    """As the command line named it, with its settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParitySide(MeasuredBackend, Titled):
    """One of the two sides: what was measured, and what it can do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferingLabel:
    """A clip on which the sides' labels differ."""

    clip: str
    """Its id."""
    path: str
    """Where its audio is."""
    reference: str | None
    """The emotion that it has; None where it has none of the canonical ones."""
    labels: tuple[str | None, str | None]
    """What either side said; None for no emotion."""
    confidence: tuple[float | None, float | None]
    """How sure either side was, where it says so."""
    margin: float | None
    """How far the first side's most probable emotion is ahead of its next one; None without scores."""
    dp: float | None
    """The largest difference of any emotion's probability; None without scores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferingLabels:
    """The clips on which the sides' labels differ."""

    count: int
    """How many."""
    clips: tuple[DifferingLabel, ...]
    """All of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbabilityGap:
    """How far the sides' probabilities are apart, by the largest difference of each clip; None without scores."""

    max: float | None
    """The largest of any clip."""
    mean: float | None
    """The mean over clips."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """Whether the clips whose labels differ were close calls, by the first side's margins."""

    largest_margin_of_a_flip: float
    """Of the clips whose labels differ."""
    median_margin: float | None
    """Of all clips."""
    clips_with_smaller_margin: int
    """Clips whose margin is at most the first of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageGap:
    """How far the sides are apart at one stage."""

    stage: str
    """`waveform`, `features`, `logits` or `posterior`, or what a backend calls its own."""
    max: float | None
    """The largest absolute difference of any clip; None where shapes differ."""
    shapes_differ: int
    """Clips whose arrays have different shapes."""
    tolerance: float
    """From which difference on it counts as diverging."""
    beyond: int
    """Clips beyond that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """At which stage the sides begin to differ."""

    n: int
    """Clips that were looked into."""
    reason: Why | UnsetType = UNSET
    """Why there are none; not set where there are some."""
    first: Mapping[str, int]
    """By stage, the clips that diverge there first, in the order of the stages."""
    gaps: tuple[StageGap, ...]
    """Every stage that both sides show, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityLatency:
    """How fast both sides are, over the clips that both answered."""

    sides: tuple[Interval, Interval]
    """Either side's median, milliseconds."""
    ratio: Interval
    """The median of the clips' ratios, the second side over the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfCheck:
    """One way of asking a side, compared with asking it clip by clip."""

    check: str
    """`rerun`, `callers`, `batch` or `padding`."""
    size: int
    """Clips in a call, or calls at once."""
    reason: Why | UnsetType = UNSET
    """Why it can't be asked that way; where set, nothing below is."""
    n: int | UnsetType = UNSET
    """Clips that were answered both ways."""
    failed: int | UnsetType = UNSET
    """Clips that were not."""
    flips: int | UnsetType = UNSET
    """Clips whose labels differ."""
    max_dp: float | UnsetType | None = UNSET
    """The largest difference of any probability; None without scores."""
    identical: bool | UnsetType = UNSET
    """Whether every label, word and score is exactly equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SideFailure:
    """A clip that something failed on."""

    clip: str
    """Its id."""
    side: int | None
    """Which side failed, 0 or 1; None for a clip that could not be decoded."""
    kind: str
    """What kind of failure."""
    message: str
    """What was said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the check was told to hold the sides to; None where there is no limit."""

    max_flips: int | None
    """Clips whose labels may differ."""
    max_dp: float | None
    """How far probabilities may be apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityResult:
    """What a parity check found; differences and margins to six significant digits."""

    schema_version: int = 1
    """Raised when a reader of this file would have to change."""
    dataset: CorpusFacts
    """What was asked about."""
    sides: tuple[ParitySide, ParitySide]
    """What was asked."""
    n_clips: int
    """Clips of the corpus."""
    n_compared: int
    """Clips that both sides answered."""
    n_failed: int
    """Clips that at least one side did not."""
    flips: DifferingLabels
    """Where labels differ."""
    words_differ: int
    """Clips whose text, language or event differs."""
    dp: ProbabilityGap
    """How far probabilities are apart."""
    identical: bool
    """Whether every label, word and score is exactly equal."""
    explained: Explained | None
    """Whether differing labels were close calls; None where none differ, or without scores."""
    stages: Stages
    """Where the sides begin to differ."""
    latency_ms: ParityLatency
    """How fast they are."""
    invariance: tuple[tuple[SelfCheck, ...], tuple[SelfCheck, ...]]
    """Either side against itself; empty where that was not asked for."""
    failures: tuple[SideFailure, ...]
    """Every failure."""
    untraced: tuple[SideFailure, ...]
    """Clips that a side answered and could not be looked into."""
    limits: Limits
    """What the sides were held to."""
    broken_limits: tuple[str, ...]
    """The limits that they break, by setting."""
    environment: Surroundings
    """What it was measured on."""
