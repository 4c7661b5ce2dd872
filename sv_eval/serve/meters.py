"""The service's Prometheus metrics."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from sv_eval.emotions import UNKNOWN
from sv_eval.serve.trace import Trace
from sv_eval.sound_facts import SoundFacts
from sv_eval.sound_limits import concerns_of

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0, 30.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64)
_RECENT = 1000
_SOUND = {
    "band_hz": (
        "Where the spectrum of a recording ends, Hz",
        (2000, 3000, 3500, 4000, 5000, 6000, 7000, 7500, 8000),
    ),
    "snr_db": ("Speech over the quietest tenth, dB", (0, 5, 10, 15, 20, 25, 30, 40, 50)),
    "level_dbfs": ("Root mean square, dB below full scale", (-60, -50, -40, -35, -30, -25, -20, -15, -10, -5)),
    "silence": ("The share of a recording in which nobody speaks", (0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9, 1.0)),
    "tail_s": ("Silence behind the last sound, seconds", (0.1, 0.25, 0.5, 1.0, 2.0, 5.0)),
    "clipped": ("The share of samples whose tops are cut off", (1e-4, 1e-3, 1e-2, 0.1)),
}
"""Facts of the sound, as runs have them, to their words and buckets."""
MULTIPROCESS_DIR = "PROMETHEUS_MULTIPROC_DIR"
"""Where several worker processes keep their figures together."""


class ServiceMetrics:
    """What is counted; a registry of its own, so that two services in a process don't mix."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = self._make(Counter, "requests", "Requests by path and code", ["path", "code"])
        self._total = self._make(Histogram, "request_seconds", "From arrival to answer", ["path"], buckets=_SECONDS)
        self._stages = self._make(Histogram, "stage_seconds", "Time by stage", ["stage"], buckets=_SECONDS)
        self._audio = self._make(Counter, "audio_seconds", "Seconds of audio that were judged")
        self._answers = self._make(Counter, "answers", "Answers by emotion", ["emotion"])
        self._alarms = self._make(Counter, "alarms", "Answers whose score reaches a threshold", ["emotion"])
        self._below = self._make(Counter, "below_threshold", "Answers that no threshold lets through", ["emotion"])
        self._batches = self._make(Histogram, "batch_size", "Recordings in a call of the backend", buckets=_SIZES)
        self._gauges = {
            name: self._make(Gauge, name, words, multiprocess_mode=mode)
            for name, words, mode in (
                ("queue_depth", "Recordings that wait for the model", "livesum"),
                ("requests_in_work", "Requests that were accepted and not answered yet", "livesum"),
                ("streams_open", "Streams that are open", "livesum"),
                ("buffered_bytes", "Bytes of request bodies that are held", "livesum"),
                ("ready", "1 from when the model is loaded until the service is told to stop", "livemin"),
                ("unknown_share", f"The share of unknown among the last {_RECENT} answers", "livemostrecent"),
            )
        }
        self._recent: deque[bool] = deque(maxlen=_RECENT)
        self._sound = {
            name: self._make(Histogram, f"sound_{name}", words, buckets=buckets)
            for name, (words, buckets) in _SOUND.items()
        }
        self._concerns = self._make(
            Counter, "sound_concerns", "Recordings that are not what speech models are made for", ["concern"]
        )

    def set(self, name: str, value: float) -> None:
        """Set a gauge."""
        self._gauges[name].set(value)

    def batch(self, size: int) -> None:
        """Count a call of the backend."""
        self._batches.observe(size)

    def answer(
        self, emotion: str, audio_s: float, alarms: Sequence[str] | None = None, below: str | None = None
    ) -> None:
        """Count an answer: an emotion, `unknown`, `no_tag` or `no_speech`.

        alarms, below: what thresholds made of it, where there are some.
        """
        for name in alarms or ():
            self._alarms.labels(name).inc()
        if below is not None:
            self._below.labels(below).inc()
        self._answers.labels(emotion).inc()
        self._audio.inc(audio_s)
        self._recent.append(emotion == UNKNOWN)
        self.set("unknown_share", sum(self._recent) / len(self._recent))

    def sound(self, facts: SoundFacts) -> None:
        """Count what a recording's sound was; what can't be told is in no bucket."""
        for name, histogram in self._sound.items():
            if (value := getattr(facts, name)) is not None:
                histogram.observe(value)
        for concern in concerns_of(facts):
            self._concerns.labels(concern).inc()

    def request(self, path: str, trace: Trace) -> None:
        """Count a request that was answered. path: the route, not what the client wrote."""
        self._requests.labels(path, trace.code).inc()
        self._total.labels(path).observe(trace.total_ms / 1000)
        for stage, value in trace.stages_ms.items():
            self._stages.labels(stage).observe(value / 1000)

    def text(self) -> bytes:
        """All metrics in Prometheus' text form, of all worker processes where there are several."""
        if MULTIPROCESS_DIR not in os.environ:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)

    def _make(self, kind: Any, name: str, words: str, labels: Any = (), **more: Any) -> Any:
        return kind(f"sv_eval_{name}", words, labels, registry=self._registry, **more)
