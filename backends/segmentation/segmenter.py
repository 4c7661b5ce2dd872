"""Waveforms into the stretches that are judged one by one."""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sv_eval.backends.segmentation import loudness
from sv_eval.backends.segmentation.spans import Span, SpeechRule, cut, speech_spans
from sv_eval.errors import ConfigError, nearest
from sv_eval.records import SAMPLE_RATE_HZ

Float32 = NDArray[np.float32]

AUTO, SILERO, FSMN, NONE = "auto", "silero", "fsmn", "none"
DETECTORS = (AUTO, SILERO, FSMN, NONE)
_DEFAULT_THRESHOLD = 0.5
_SHORTEST_CHUNK_S = 0.5


class SpeechDetector(Protocol):
    """Says for each frame of a waveform how probable speech is."""

    name: str
    """What a report calls it."""
    frame: int
    """Samples in a frame."""

    def __call__(self, samples: Float32) -> Float32:
        """Speech probability of each frame, shape [frames]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmentation:
    """What a user may choose about stretches; the names are those of a backend's settings."""

    vad: str = AUTO
    """`silero`, `fsmn` or `none`; `auto` is silero once `vad_threshold` is given, and none else."""
    vad_model: str | None = None
    """`fsmn`: its model directory or hub id."""
    vad_threshold: float | None = None
    """The speech probability from which on a frame is speech; 0.5 where a detector is named without one."""
    min_speech_ms: float = 250.0
    """Shorter speech is dropped."""
    min_silence_ms: float = 100.0
    """A shorter pause does not end a stretch."""
    pad_ms: float = 30.0
    """What is added at both ends of a stretch."""
    chunk_size: float | None = None
    """The longest stretch that one inference sees, seconds; None for no limit."""

    def __post_init__(self) -> None:
        if self.vad not in DETECTORS:
            raise ConfigError(f"backend.vad={self.vad} is not known; {nearest(self.vad, DETECTORS)}")
        if self.vad == NONE and self.vad_threshold is not None:
            raise ConfigError("backend.vad_threshold means nothing with backend.vad=none; leave one of them out")
        if self.vad_threshold is not None and not 0 < self.vad_threshold < 1:
            raise ConfigError(
                f"backend.vad_threshold={self.vad_threshold}: a probability between 0 and 1 is needed"
            )
        for name in ("min_speech_ms", "min_silence_ms", "pad_ms"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ConfigError(f"backend.{name}={getattr(self, name)}: milliseconds, 0 or more")
        if self.chunk_size is not None and not _SHORTEST_CHUNK_S <= self.chunk_size < math.inf:
            raise ConfigError(
                f"backend.chunk_size={self.chunk_size}: seconds, {_SHORTEST_CHUNK_S} or more (3 to 5 is usual)"
            )
        if self.vad_model is not None and self.detector != FSMN:
            raise ConfigError("backend.vad_model goes with backend.vad=fsmn; leave it out")

    @property
    def detector(self) -> str:
        """The detector that is used: `silero`, `fsmn` or `none`."""
        if self.vad != AUTO:
            return self.vad
        return NONE if self.vad_threshold is None else SILERO

    @property
    def whole(self) -> bool:
        """Whether a clip is judged as it is."""
        return self.detector == NONE and self.chunk_size is None

    @property
    def rule(self) -> SpeechRule:
        """The rule for the detector's frames."""
        return SpeechRule(
            threshold=_DEFAULT_THRESHOLD if self.vad_threshold is None else self.vad_threshold,
            min_speech_ms=self.min_speech_ms,
            min_silence_ms=self.min_silence_ms,
            pad_ms=self.pad_ms,
        )


class Segmenter:
    """Finds the stretches of a waveform; loads its detector when built.

    open_silero: what loads a detector once a request wants one where the settings name none.
    """

    def __init__(self, settings: Segmentation, *, open_silero: Callable[[], SpeechDetector] | None = None) -> None:
        self.settings = settings
        self.detector = open_detector(settings)
        self._on_demand = LazyDetector(open_silero or _silero)

    def adjusted(self, *, vad_threshold: float | None = None, chunk_size: float | None = None) -> Segmenter:
        """A segmenter with these settings in the place of its own, None keeping those; detectors are shared.

        A threshold asks for a detector, also where the settings have none. Raises ConfigError for a value that
        can't be, ModelError when the detector can't be loaded.
        """
        settings = self.settings
        if chunk_size is not None:
            settings = replace(settings, chunk_size=chunk_size)
        if vad_threshold is not None:
            vad = SILERO if settings.detector == NONE else settings.vad
            settings = replace(settings, vad=vad, vad_threshold=vad_threshold)
        other = copy(self)
        other.settings = settings
        if settings.detector != NONE and other.detector is None:
            other.detector = self._on_demand()
        return other

    def speech(self, samples: Float32) -> list[Span]:
        """Where somebody speaks, whatever the settings make of it. Raises ModelError without a detector."""
        detector = self.detector or self._on_demand()
        return speech_spans(detector(samples), frame=detector.frame, samples=len(samples), rule=self.settings.rule)

    def __call__(self, samples: Float32) -> list[Span]:
        """The stretches to judge, in order; none when no speech was found."""
        return self.stretches(len(samples), None if self.settings.whole else self.track(samples))

    def track(self, samples: Float32) -> Float32:
        """What stretches are found and cut by, a value for each frame: speech probability, or else loudness.

        It depends on the detector and not on thresholds or lengths, so that one track serves all of them.
        """
        return loudness.loudness(samples) if self.detector is None else self.detector(samples)

    @property
    def track_id(self) -> tuple[object, ...]:
        """Equal for two segmenters whose tracks of the same waveform are equal."""
        if self.detector is None:
            return ("loudness", loudness.FRAME)
        return (self.detector.name, self.detector.frame, self.settings.vad_model)

    def stretches(self, samples: int, track: Float32 | None) -> list[Span]:
        """The stretches to judge of a waveform of `samples` samples; its track may only be None for whole clips."""
        if track is None:
            return [Span(0, samples)]
        if self.detector is None:
            frame, spans = loudness.FRAME, [Span(0, samples)]
        else:
            frame = self.detector.frame
            spans = speech_spans(track, frame=frame, samples=samples, rule=self.settings.rule)
        if self.settings.chunk_size is None:
            return spans
        longest = round(self.settings.chunk_size * SAMPLE_RATE_HZ)
        return [piece for span in spans for piece in cut(span, track, frame=frame, longest=longest)]


def refuse_missing(settings: Segmentation) -> None:
    """Raise ModelError where the detector that the settings name can't be here; nothing is loaded."""
    if settings.detector == SILERO:
        from sv_eval.backends.segmentation.silero import model_folder

        model_folder()


class LazyDetector:
    """A detector that is loaded when it is first asked for, once, from whatever thread."""

    def __init__(self, load: Callable[[], SpeechDetector]) -> None:
        self._load, self._lock = load, Lock()
        self._detector: SpeechDetector | None = None

    def __call__(self) -> SpeechDetector:
        """The detector. Raises ModelError when it can't be loaded, and tries again the next time."""
        with self._lock:
            if self._detector is None:
                self._detector = self._load()
            return self._detector


def _silero() -> SpeechDetector:
    from sv_eval.backends.segmentation.silero import SileroVad

    return SileroVad()


def open_detector(settings: Segmentation) -> SpeechDetector | None:
    """The detector that the settings name, loaded; None for none. Raises ModelError when it can't be."""
    if settings.detector == SILERO:
        return _silero()
    if settings.detector == FSMN:
        from sv_eval.backends.segmentation.fsmn import FsmnVad

        return FsmnVad(settings.vad_model)
    return None
