"""The thresholds of an audit: `check` in `conf/corpus.yaml` as a dataclass."""

from __future__ import annotations

from dataclasses import dataclass

from sv_eval.config.structure import structure
from sv_eval.data.audit.finding import CODES
from sv_eval.errors import ConfigError, nearest

_SHARES = ("full_scale", "clipped_share", "drift_p", "drift_v", "path_agreement", "odd_share")


@dataclass(frozen=True, kw_only=True)
class CheckSettings:
    """From where on something counts as a finding."""

    silence_dbfs: float = -60.0
    """A clip whose loudest 50 ms stay below is silent; root mean square, dB below full scale."""
    full_scale: float = 0.999
    """Samples at or above count as being at full scale; 1 is full scale."""
    clipped_share: float = 0.001
    """The share of samples at full scale from which a clip is clipped."""
    clipped_run: int = 4
    """So many samples in a row must be at full scale besides."""
    shortest_s: float = 0.3
    """Shorter clips are nearly empty, seconds."""
    longest_s: float = 30.0
    """Longer clips are no single utterance, seconds."""
    text_words: float = 4.0
    """Shorter texts come by chance in two splits; a sign of Chinese, Japanese or Thai is half a word."""
    drift_p: float = 0.001
    """Labels drift between splits where the chi-square test's p is below,"""
    drift_v: float = 0.1
    """and Cramér's V, bias-corrected, at least this (0.1 small, 0.3 medium, 0.5 large)."""
    path_agreement: float = 0.8
    """A folder or part of a name tells the label where it does for this share of its clips."""
    odd_share: float = 0.1
    """Clips are odd in rate, channels or container when no more than this share is like them."""
    allow: tuple[str, ...] = ()
    """Codes of findings that are known and shall not fail the audit."""
    workers: int | None = None
    """Processes that decode; None for one a core, 8 at most, and one alone for a few hundred clips."""

    def __post_init__(self) -> None:
        for name in _SHARES:
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ConfigError(f"check.{name} is {value:g}: give a number from 0 to 1")
        if not 0 <= self.shortest_s <= self.longest_s:
            raise ConfigError(
                f"check.shortest_s is {self.shortest_s:g} and check.longest_s {self.longest_s:g}: "
                "give 0 or more, the longest last"
            )
        if self.clipped_run < 1 or (self.workers is not None and self.workers < 1):
            raise ConfigError("check.clipped_run and check.workers: give 1 or more")
        for code in self.allow:
            if code not in CODES:
                raise ConfigError(f"check.allow: '{code}' is no code of a finding; {nearest(code, CODES)}")


def check_settings_from(data: object) -> CheckSettings:
    """The configuration group `check`, given as plain data; raises ConfigError."""
    return structure(CheckSettings, data, "check", ConfigError)
