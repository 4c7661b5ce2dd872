"""What `robustness.json` holds: what a recogniser loses under conditions, each against the sound as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from msgspec import UNSET, UnsetType

from sv_eval.report.change import Change
from sv_eval.report.environment import CorpusFacts, Machine, MeasuredBackend
from sv_eval.report.interval import Interval, Rounded
from sv_eval.report.reasons import Coded
from sv_eval.report.shares import Share
from sv_eval.report.sweep import MissingSetting, UnitCounts

Beyond = Literal["surely", "perhaps", "no", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardChange(Change):
    """How much a figure changed from the sound as it is to a condition; negative is a drop."""

    p_adjusted: float | None
    """The two-sided p-value, adjusted over all conditions and figures (Holm); null where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionFigures(Rounded):
    """A condition against the sound as it is, on the same clips."""

    name: str
    """What `condition=` calls it."""
    directory: str
    """Its run directory, relative to the sweep's."""
    settings: Mapping[str, Any]
    """The condition's steps and seed."""
    corruption: str
    """What it is a level of."""
    axis: str | None
    """The setting that tells the corruption's levels apart; null where none does."""
    level: float | None
    """Its value."""
    n_clips: int
    """Clips that are compared: those with a scored reference that the clean run answered."""
    error: float | None
    """100 less the accuracy in percent, of these clips."""
    uar: HeardChange
    """UAR."""
    accuracy: HeardChange
    """The share of right answers; not among the figures that are adjusted for."""
    recall: Mapping[str, HeardChange]
    """The recall of each emotion."""
    beyond: Beyond
    """Whether UAR drops by more than the margin: `surely` where the whole interval does, `perhaps` a part of it."""
    flipped: Share
    """Clips with another answer than the clean run's, right or wrong."""
    unknown: Share
    """Clips without an emotion for an answer that had one in the clean run."""
    failed: Share
    """Clips that failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakingPoint(Rounded):
    """The level of a corruption from which the drop exceeds the margin."""

    corruption: str
    """Which."""
    axis: str
    """The setting that tells its levels apart."""
    levels: tuple[float, ...]
    """Those that were measured, the mildest first."""
    perhaps: float | None
    """The mildest whose interval reaches beyond the margin; null for none."""
    surely: float | None
    """The mildest whose whole interval lies beyond it; null for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorruptionError:
    """A corruption's errors relative to the baseline's, percent: below 100 is better than the baseline."""

    corruption: str
    """Which."""
    conditions: tuple[str, ...]
    """Its levels that both sides have."""
    ce: Interval
    """Corruption error: the sum of the errors over the baseline's."""
    rce: Interval
    """Relative corruption error: the sum of what is lost against the clean sound over what the baseline loses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorruptionErrors(Rounded):
    """Errors relative to a baseline's, as RobuSER defines them."""

    baseline: str
    """Where the baseline's errors are from."""
    paired: bool
    """Whether the baseline's answers to the same clips were at hand; else its errors are taken as exact."""
    n_clips: int
    """The clips that they are of."""
    clean_error: float | None
    """Percent of wrong answers to the sound as it is."""
    baseline_clean_error: float | None
    """The baseline's."""
    corruptions: tuple[CorruptionError, ...]
    """Each corruption that both sides have."""
    mce: Interval
    """The mean of the corruption errors."""
    rmce: Interval
    """The mean of the relative ones that can be given."""
    only_here: tuple[str, ...]
    """Conditions that the baseline lacks."""
    only_there: tuple[str, ...]
    """Conditions that only the baseline has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanFigures:
    """The sound as it is."""

    name: str
    """What `condition=` calls it."""
    directory: str
    """Its run directory, relative to the sweep's."""
    uar: Interval
    """UAR."""
    accuracy: Interval
    """The share of right answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustnessFile(Rounded):
    """What `robustness.json` holds."""

    schema_version: int = 1
    """Raised when a reader of this file would have to change."""
    labels: tuple[str, ...]
    """The scored classes, in order."""
    policy: str
    """The unknown policy."""
    confidence: float
    """Of all bounds, two-sided."""
    margin: float
    """The drop in UAR that is too much, as a share."""
    clean: CleanFigures
    """What the conditions are held against."""
    conditions: tuple[ConditionFigures, ...]
    """Those that have a result, by corruption and how much they hurt."""
    missing: tuple[MissingSetting, ...]
    """The others."""
    n_clips: int
    """Clips that are compared."""
    n_left_out: int
    """Clips with a scored reference that the clean run failed on."""
    units: UnitCounts
    """What is taken as independent among them."""
    n_tests: int
    """Figures that the p-values are adjusted over."""
    breaking: tuple[BreakingPoint, ...]
    """The corruptions with several levels."""
    errors: CorruptionErrors | UnsetType = UNSET
    """Relative to a baseline; not set without one."""
    backend: MeasuredBackend
    """The clean run's."""
    dataset: CorpusFacts
    """What was asked about."""
    machine: Machine
    """The clean run's."""
    caveats: tuple[Coded, ...]
    """Of the clean run, what holds for the whole sweep."""
    command: str
    """What was called."""
