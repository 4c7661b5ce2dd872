"""`compare.json`: what a comparison of finished runs finds on the clips that all of them have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from msgspec import UNSET, UnsetType

from sv_eval.report.accuracy import Headline
from sv_eval.report.change import Change, Equivalence, RaterAgreement, RatioOfPercentiles
from sv_eval.report.interval import Interval, Rounded
from sv_eval.report.latency import TwoPercentiles
from sv_eval.report.reasons import Why


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustedChange(Change):
    """A change that was asked about together with others."""

    p_adjusted: float | None
    """`p_value`, adjusted over all that were asked about (Holm)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallChange(AdjustedChange):
    """How much the recall of an emotion changed; adjusted over the emotions."""

    gained: int
    """Its clips that were wrong before and are right after."""
    lost: int
    """Its clips that were right before and are wrong after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionChange(AdjustedChange):
    """How much the concordance of a dimension changed; adjusted over all dimensions and pairs of runs."""

    n: int
    """Clips that both runs told it of."""
    untold: int
    """Clips that the earlier run alone told it of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreChanges:
    """What changed of scores and confidence, over the clips that have them on both sides."""

    n: int
    """Clips with scores of every scored class on both sides; of a confidence where there are no scores."""
    errors: Mapping[str, AdjustedChange]
    """`ece` and `aurc` of confidence, `brier` and `log_loss` of scores. Positive is worse, and `p_worse` is of
    `it did not rise`. Adjusted over errors and pairs of runs."""
    average_precision: Mapping[str, AdjustedChange]
    """By scored class; adjusted over them. Empty without scores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverallChanges:
    """The figures over all emotions; each is adjusted over the pairs of runs."""

    uar: AdjustedChange
    """Mean recall."""
    accuracy: AdjustedChange
    """Share of right answers."""
    macro_f1: AdjustedChange
    """Mean F1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Clips without an answer, for a failure."""

    before: int
    """Of the earlier run."""
    after: int
    """Of the later one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class McNemar(Rounded):
    """McNemar's test of whether one run is right more often than the other."""

    gained: int
    """Clips that the later run alone has right."""
    lost: int
    """Clips that the earlier run alone has right."""
    p_value: float | None
    """Two-sided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyRatios:
    """How much slower the later run is, or why its latencies are no figures of the same kind: one of the two."""

    p50: RatioOfPercentiles | UnsetType = UNSET
    """Of the medians; not set where refused."""
    p95: RatioOfPercentiles | UnsetType = UNSET
    """Of the 95th percentiles; not set where refused."""
    refused: str | UnsetType = UNSET
    """A stable word for why there is no ratio, in snake_case; the fields below tell what its sentence speaks of."""
    source: str | UnsetType = UNSET
    """The run whose latency is no result."""
    why: Why | UnsetType = UNSET
    """Why it is none."""
    before: str | Mapping[str, Any] | UnsetType = UNSET
    """The earlier run's device, or load, where these differ."""
    after: str | Mapping[str, Any] | UnsetType = UNSET
    """The later one's."""
    more: Mapping[str, int] | UnsetType = UNSET
    """By run, how many clips its latencies are of beside the common ones."""

    @property
    def told(self) -> dict[str, Any]:
        """What the sentence of a refusal is filled with."""
        named = {name: getattr(self, name) for name in ("source", "why", "before", "after", "more")}
        return {name: value for name, value in named.items() if value is not UNSET}


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnedClip:
    """A clip that one of two runs alone has right."""

    clip: str
    """Its id."""
    path: str
    """Where its audio is; empty where nobody knows."""
    reference: str
    """The emotion that it has."""
    before: str
    """What the earlier run said."""
    after: str
    """What the later one said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnedClips:
    """Clips with another answer; of those that turned right or wrong the first few hundred are named."""

    changed: int
    """Clips to which the runs gave different answers."""
    lost: tuple[TurnedClip, ...]
    """Right before, wrong after."""
    gained: tuple[TurnedClip, ...]
    """Wrong before, right after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairOfRuns:
    """Two of the runs: the earlier one named, and what changed to the later one."""

    before: str
    """The earlier run's name."""
    after: str
    """The later one's."""
    n: int
    """Clips that both are compared on."""
    failed: Failed
    """Clips that one of them failed on."""
    differences: OverallChanges
    """What changed over all."""
    per_emotion: Mapping[str, RecallChange]
    """What changed of each scored class."""
    mcnemar: McNemar
    """A test on the clips that turned."""
    latency_ratio: LatencyRatios
    """What became of latency."""
    flips: TurnedClips
    """Which clips turned."""
    dimensions: Mapping[str, DimensionChange] | UnsetType = UNSET
    """What changed of the concordance of each emotional dimension; not set where the runs share none."""
    equivalence: Mapping[str, Equivalence] | UnsetType = UNSET
    """Of UAR and accuracy, whether the runs are equally good within the margin; not set by earlier versions."""
    raters: RaterAgreement | UnsetType | None = UNSET
    """How far they agree beyond chance; null without common clips."""
    soft: Mapping[str, Change] | UnsetType = UNSET
    """Answers held against raters' votes, of the clips that both have: `overlap` (1 less the total variation
    distance) and `soft_accuracy`; not set where one of the runs has neither."""

    scores: ScoreChanges | UnsetType = UNSET
    """What changed of scores and confidence; not set where too few clips have any on both sides."""

    @property
    def unchanged(self) -> bool:
        """Whether no figure changed, and no speaker's, as far as can be seen."""
        overall = self.differences
        found: list[Change] = [overall.uar, overall.accuracy, overall.macro_f1, *self.per_emotion.values()]
        found += (self.dimensions or {}).values()
        found += (self.soft or {}).values()
        if self.scores:
            found += [*self.scores.errors.values(), *self.scores.average_precision.values()]
        known = [one for one in found if one.value is not None]
        return bool(known) and not any(one.value or one.low or one.high for one in known)

    @property
    def told_alone(self) -> bool:
        """Whether both tell emotional dimensions, and no emotion that could be scored."""
        return bool(self.dimensions) and self.differences.uar.value is None

    @property
    def left_out(self) -> tuple[str, ...]:
        """The scored classes that the means are not over, since no clip of theirs was answered by both."""
        if self.differences.uar.value is None:
            return ()
        return tuple(label for label, one in self.per_emotion.items() if one.value is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRun:
    """One run's own figures on the common clips, and its latency."""

    name: str
    """Short, as the report calls it."""
    source: str
    """Where it was read from."""
    identity: Mapping[str, Any]
    """What is known of the run beside its answers."""
    n_scored: int
    """Clips that its accuracy rests on."""
    n_failed: int | UnsetType = UNSET
    """Common clips that it failed on; not set by earlier versions."""
    accuracy: Headline
    """How right it is."""
    recall: Mapping[str, Interval]
    """By scored class."""
    latency_ms: TwoPercentiles
    """How long callers waited, milliseconds, over all of its own clips, second attempts included."""
    others_cpu: float | UnsetType | None = UNSET
    """The share of the machine that others took meanwhile; null where it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """What was left out to make runs comparable; not set is what was not in the way."""

    clips: Mapping[str, int] | UnsetType = UNSET
    """By run, how many of its clips others lack."""
    dataset_hashes: tuple[str, ...] | UnsetType = UNSET
    """The corpora's hashes, where they differ."""
    labels: tuple[str, ...] | UnsetType = UNSET
    """Classes that not all are scored on."""
    policy: str | UnsetType = UNSET
    """The unknown policy that all are scored under, where it is not everybody's own."""
    protocols: Mapping[str, str] | UnsetType = UNSET
    """By run, what its chat model was asked, where that differs: nothing is left out for it."""

    def __bool__(self) -> bool:
        return any(getattr(self, item.name) is not UNSET for item in fields(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChanges:
    """The figures of a group, whose p-values are not adjusted."""

    uar: Change
    """Mean recall."""
    accuracy: Change
    """Share of right answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupOfClips:
    """What changed from one run to another among the clips of one sex or language."""

    value: str
    """Which."""
    before: str
    """The earlier run's name."""
    after: str
    """The later one's."""
    n: int
    """Clips in it."""
    differences: GroupChanges
    """What changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Several finished runs side by side, on the clips that all of them have."""

    schema_version: int = 1
    """Raised when a reader of this file would have to change."""
    n_clips: int
    """The common clips."""
    labels: tuple[str, ...]
    """The classes that all are scored on."""
    policy: str
    """The unknown policy that all are scored under."""
    confidence: float
    """Of all bounds, two-sided."""
    narrowed: Narrowed
    """What was left out to make them comparable."""
    runs: tuple[ComparedRun, ...]
    """Each run's own figures, in the order of the command."""
    pairs: tuple[PairOfRuns, ...]
    """Each two of them; differences are the later one's figure less the earlier one's."""
    agreement: tuple[tuple[float | None, ...], ...]
    """A row and a column a run: the share of clips to which two gave the same answer, right or wrong."""
    groups: Mapping[str, tuple[GroupOfClips, ...]]
    """By `sex` and `language`, where some clips are known to be of one."""
    command: tuple[str, ...]
    """What makes it again."""

    @property
    def of_one_kind(self) -> tuple[str, ...]:
        """The most runs whose latencies compare, two at least, the first of them first; empty without any two."""
        found: dict[str, list[str]] = {}
        for pair in self.pairs:
            if pair.latency_ratio.refused is UNSET:
                found.setdefault(pair.before, [pair.before]).append(pair.after)
        # Of equally many those of the earliest run.
        by_size = sorted(found.values(), key=len, reverse=True)
        return tuple(by_size[0]) if by_size else ()
