"""The load plan: how requests are put to the backend.

Names follow MLPerf Inference: `single_stream` sends one clip, waits for its answer and sends the next, which
is what a latency figure means; `offline` keeps the backend full with batches, which is what throughput means.
`stream` is ours: it gives every clip piece by piece, as a microphone would.
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
STREAM = "stream"
SCHEDULES = (SINGLE_STREAM, OFFLINE, STREAM)
FAST, REAL_TIME = "fast", "real_time"
PACES = (FAST, REAL_TIME)
_SHORTEST_CHUNK_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadConfig:
    """What `conf/load/*.yaml` holds."""

    schedule: str = SINGLE_STREAM
    """`single_stream`, `offline` or `stream`."""
    warmup_clips: int = 8
    """Clips that are recognised before the clock starts; their answers are thrown away."""
    window_batches: int = 8
    """`offline`: how many batches' worth of clips are sorted by length before batches are cut."""
    chunk_size: float = 1.0
    """`stream`: seconds of audio between two judgements."""
    pace: str = FAST
    """`stream`: `real_time` lets the audio come as it was spoken; `fast` gives it at once and works out when each
    answer would have been there, from the time that each took."""

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise ConfigError(f"load.schedule={self.schedule} is not known; {nearest(self.schedule, SCHEDULES)}")
        if self.warmup_clips < 0 or self.window_batches < 1:
            raise ConfigError("load.warmup_clips must be at least 0 and load.window_batches at least 1")
        if self.pace not in PACES:
            raise ConfigError(f"load.pace={self.pace} is not known; {nearest(self.pace, PACES)}")
        if self.chunk_size < _SHORTEST_CHUNK_S:
            raise ConfigError(f"load.chunk_size={self.chunk_size}: give seconds, {_SHORTEST_CHUNK_S} or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPlan:
    """How a clip is given piece by piece."""

    chunk_size: float
    """Seconds of audio between two judgements."""
    real_time: bool
    """Whether the pieces come as they were spoken, or at once."""


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
    stream: StreamPlan | None = None
    """How clips are given piece by piece; None when they are given whole."""


def load_config_from(settings: Mapping[str, Any]) -> LoadConfig:
    """The configuration in `settings`; a wrong key or type is a ConfigError."""
    return structure(LoadConfig, settings, "load", ConfigError)


def plan_load(config: LoadConfig, can: Capabilities) -> LoadPlan:
    """The plan for a backend that can do `can`."""
    if config.schedule == STREAM and not can.streams:
        raise ConfigError("load=stream: this backend takes whole clips only; use load=single_stream")
    if config.schedule in (SINGLE_STREAM, STREAM):
        stream = StreamPlan(chunk_size=config.chunk_size, real_time=config.pace == REAL_TIME)
        return LoadPlan(
            batch_size=1,
            in_flight=1,
            window=1,
            warmup_clips=config.warmup_clips,
            stream=stream if config.schedule == STREAM else None,
        )
    window = can.max_batch * config.window_batches if can.max_batch > 1 else 1
    return LoadPlan(
        batch_size=can.max_batch, in_flight=can.max_in_flight, window=window, warmup_clips=config.warmup_clips
    )
