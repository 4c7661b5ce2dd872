"""What a clip's audio may be at most, and must be at least."""

from __future__ import annotations

from dataclasses import dataclass, fields

from sv_eval.errors import ConfigError

MIB = 1024 * 1024
NO_BOUND_S = 1e9
"""No clip lasts thirty years."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioLimits:
    """The bounds that decoding keeps to; they are watched while decoding, since headers lie."""

    min_duration_s: float = 0.025
    """Shorter clips end as `too_short`, seconds. 0.025 s is one frame of the front end."""
    max_duration_s: float = 600.0
    """Longer clips end as `too_long`, seconds."""
    max_encoded_bytes: int = 256 * MIB
    """Larger files end as `too_large`, bytes."""
    max_decoded_bytes: int = 1024 * MIB
    """Files that unpack to more float32 samples than this end as `too_large`, bytes over all channels."""
    max_level: float = 16.0
    """Clips whose samples go beyond so many times full scale end as `wrong_scale`; 16 are 24 dB above it."""

    def __post_init__(self) -> None:
        for bound in fields(self):
            value = getattr(self, bound.name)
            if not value >= 0:
                raise ConfigError(f"limits.{bound.name} is {value}: give a number of 0 or more")
            if bound.name.endswith("_s") and value > NO_BOUND_S:
                raise ConfigError(
                    f"limits.{bound.name} is {value:g}: give at most {NO_BOUND_S:g}, which is no bound"
                )
        if self.min_duration_s > self.max_duration_s:
            raise ConfigError(
                f"limits.min_duration_s ({self.min_duration_s}) is more than limits.max_duration_s "
                f"({self.max_duration_s}): no clip could pass"
            )
