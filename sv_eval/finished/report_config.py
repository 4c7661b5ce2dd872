"""What a user may choose about reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sv_eval.config.structure import structure
from sv_eval.errors import ConfigError, nearest

LANGUAGES = ("en", "zh")
SOUNDS = ("none", "worst", "all")
_MOST_MB = 500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportConfig:
    """What the `report` part of the configuration holds."""

    language: str = "en"
    """`en` or `zh`."""
    page: bool = True
    """Whether there is a page, `report.html`; a sweep of a thousand settings may do without theirs."""
    audio: str = "none"
    """Whose sound the page holds: of `none`, of the clips that were answered wrongly (`worst`), or of `all`."""
    audio_mb: float = 8.0
    """How much of it, MiB."""

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise ConfigError(f"report.language={self.language} is not known; {nearest(self.language, LANGUAGES)}")
        if self.audio not in SOUNDS:
            raise ConfigError(f"report.audio={self.audio} is not known; {nearest(self.audio, SOUNDS)}")
        if not 0 < self.audio_mb <= _MOST_MB:
            raise ConfigError(f"report.audio_mb={self.audio_mb}: give more than 0 and at most {_MOST_MB:g}")


def report_config_from(settings: Mapping[str, Any]) -> ReportConfig:
    """The configuration in `settings`; a wrong key or type is a ConfigError."""
    return structure(ReportConfig, settings, "report", ConfigError)
