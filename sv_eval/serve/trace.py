"""What is known about one request while it is in work: for the log, the metrics and the Server-Timing header."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass, field

_USABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id_from(given: str | None) -> str:
    """The caller's own id where it is one that can be printed, else a new one."""
    if given is not None and _USABLE_ID.fullmatch(given):
        return given
    return secrets.token_hex(8)


@dataclass(slots=True, kw_only=True)
class Trace:
    """One request's facts, filled in as it goes."""

    request_id: str
    begin_s: float = field(default_factory=time.perf_counter)
    """When it arrived, on the clock of `time.perf_counter`."""
    received_s: float | None = None
    """When its body was complete; the deadline counts from here."""
    stages_ms: dict[str, float] = field(default_factory=dict)
    """Milliseconds by stage: receive, decode, queue and the backend's own."""
    body_bytes: int = 0
    """Size of the body."""
    audio_s: float = 0.0
    """Length of the audio, seconds."""
    batch_size: int | None = None
    """How many recordings the backend's call held."""
    emotion: str | None = None
    """What was answered; with several recordings, nothing."""
    confidence: float | None = None
    below_threshold: str | None = None
    """What would have been answered without thresholds; None where they changed nothing."""
    text: str | None = None
    """The transcript; logged only where that is asked for."""
    code: str = "ok"
    """`ok`, or the code of the error that was answered."""
    reason: str | None = None
    """For an error of the service's own making: what went wrong, for the log alone."""

    @property
    def total_ms(self) -> float:
        """Milliseconds since it arrived."""
        return (time.perf_counter() - self.begin_s) * 1000

    def left_s(self, deadline_s: float) -> float:
        """What is left of so many seconds since the body was there; below 0 when they are over."""
        begin = self.begin_s if self.received_s is None else self.received_s
        return deadline_s - (time.perf_counter() - begin)

    def add(self, stages_ms: dict[str, float]) -> None:
        """Count further milliseconds by stage."""
        for name, value in stages_ms.items():
            self.stages_ms[name] = self.stages_ms.get(name, 0.0) + value

    @property
    def server_timing(self) -> str:
        """The stages so far as a Server-Timing header has them."""
        stages = {**self.stages_ms, "total": self.total_ms}
        return ", ".join(f"{name};dur={value:.2f}" for name, value in stages.items())
