"""What a user may choose about a sweep."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sv_eval.config.structure import structure
from sv_eval.errors import ConfigError
from sv_eval.run.sharing import SharingConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepConfig:
    """What `conf/sweep/*.yaml` holds."""

    share: bool = True
    """Whether settings share work in one process."""
    memory_mib: float = 2048.0
    """What sharing may keep in memory, mebibytes."""
    timed_requests: int = 150
    """Requests of each setting's timed pass."""
    slo_p95_ms: float = 200.0
    """The 95th percentile that a recommended setting must keep, milliseconds."""
    holdout: float = 0.0
    """The share of the speakers that settings are not ranked on; 0 for none."""
    seed: int = 0
    """Decides which clips are timed and which speakers are held out."""
    baseline: str = ""
    """Overrides of the setting that the others are compared with, as on a command line."""
    params: Mapping[str, str | int | float | bool | tuple[str | int | float | bool, ...]] = field(
        default_factory=dict
    )
    """Override to its values, in Hydra's words."""

    def __post_init__(self) -> None:
        if not 0 <= self.holdout < 1:
            raise ConfigError(f"sweep.holdout={self.holdout}: give a share of the speakers from 0 to below 1")
        if self.slo_p95_ms <= 0:
            raise ConfigError(f"sweep.slo_p95_ms={self.slo_p95_ms}: must be above 0")
        if self.seed < 0:
            raise ConfigError(f"sweep.seed={self.seed}: give 0 or more")
        _ = self.sharing

    @property
    def baseline_words(self) -> list[str]:
        """The overrides of the baseline, one by one."""
        return shlex.split(self.baseline)

    @property
    def sharing(self) -> SharingConfig:
        """The part that a run needs."""
        return SharingConfig(memory_mib=self.memory_mib, timed_requests=self.timed_requests, seed=self.seed)


def sweep_config_from(settings: Mapping[str, Any]) -> SweepConfig:
    """The configuration in `settings`; a wrong key or type is a ConfigError."""
    return structure(SweepConfig, settings, "sweep", ConfigError)
