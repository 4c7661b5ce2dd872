"""Changes that need nothing but the clip: level, clipping, padding, speed, pitch, band, offset, a wrong header."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from sv_eval.data.audio.measuring import speech_power
from sv_eval.data.conditions.step import Around, Float32
from sv_eval.errors import ConfigError
from sv_eval.records import SAMPLE_RATE_HZ

_ORDER = 8


class Shape(ABC):
    """A step that needs nothing but the clip."""

    __slots__ = ()

    def __call__(self, samples: Float32, around: Around) -> Float32:
        """The changed sound, as of every step."""
        del around
        return self.of(samples)

    @abstractmethod
    def of(self, samples: Float32) -> Float32:
        """The changed sound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level(Shape):
    """Louder or softer, by so many dB or to a level of the speech."""

    gain_db: float | None = None
    """By so many dB."""
    speech_dbfs: float | None = None
    """To this level, pauses left out; dB below full scale."""

    def __post_init__(self) -> None:
        if (self.gain_db is None) == (self.speech_dbfs is None):
            raise ConfigError("condition: level needs gain_db or speech_dbfs, one of them")

    def of(self, samples: Float32) -> Float32:
        """The sound at its new level; what goes beyond full scale is cut off when it is rounded."""
        gain_db = self.gain_db
        if gain_db is None:
            power = speech_power(samples)
            gain_db = 0.0 if power <= 0 else (self.speech_dbfs or 0.0) - 10 * float(np.log10(power))
        return samples * np.float32(10 ** (gain_db / 20))


@dataclass(frozen=True, slots=True, kw_only=True)
class Clipping(Shape):
    """A recorder that was overdriven and turned down again."""

    share: float = 0.2
    """The share of the samples whose tops are cut off, 0 to 1; half of it on either side of zero."""

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1:
            raise ConfigError("condition: clipping's share is a number from 0 to below 1")

    def of(self, samples: Float32) -> Float32:
        """The sound with its tops cut off, at its old level."""
        low, high = np.quantile(samples, [self.share / 2, 1 - self.share / 2]) if len(samples) else (0.0, 0.0)
        return np.clip(samples, np.float32(low), np.float32(high))


@dataclass(frozen=True, slots=True, kw_only=True)
class Padding(Shape):
    """Silence before and behind."""

    lead_s: float = 1.0
    """Before, seconds."""
    tail_s: float = 1.0
    """Behind, seconds."""

    def __post_init__(self) -> None:
        if not (0 <= self.lead_s <= 60 and 0 <= self.tail_s <= 60):
            raise ConfigError("condition: padding's lead_s and tail_s are seconds from 0 to 60")

    def of(self, samples: Float32) -> Float32:
        """The sound with digital silence at its ends."""
        return np.pad(samples, (round(self.lead_s * SAMPLE_RATE_HZ), round(self.tail_s * SAMPLE_RATE_HZ)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed(Shape):
    """Played faster or slower."""

    factor: float = 1.1
    """More than 1 is faster, and higher with it unless `keep_pitch`."""
    keep_pitch: bool = False
    """Whether the pitch stays: FFmpeg's atempo, which cuts and overlaps (WSOLA)."""

    def __post_init__(self) -> None:
        _refuse_factor("speed", self.factor)

    def of(self, samples: Float32) -> Float32:
        """The sound in another time."""
        return _tempo(samples, self.factor) if self.keep_pitch else _faster(samples, self.factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pitch(Shape):
    """Higher or lower in the same time; the formants move along."""

    semitones: float = 2.0
    """More than 0 is higher."""

    def __post_init__(self) -> None:
        _refuse_factor("pitch", 2 ** (self.semitones / 12))

    def of(self, samples: Float32) -> Float32:
        """The sound at another pitch."""
        factor = 2 ** (self.semitones / 12)
        found = _tempo(_faster(samples, factor), 1 / factor)
        return np.pad(found, (0, max(0, len(samples) - len(found))))[: len(samples)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Band(Shape):
    """Nothing below and above: Butterworth's filter, forth and back, so that nothing is delayed."""

    low_hz: float | None = None
    """Nothing is left below, Hz."""
    high_hz: float | None = 4000.0
    """Nothing is left above, Hz."""

    def __post_init__(self) -> None:
        edges = [edge for edge in (self.low_hz, self.high_hz) if edge is not None]
        if not edges or sorted(edges) != edges or not all(0 < edge < SAMPLE_RATE_HZ / 2 for edge in edges):
            raise ConfigError("condition: band needs low_hz, high_hz or both, between 0 and 8000, the lower first")

    def of(self, samples: Float32) -> Float32:
        """The sound of the band alone."""
        from scipy.signal import butter, sosfiltfilt

        edges: Any = [edge for edge in (self.low_hz, self.high_hz) if edge is not None]
        kind = "bandpass" if len(edges) == 2 else "highpass" if self.low_hz is not None else "lowpass"
        order = _ORDER // len(edges)
        filtered = butter(order, edges if len(edges) == 2 else edges[0], kind, fs=SAMPLE_RATE_HZ, output="sos")
        # The mirrored ends that the filter swings in on are no longer than the clip.
        return np.asarray(
            sosfiltfilt(filtered, samples, padlen=min(3 * _ORDER, len(samples) - 1)), dtype=np.float32
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dc(Shape):
    """An offset, as of a bad sound card."""

    offset: float = 0.05
    """Added to every sample; full scale is 1."""

    def of(self, samples: Float32) -> Float32:
        """The sound off zero."""
        return samples + np.float32(self.offset)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateHeader(Shape):
    """Samples of one rate under the header of another: the classic mistake."""

    rate_hz: int = 8000
    """The samples' own rate, Hz; they are taken for 16 kHz."""

    def __post_init__(self) -> None:
        if not 4000 <= self.rate_hz <= 96_000:
            raise ConfigError("condition: rate_header's rate_hz is from 4000 to 96000")

    def of(self, samples: Float32) -> Float32:
        """The sound as it is played then: 8000 makes it twice as fast, and an octave higher."""
        return _faster(samples, SAMPLE_RATE_HZ / self.rate_hz)


def _refuse_factor(what: str, factor: float) -> None:
    if not 0.5 <= factor <= 2:
        raise ConfigError(f"condition: {what} goes from half to double (an octave down to an octave up)")


def _faster(samples: Float32, factor: float) -> Float32:
    import soxr

    return np.asarray(soxr.resample(samples, SAMPLE_RATE_HZ * factor, SAMPLE_RATE_HZ), dtype=np.float32)


def _tempo(samples: Float32, factor: float) -> Float32:
    """The sound so many times as fast, at its own pitch."""
    from fractions import Fraction

    import av
    from av.filter import Graph

    graph: Any = Graph()
    source = graph.add_abuffer(
        sample_rate=SAMPLE_RATE_HZ, format="flt", layout="mono", time_base=Fraction(1, SAMPLE_RATE_HZ)
    )
    graph.link_nodes(source, graph.add("atempo", f"{factor:.9f}"), graph.add("abuffersink")).configure()
    frame: Any = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples)[None], format="flt", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE_HZ, 0, Fraction(1, SAMPLE_RATE_HZ)
    graph.push(frame)
    graph.push(None)
    pieces = [np.zeros(0, np.float32)]
    while True:
        try:
            pieces.append(graph.pull().to_ndarray().reshape(-1))
        except (av.EOFError, av.BlockingIOError):
            return np.concatenate(pieces).astype(np.float32)
