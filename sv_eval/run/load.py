"""The load plan: how requests are put to the backend.

Names follow MLPerf Inference: `single_stream` sends one clip, waits for its answer and sends the next, which
is what a latency figure means; `offline` keeps the backend full with batches, which is what throughput means.
`multi_stream` sends several clips together and the next ones when all are answered. `poisson` (MLPerf's Server),
`constant`, `ramp` and `trace` are open loop: requests go out when they are planned to, answered or not, and latency
counts from the planned moment. `closed` is so many callers, each of whom waits for an answer and thinks before the
next request. `stream` is ours: it gives every clip piece by piece, as a microphone would.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sv_eval.backend import Capabilities
from sv_eval.config.structure import structure
from sv_eval.errors import ConfigError, nearest
from sv_eval.run.arrivals import constant, poisson, ramp, read_trace, trace
from sv_eval.scoring.load import DEFAULT_MAX_LATE_MS
from sv_eval.scoring.streaming import STREAM

SINGLE_STREAM = "single_stream"
OFFLINE = "offline"
MULTI_STREAM, CLOSED = "multi_stream", "closed"
POISSON, CONSTANT, RAMP, TRACE = "poisson", "constant", "ramp", "trace"
OPEN_LOOP = (POISSON, CONSTANT, RAMP, TRACE)
SCHEDULES = (SINGLE_STREAM, MULTI_STREAM, OFFLINE, CLOSED, *OPEN_LOOP, STREAM)
FAST, REAL_TIME = "fast", "real_time"
PACES = (FAST, REAL_TIME)
OF_BACKEND, OF_CLIP = "backend", "clip"
TOLD_LANGUAGES = (OF_BACKEND, OF_CLIP)
_SHORTEST_CHUNK_S = 0.1
_SIDE_BY_SIDE = 16
"""Calls that the warm-up ends with where nobody knows how many will be under way, and at most offline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadConfig:
    """What `conf/load/*.yaml` holds."""

    schedule: str = SINGLE_STREAM
    """One of SCHEDULES."""
    warmup_clips: int = 8
    """Clips that are recognised before the clock starts, until it takes equally long; then as many calls at once as
    there will be, but no more than 16. Their answers are thrown away."""
    language: str = OF_BACKEND
    """`clip` names each clip's language to the recogniser, where both know it; `backend` leaves it to that."""
    window_batches: int = 8
    """`offline`: how many batches' worth of clips are sorted by length before batches are cut."""
    chunk_size: float = 1.0
    """`stream`: seconds of audio between two judgements."""
    pace: str = FAST
    """`stream`: `real_time` lets the audio come as it was spoken; `fast` gives it at once and works out when each
    answer would have been there, from the time that each took."""
    streams: int = 1
    """`stream`: calls at once, in real time; each caller goes on with the next clip when its own is answered. With
    several, nobody asks for the clips whole: that would be load of another kind."""

    rate: float = 10.0
    """`poisson`, `constant`: requests a second; `ramp`: those that it begins with."""
    rate_end: float = 100.0
    """`ramp`: requests a second that it ends with."""
    ramp_s: float = 60.0
    """`ramp`: seconds from the one to the other."""
    trace_file: str | None = None
    """`trace`: a file with the second of each request, one a line."""
    concurrency: int = 8
    """`closed`: callers. `multi_stream`: clips of one query."""
    think_s: float = 0.0
    """`closed`: seconds that a caller waits between an answer and the next request."""
    seed: int = 0
    """`poisson`: makes another draw of the moments."""
    max_late_ms: float = DEFAULT_MAX_LATE_MS
    """Open loop, and streams in real time: the lateness of sending (of a call's last piece), 99th percentile,
    beyond which the latency is no result."""
    warmup_tolerance: float = 0.1
    """Warm-up goes over its clips again until two passes differ by no more than this share."""
    warmup_max_s: float = 10.0
    """And ends after so many seconds, stable or not."""
    rounds: int | None = 1
    """How often the corpus is gone through; None until one of the next three says that it is enough."""
    width: float | None = None
    """Half the width of the percentile's interval, over the percentile, that is narrow enough."""
    percentile: float = 0.95
    """The percentile whose interval `width` is about."""
    max_s: float | None = None
    """Seconds of measurement after which no further round is gone on with."""
    max_requests: int | None = None
    """Requests after which no further round is gone on with."""

    def __post_init__(self) -> None:
        self._check_rates()
        if self.schedule not in SCHEDULES:
            raise ConfigError(f"load.schedule={self.schedule} is not known; {nearest(self.schedule, SCHEDULES)}")
        if self.warmup_clips < 0 or self.window_batches < 1:
            raise ConfigError("load.warmup_clips must be at least 0 and load.window_batches at least 1")
        if self.language not in TOLD_LANGUAGES:
            raise ConfigError(
                f"load.language={self.language} is not known; {nearest(self.language, TOLD_LANGUAGES)}"
            )
        if self.pace not in PACES:
            raise ConfigError(f"load.pace={self.pace} is not known; {nearest(self.pace, PACES)}")
        if self.streams < 1:
            raise ConfigError(f"load.streams={self.streams}: must be at least 1")
        if self.streams > 1 and self.schedule == STREAM and self.pace != REAL_TIME:
            raise ConfigError(
                f"load.streams={self.streams}: several calls at once are for real time; give load.pace=real_time"
            )
        if self.chunk_size < _SHORTEST_CHUNK_S:
            raise ConfigError(f"load.chunk_size={self.chunk_size}: give seconds, {_SHORTEST_CHUNK_S} or more")

        self._check_phases()

    def _check_phases(self) -> None:
        if self.warmup_tolerance <= 0 or self.warmup_max_s <= 0:
            raise ConfigError("load.warmup_tolerance and load.warmup_max_s must be above 0")
        if self.rounds is not None and self.rounds < 1:
            raise ConfigError("load.rounds must be at least 1, or null for as many as it takes")
        if not 0 < self.percentile < 1:
            raise ConfigError(f"load.percentile={self.percentile}: give a share below 1, such as 0.95")
        limits = {name: getattr(self, name) for name in ("width", "max_s", "max_requests")}
        for name, limit in limits.items():
            if limit is not None and limit <= 0:
                raise ConfigError(f"load.{name}={limit}: must be above 0")
        if self.rounds is None and not any(limits.values()):
            raise ConfigError("load.rounds=null has no end: give load.width, load.max_s or load.max_requests")
        if self.rounds == 1 and any(limits.values()):
            names = ", ".join(f"load.{name}" for name, limit in limits.items() if limit is not None)
            raise ConfigError(f"{names}: of use with more rounds than one; give load.rounds=null or a most")

    def _check_rates(self) -> None:
        for name in ("rate", "rate_end", "ramp_s", "max_late_ms"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"load.{name}={getattr(self, name)}: must be above 0")
        if self.concurrency < 1 or self.think_s < 0:
            raise ConfigError("load.concurrency must be at least 1, load.think_s at least 0")
        if self.schedule == TRACE and self.trace_file is None:
            raise ConfigError("load=trace: give the file with the moments as load.trace_file=FILE")

    def arrivals(self) -> Iterator[float] | None:
        """The planned seconds of an open loop, without end; None for the other schedules."""
        if self.schedule == POISSON:
            return poisson(self.rate, self.seed)
        if self.schedule == CONSTANT:
            return constant(self.rate)
        if self.schedule == RAMP:
            return ramp(self.rate, self.rate_end, self.ramp_s)
        return trace(read_trace(self.trace_file)) if self.schedule == TRACE and self.trace_file else None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPlan:
    """How a clip is given piece by piece."""

    chunk_size: float
    """Seconds of audio between two judgements."""
    real_time: bool
    """Whether the pieces come as they were spoken, or at once."""
    calls: int = 1
    """Streams at once."""

    def start_s(self, number: int) -> float:
        """How long the stream of this number, from 0 on, waits before it begins: the first ones begin within a
        chunk, evenly, since callers don't begin to speak at one moment.

        >>> [StreamPlan(chunk_size=1.0, real_time=True, calls=4).start_s(number) for number in (0, 1, 3, 4)]
        [0.0, 0.25, 0.75, 0.0]
        """
        return number * self.chunk_size / self.calls if number < self.calls else 0.0


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
    arrivals: Iterator[float] | None = None
    """When requests are sent, seconds, for an open loop; None where an answer is waited for."""
    callers: int | None = None
    """How many callers wait for their answers, for a closed loop; each sends one clip at a time."""
    think_s: float = 0.0
    """What a caller waits before the next request, seconds."""
    together: bool = False
    """Whether callers wait for each other: a query is all of them, and answered when the last one is."""
    several: int = 0
    """Calls that the warm-up ends with, all at once; below 2 none, or one where calls are of several clips."""
    languages: tuple[str, ...] = ()
    """The languages that requests name, where the clip's is one of them; none: requests name no language."""


def load_config_from(settings: Mapping[str, Any]) -> LoadConfig:
    """The configuration in `settings`; a wrong key or type is a ConfigError."""
    return structure(LoadConfig, settings, "load", ConfigError)


def plan_load(config: LoadConfig, can: Capabilities) -> LoadPlan:
    """The plan for a backend that can do `can`; raises ConfigError for what it can't."""
    if config.language == OF_CLIP and ("language" not in can.adjusts or config.schedule == STREAM):
        why = "streams name no language" if config.schedule == STREAM else "this backend takes none with a request"
        raise ConfigError(f"load.language=clip: {why}; set backend.language instead")
    return replace(_plan(config, can), languages=can.languages if config.language == OF_CLIP else ())


def _plan(config: LoadConfig, can: Capabilities) -> LoadPlan:
    if config.schedule == STREAM and not can.streams:
        raise ConfigError("load=stream: this backend takes whole clips only; use load=single_stream")
    if config.schedule in (SINGLE_STREAM, STREAM):
        stream = StreamPlan(chunk_size=config.chunk_size, real_time=config.pace == REAL_TIME, calls=config.streams)
        several = config.streams if config.schedule == STREAM else 1
        if several > can.max_in_flight:
            raise ConfigError(
                f"load.streams={several}: this backend has {can.max_in_flight} calls open at most; "
                "give fewer, or a greater backend.concurrency where it has one"
            )
        return LoadPlan(
            batch_size=1,
            in_flight=several,
            window=1,
            warmup_clips=config.warmup_clips,
            stream=stream if config.schedule == STREAM else None,
        )
    if config.schedule != OFFLINE:
        return LoadPlan(
            batch_size=1,
            in_flight=can.max_in_flight,
            window=1,
            warmup_clips=config.warmup_clips,
            arrivals=config.arrivals(),
            callers=config.concurrency if config.schedule in (CLOSED, MULTI_STREAM) else None,
            think_s=config.think_s if config.schedule == CLOSED else 0.0,
            together=config.schedule == MULTI_STREAM,
            several=min(can.max_in_flight, _SIDE_BY_SIDE if config.schedule in OPEN_LOOP else config.concurrency),
        )
    window = can.max_batch * config.window_batches if can.max_batch > 1 else 1
    return LoadPlan(
        batch_size=can.max_batch,
        in_flight=can.max_in_flight,
        window=window,
        warmup_clips=config.warmup_clips,
        several=min(can.max_in_flight, _SIDE_BY_SIDE),
    )
