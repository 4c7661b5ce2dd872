"""What a run's scores and answers were changed by before they were scored, so that they can be so again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from sv_eval.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSteps:
    """What an emotion's score makes probable, in steps."""

    low_from: tuple[float, ...]
    """Scores from which on the next of `low` holds, ascending."""
    low: tuple[float, ...]
    """How probable it is at least; one more than scores."""
    high_above: tuple[float, ...]
    """Scores above which the next of `high` holds, ascending."""
    high: tuple[float, ...]
    """How probable it is at most; likewise."""

    def __post_init__(self) -> None:
        for at, levels in ((self.low_from, self.low), (self.high_above, self.high)):
            if len(levels) != len(at) + 1 or any(not 0 <= level <= 1 for level in levels):
                raise ConfigError("a calibration's steps: one probability more than scores is needed; fit it anew")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreChange:
    """A calibration, as far as scores are changed by it."""

    weights: Mapping[str, float]
    """By name that has a score; see the calibration file."""
    biases: Mapping[str, float]
    """By the same names."""
    steps: Mapping[str, ScoreSteps] | UnsetType = UNSET
    """By name; of Venn-Abers alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredUnder:
    """A calibration and thresholds."""

    calibration: ScoreChange | UnsetType = UNSET
    """Scores and confidence are under it; not set without one."""
    thresholds: Mapping[str, float] | UnsetType = UNSET
    """Answers below theirs are `unknown`, by class; not set without any."""
    not_promised: tuple[str, ...] = ()
    """Classes that are always `unknown`."""
