"""What a user may choose about a certificate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sv_eval.config.structure import structure
from sv_eval.errors import ConfigError, nearest
from sv_eval.studies.certify.relations import RELATIONS

_FEWEST_CLIPS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class CertifyConfig:
    """The settings `certify.*`."""

    clips: int = 24
    """Clips that are used, evenly from the corpus."""
    repeats: int = 4
    """How often each is asked again as it is, for the noise."""
    confirmations: int = 10
    """How often a suspicious clip is asked anew, as it is and in its guise."""
    alpha: float = 0.01
    """How often a rightly wired service may be called broken, over all relations."""
    long_s: float = 24.0
    """How long a long clip is, seconds."""
    only: tuple[str, ...] = ()
    """Relations that are asked; empty for all."""
    skip: tuple[str, ...] = ()
    """Relations that are left out."""

    def __post_init__(self) -> None:
        if self.clips < _FEWEST_CLIPS:
            raise ConfigError(f"certify.clips={self.clips}: fewer than {_FEWEST_CLIPS} can prove nothing")
        if self.repeats < 2 or self.confirmations < 2:
            raise ConfigError("certify.repeats and certify.confirmations must be at least 2")
        if not 0 < self.alpha <= 0.1:
            raise ConfigError(f"certify.alpha={self.alpha}: give a chance above 0, and 0.1 at most")
        if not 4 <= self.long_s <= 600:
            raise ConfigError(f"certify.long_s={self.long_s:g}: give seconds from 4 to 600")
        for key in ("only", "skip"):
            for name in getattr(self, key):
                if name not in RELATIONS:
                    raise ConfigError(f"certify.{key}: '{name}' is no relation; {nearest(name, RELATIONS)}")


def certify_config_from(settings: Mapping[str, Any]) -> CertifyConfig:
    """The settings in the group's plain data; raises ConfigError."""
    plain = dict(settings)
    for key in ("only", "skip"):
        plain[key] = tuple(plain.get(key) or ())
    return structure(CertifyConfig, plain, "certify", ConfigError)
