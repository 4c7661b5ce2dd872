"""The load plan: how requests are put to the backend.

Names follow MLPerf Inference: `single_stream` sends one clip, waits for its answer and sends the next, which
is what a latency figure means; `offline` keeps the backend full with batches, which is what throughput means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sv_eval.backend import Capabilities
from sv_eval.errors import ConfigError, nearest
from sv_eval.structure import structure

SINGLE_STREAM = "single_stream"
OFFLINE = "offline"
SCHEDULES = (SINGLE_STREAM, OFFLINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadConfig:
    """What `conf/load/*.yaml` holds."""

    schedule: str = SINGLE_STREAM
    """`single_stream` or `offline`."""
    warmup_clips: int = 8
    """Clips that are recognised before the clock starts; their answers are thrown away."""
    window_batches: int = 8
    """`offline`: how many batches' worth of clips are sorted by length before batches are cut."""

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise ConfigError(f"load.schedule={self.schedule} is not known; {nearest(self.schedule, SCHEDULES)}")
        if self.warmup_clips < 0 or self.window_batches < 1:
            raise ConfigError("load.warmup_clips must be at least 0 and load.window_batches at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """The load that a backend with these capabilities is put under."""

    batch_size: int
    """Clips in one call."""
    in_flight: int
    """Calls open at once."""
    window: int
    """Clips that are sorted by length before batches are cut from them."""
    warmup_clips: int
    """Clips recognised before the clock starts."""


def load_config_from(settings: Mapping[str, Any]) -> LoadConfig:
    """The configuration in `settings`; a wrong key or type is a ConfigError."""
    return structure(LoadConfig, settings, "load", ConfigError)


def plan_load(config: LoadConfig, can: Capabilities) -> LoadPlan:
    """The plan for a backend that can do `can`."""
    if config.schedule == SINGLE_STREAM:
        return LoadPlan(batch_size=1, in_flight=1, window=1, warmup_clips=config.warmup_clips)
    window = can.max_batch * config.window_batches if can.max_batch > 1 else 1
    return LoadPlan(
        batch_size=can.max_batch, in_flight=can.max_in_flight, window=window, warmup_clips=config.warmup_clips
    )
