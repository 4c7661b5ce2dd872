"""The part of a report that tells how well emotional dimensions were told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from sv_eval.report.interval import Interval, Rounded
from sv_eval.report.reasons import Why


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAgreement:
    """One group of clips, such as those of one sex."""

    name: str
    """Which."""
    n: int
    """Its clips that have a reference and an answer."""
    ccc: Interval
    """Concordance within it."""
    bias: Interval
    """Mean answer less mean reference within it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionFigures(Rounded):
    """How well one dimension was told; everything is in the corpus's unit, its bounds allow for speakers."""

    n: int
    """Clips that have a reference and an answer."""
    n_missing: int
    """Clips that have a reference and were answered without this dimension."""
    n_failed: int
    """Clips that have a reference and no answer at all."""
    n_outside: int
    """Answers outside the range that the recogniser declares; they count as they are."""
    reference_range: tuple[float, float]
    """The corpus's, as declared."""
    answer_range: tuple[float, float]
    """The recogniser's, as declared; its answers are led to the corpus's by a straight line."""
    ccc: Interval
    """Concordance correlation coefficient, -1 to 1; 0 for answers that are all the same."""
    pearson: Interval
    """Pearson's correlation; null where a side is constant."""
    rmse: Interval
    """Root mean squared error."""
    bias: Interval
    """Mean answer less mean reference."""
    lower_limit: Interval
    """Limit of agreement: 95 % of normal differences lie above this and below the next (97.5 % each)."""
    upper_limit: Interval
    """The upper one."""
    mean_reference: float | None
    """Mean of the references."""
    mean_answer: float | None
    """Mean of the answers."""
    sd_reference: float | None
    """Standard deviation of the references, divided by n."""
    sd_answer: float | None
    """Standard deviation of the answers, divided by n."""
    groups: Mapping[str, tuple[GroupAgreement, ...]]
    """By fact (sex, language, accent), its groups of ten clips and more, where there are two."""
    points: tuple[tuple[float, float], ...]
    """Pairs of reference and answer to be drawn: all of them, or 300 at equal distances among the clips by id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimensions(Rounded):
    """How well arousal, valence and dominance were told."""

    figures: Mapping[str, DimensionFigures]
    """By dimension."""
    left: Mapping[str, Why] | UnsetType = UNSET
    """Dimensions that one side has and that can't be scored, with the reason; not set where there is none."""
