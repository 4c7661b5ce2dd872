"""What a user may choose about a robustness report: the part `robust` of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sv_eval.config.structure import structure
from sv_eval.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustConfig:
    """What `robust` holds."""

    margin: float = 0.03
    """The drop in UAR that is too much, as a share."""
    baseline: str | None = None
    """What corruption errors are relative to: another sweep's directory or robustness.json, or a file of errors."""

    def __post_init__(self) -> None:
        if not 0 < self.margin < 1:
            raise ConfigError(f"robust.margin={self.margin:g}: a share above 0 and below 1, such as 0.03")


def robust_config_from(settings: Mapping[str, Any]) -> RobustConfig:
    """The configuration in `settings`; a wrong key or type is a ConfigError."""
    return structure(RobustConfig, settings, "robust", ConfigError)
