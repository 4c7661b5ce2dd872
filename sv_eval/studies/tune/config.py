"""What a user may choose about a search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sv_eval.config.structure import structure
from sv_eval.errors import ConfigError, nearest

SAMPLERS = ("tpe", "nsga2", "random")
Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """What one key may be."""

    low: float | int | None = None
    """The least number."""
    high: float | int | None = None
    """The greatest number."""
    step: float | int | None = None
    """The distance of neighbours, from `low` on; None for any number."""
    log: bool = False
    """Whether small numbers are looked at as closely as great ones."""
    choices: tuple[str | int | float | bool, ...] = ()
    """The values, where they are no range."""

    def __post_init__(self) -> None:
        if bool(self.choices) == (self.low is not None and self.high is not None):
            raise ConfigError("tune.space: a key needs either low and high, or choices")
        if self.low is not None and self.high is not None:
            if self.low >= self.high:
                raise ConfigError(f"tune.space: low {self.low:g} must be below high {self.high:g}")
            if self.log and (self.step is not None or self.low <= 0):
                raise ConfigError("tune.space: log goes with a low above 0 and without a step")
        if self.step is not None and self.step <= 0:
            raise ConfigError(f"tune.space: step {self.step:g} must be above 0")

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are meant."""
        return isinstance(self.low, int) and isinstance(self.high, int) and isinstance(self.step, int | None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneConfig:
    """What `conf/tune/*.yaml` holds."""

    space: Mapping[str, Dimension] = field(default_factory=dict)
    """Key of the configuration to what it may be."""
    trials: int = 30
    """How many settings are proposed in all."""
    sampler: str = "tpe"
    """Who proposes them, one of SAMPLERS."""
    seed: int = 0
    """Of the proposals."""
    first_share: float = 0.25
    """The share of the clips after which a setting may be given up; 1 for never."""
    storage: str | None = None
    """Where Optuna keeps the search: an URL of its own; None for a journal in the directory."""

    def __post_init__(self) -> None:
        if not self.space:
            raise ConfigError("tune.space is empty: name a key and what it may be")
        if self.trials < 1:
            raise ConfigError(f"tune.trials={self.trials}: at least 1 is needed")
        if self.sampler not in SAMPLERS:
            raise ConfigError(f"tune.sampler={self.sampler} is not known; {nearest(self.sampler, SAMPLERS)}")
        if not 0 < self.first_share <= 1:
            raise ConfigError(f"tune.first_share={self.first_share}: a share above 0, 1 at most")
        if self.seed < 0:
            raise ConfigError(f"tune.seed={self.seed}: give 0 or more")


def tune_config_from(settings: Mapping[str, Any]) -> TuneConfig:
    """The configuration in `settings`; a wrong key or type is a ConfigError."""
    return structure(TuneConfig, settings, "tune", ConfigError)
