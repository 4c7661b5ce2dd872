"""How long a stream may keep the service waiting for its next message."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from sv_eval.serve.config import StreamLimits
from sv_eval.wire.messages import RAW_FORMATS, StreamStart
from sv_eval.wire.problems import ServiceError


def audio_s(start: StreamStart, size: int) -> float:
    """How much audio so many bytes of a stream are, seconds."""
    return size / (np.dtype(RAW_FORMATS[start.encoding]).itemsize * start.sample_rate)


class Pace:
    """A stream's credit: it begins with `idle_s`, runs out as time goes by, and grows with the audio that comes.

    A second of audio is worth `1 / min_pace` seconds, so a few bytes now and then gain nothing.
    There is never more credit than `idle_s`. now: the clock, seconds.
    """

    def __init__(self, limits: StreamLimits, *, now: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._now = limits, now
        self._until: float | None = None

    def wait_s(self) -> float:
        """How long the next message may take from now on, seconds."""
        if self._until is None:
            return self._limits.start_s
        return max(0.0, self._until - self._now())

    def heard(self, audio_s: float) -> None:
        """A message brought so much audio, seconds; the first one brings none."""
        now = self._now()
        if self._until is None:
            self._until = now + self._limits.idle_s
        self._until = min(now + self._limits.idle_s, self._until + audio_s / self._limits.min_pace)

    def late(self) -> ServiceError:
        """The error of a stream whose credit is used up."""
        if self._until is None:
            return ServiceError("request_timeout", f"no first message came within {self._limits.start_s:g} s")
        return ServiceError(
            "request_timeout",
            f"no message came for {self._limits.idle_s:g} s, or too little in it: "
            f"{self._limits.min_pace:g} s of audio a second are the least",
        )
