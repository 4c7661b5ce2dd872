"""The facts of a clip's sound, from its samples at 16 kHz; soon enough that all have them."""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.data.audio.level import decibels
from sv_eval.records import SAMPLE_RATE_HZ, Waveform
from sv_eval.sound_facts import SoundFacts

Array = NDArray[np.floating[Any]]
Float32 = NDArray[np.float32]

_FRAME = 512
"""32 ms: long enough to part 31 Hz, short enough for a syllable."""
_MOST_FRAMES, _LOUDER = 16, 1e-3
_BELOW_BAND_DB = 55.0
"""The spectrum has ended where nothing comes within this of its strongest part. Speech at 16 kHz, recorded or
synthetic, stays within it up to 7.5 kHz; what a resampler leaves above its edge lies 60 to 120 dB below."""
_ROUNDING = 2.0**-30 / 12 / (_FRAME / 2) * 10**0.6
"""The noise of rounding to 16 bits in one band, `q^2 / 12` over all of them, with 6 dB to spare: no spectrum."""
_SMOOTHED = np.full(5, 0.2, np.float32)
_QUIET = 0.1
_NOTHING = 1e-9
"""Mean square of -90 dBFS, below which a frame is digital silence, and tells nothing of a room's noise."""
_SILENT_DB, _ABOVE_NOISE_DB, _SPEECH_DB = 40.0, 6.0, 25.0
_CUT = 1e-4
_FEWEST_IN_A_RUN = 2
_FEWEST_CUT = 3e-4
"""Fewer samples at the top are no clipping, and runs among them are not looked for."""
_LEAST_CUT_AT = 0.003
_AT_ONCE = 2
_VOICED_FRAME = 640
_VOICED_FRAMES = 5
_SHORTEST_LAG, _LONGEST_LAG = 26, 230
"""Of 615 and of 70 Hz."""
_VOICED, _AS_GOOD = 0.6, 0.85


def measured(waveform: Waveform) -> SoundFacts:
    """The facts of a decoded clip."""
    (found,) = measured_all([waveform])
    return found


def measured_all(waveforms: Sequence[Waveform]) -> list[SoundFacts]:
    """The facts of some decoded clips, each to the bit as if it were alone.

    Beside a model that wants the processor for itself this takes twice as long as alone, since each step finds the
    caches full of something else. So steps are few, several clips go through them together, and what is large is
    written where it was written before.
    """
    heard = [_Heard(waveform) for waveform in waveforms]
    sounding = [one for one in heard if one.sounds]
    found: list[tuple[float | None, float | None]] = []
    for first in range(0, len(sounding), _AT_ONCE):
        some = sounding[first : first + _AT_ONCE]
        found += zip(_bands_hz(some), _pitches_hz(some), strict=True)
    spectral = iter(found)
    return [one.facts(*next(spectral)) if one.sounds else one.of_no_sound() for one in heard]


def speech_power(samples: Float32) -> float:
    """The mean square of the frames with sound; 0 for silence. A signal-to-noise ratio is of it."""
    if not samples.any():
        return 0.0
    frames = _frames(samples)
    power = _power(_sums(frames), _squares(frames))
    return float(power[_speaks(power, float(power.max()))[0]].mean())


class _Heard:
    """A clip, cut into frames of which each one's sum and power are known."""

    __slots__ = (
        "frames",
        "high",
        "loudest",
        "low",
        "mean",
        "power",
        "samples",
        "sounds",
        "square",
        "sums",
        "waveform",
    )

    def __init__(self, waveform: Waveform) -> None:
        samples = waveform.samples
        self.waveform, self.samples = waveform, samples
        self.high, self.low = (float(samples.max()), float(samples.min())) if len(samples) else (0.0, 0.0)
        self.sounds = self.high != self.low
        if not self.sounds:
            # One value all along, which is no sound.
            return
        self.frames = _frames(samples)
        self.sums, squares = _sums(self.frames), _squares(self.frames)
        self.power = _power(self.sums, squares)
        self.loudest = float(self.power.max())
        rest = samples[self.frames.size :]
        self.mean = (float(self.sums.sum()) + float(rest.sum())) / len(samples)
        self.square = (float(squares.sum()) + float(np.dot(rest, rest))) / len(samples)

    def of_no_sound(self) -> SoundFacts:
        """All that is known of one value all along."""
        source = self.waveform
        return SoundFacts(
            rate_hz=source.source_rate_hz,
            channels=source.source_channels,
            dc=round(self.high, 5),
            silence=1.0,
        )

    def facts(self, band_hz: float | None, pitch_hz: float | None) -> SoundFacts:
        """All facts, with those of the spectrum."""
        power, source = self.power, self.waveform
        speaks, noise = _speaks(power, self.loudest)
        frame_s = _FRAME / SAMPLE_RATE_HZ
        return SoundFacts(
            rate_hz=source.source_rate_hz,
            channels=source.source_channels,
            band_hz=band_hz,
            level_dbfs=decibels(math.sqrt(max(self.square - self.mean * self.mean, 0.0))),
            peak_dbfs=decibels(max(self.high, -self.low)),
            clipped=round(max(source.clipped or 0.0, _cut_off(self.samples, self.high, self.low)), 5),
            dc=round(self.mean, 5),
            snr_db=_snr_db(power, speaks, noise),
            silence=round(1.0 - np.count_nonzero(speaks) / len(speaks), 3),
            lead_s=round(int(speaks.argmax()) * frame_s, 3),
            tail_s=round(int(speaks[::-1].argmax()) * frame_s, 3),
            pitch_hz=pitch_hz,
        )


def _frames(samples: Float32) -> Float32:
    """The clip in frames, shape [n, 512]; one that is shorter than a frame is filled up with zeros."""
    if len(samples) < _FRAME:
        return np.pad(samples, (0, _FRAME - len(samples)))[None]
    return samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)


def _sums(frames: Float32) -> Float32:
    """Of each frame. Not by a product with ones: over so much BLAS would wake threads that the model needs."""
    return np.asarray(np.einsum("ij->i", frames), dtype=np.float32)


def _squares(frames: Float32) -> Float32:
    """Of each frame, their sum."""
    return np.asarray(np.vecdot(frames, frames), dtype=np.float32)


def _power(sums: Float32, squares: Float32) -> Float32:
    """Of each frame, its mean left out."""
    power: Float32 = np.maximum(squares / _FRAME - (sums / _FRAME) ** 2, 0.0)
    return power


def _speaks(power: Float32, loudest: float) -> tuple[NDArray[np.bool_], float]:
    """Which frames hold sound, and the power of the quietest tenth, the room's noise.

    Sound is what comes within 40 dB of the loudest frame and rises 6 dB above the noise; what comes within 25 dB
    is sound in any case, since a clip without a pause has no frame of noise alone.
    """
    heard = power[power > _NOTHING]
    if not len(heard):
        return power >= loudest * 10 ** (-_SPEECH_DB / 10), 0.0
    heard.sort()
    noise = float(heard[: max(1, round(_QUIET * len(heard)))].mean())
    limit = max(loudest * 10 ** (-_SILENT_DB / 10), noise * 10 ** (_ABOVE_NOISE_DB / 10))
    return power >= min(limit, loudest * 10 ** (-_SPEECH_DB / 10)), noise


def _snr_db(power: Float32, speaks: NDArray[np.bool_], noise: float) -> float | None:
    """`10 log10 (S / N - 1)`, S the power of the frames with sound and N that of the quietest tenth.

    Without a pause in the clip N holds speech, so that the estimate is too low by then. None where all is alike.
    """
    sound = float(power[speaks].mean())
    if noise <= 0 or sound <= noise:
        return None
    return round(10 * math.log10(sound / noise - 1.0), 1)


def _bands_hz(clips: Sequence[_Heard]) -> list[float | None]:
    """The highest frequency at which the mean spectrum of the louder frames comes within reach of its strongest."""
    if not clips:
        return []
    chosen = [_spread(np.flatnonzero(clip.power >= clip.loudest * _LOUDER)) for clip in clips]
    ends = [0, *accumulate(map(len, chosen))]
    frames = np.empty((ends[-1], _FRAME), np.float32)
    for clip, places, rows in zip(clips, chosen, pairwise(ends), strict=True):
        # An offset would leak into its neighbours.
        np.subtract(clip.frames[places], (clip.sums[places] / _FRAME)[:, None], out=frames[slice(*rows)])
    window = _window(_FRAME)
    frames *= window
    parts = np.fft.rfft(frames, axis=1).astype(np.complex64, copy=False).view(np.float32)
    parts *= parts
    whole = float(np.vecdot(window, window)) * _FRAME / 2
    # Real and imaginary parts side by side, summed over each clip's frames.
    return [
        _end_hz(parts[begin:end].sum(axis=0).reshape(-1, 2).sum(axis=1) / ((end - begin) * whole))
        for begin, end in pairwise(ends)
    ]


def _end_hz(spectrum: Float32) -> float | None:
    """The highest frequency of a power spectrum that is more than rounding or a resampler's rest."""
    smooth = np.convolve(spectrum, _SMOOTHED, "same")
    there = smooth > max(float(smooth.max()) * 10 ** (-_BELOW_BAND_DB / 10), _ROUNDING)
    last = len(there) - 1 - int(there[::-1].argmax())
    return round(float(last) * SAMPLE_RATE_HZ / _FRAME) if there[last] else None


def _spread(places: NDArray[np.intp]) -> NDArray[np.intp]:
    """At most 16 of the places, as far apart as they can be."""
    if len(places) <= _MOST_FRAMES:
        return places
    return places[np.arange(_MOST_FRAMES) * (len(places) - 1) // (_MOST_FRAMES - 1)]


def _cut_off(samples: Float32, high: float, low: float) -> float:
    """The share of samples in runs of two and more at the clip's own highest or lowest value.

    Tops that were cut off and turned down since are flat all the same; those of a wave are not.
    """
    if max(high, -low) < _LEAST_CUT_AT:
        return 0.0
    count = 0
    for top in (samples >= high - _CUT * abs(high), samples <= low + _CUT * abs(low)):
        if np.count_nonzero(top) >= _FEWEST_CUT * len(samples):
            places = np.flatnonzero(top)
            breaks = np.flatnonzero(np.diff(places) > 1)
            runs = np.diff(np.concatenate(([-1], breaks, [len(places) - 1])))
            count += int(runs[runs >= _FEWEST_IN_A_RUN].sum())
    return count / len(samples)


def _pitches_hz(clips: Sequence[_Heard]) -> list[float | None]:
    """The median pitch of the loudest voiced 40 ms of each clip, by autocorrelation.

    Each frame's is divided by its window's own; the shortest lag counts that is nearly as good as the best, or an
    octave below would be taken (Boersma 1993, Accurate short-term analysis of the fundamental frequency).
    """
    begins = [_loudest_begins(clip) for clip in clips]
    frames = np.empty((sum(map(len, begins)), _VOICED_FRAME), np.float32)
    if not len(frames):
        return [None] * len(clips)
    row = 0
    for clip, places in zip(clips, begins, strict=True):
        for place in places:
            frames[row] = clip.samples[place : place + _VOICED_FRAME]
            row += 1
    frames -= np.einsum("ij->i", frames)[:, None] / _VOICED_FRAME
    frames *= _window(_VOICED_FRAME)
    alike = _autocorrelation(frames)
    lags = alike[:, _SHORTEST_LAG : _LONGEST_LAG + 1] / np.maximum(alike[:, :1], 1e-12)
    lags /= _window_alike()
    best = lags.max(axis=1)
    middle = lags[:, 1:-1]
    peaks = (middle >= lags[:, :-2]) & (middle >= lags[:, 2:]) & (middle > _AS_GOOD * best[:, None])
    first = peaks.argmax(axis=1)
    voiced = (best > _VOICED) & peaks[np.arange(len(peaks)), first]
    found = iter(zip(voiced.tolist(), first.tolist(), strict=True))
    return [_median_hz([lag for good, lag in (next(found) for _ in places) if good]) for places in begins]


def _loudest_begins(clip: _Heard) -> list[int]:
    """Where the clip's loudest stretches begin; none of a clip that is shorter than one."""
    last = len(clip.samples) - _VOICED_FRAME
    loudest = np.argsort(clip.power, kind="stable")[-_VOICED_FRAMES:] * _FRAME
    return [] if last < 0 else [min(begin, last) for begin in loudest.tolist()]


def _median_hz(lags: Sequence[int]) -> float | None:
    """The pitch of the middle one of some lags, counted from behind the shortest."""
    return round(SAMPLE_RATE_HZ / (statistics.median(lags) + 1 + _SHORTEST_LAG), 1) if lags else None


@functools.cache
def _window(size: int) -> Float32:
    """A periodic Hann window."""
    return np.hanning(size + 1)[:size].astype(np.float32)


@functools.cache
def _window_alike() -> Array:
    """What the window alone takes from an autocorrelation, by lag."""
    window = _window(_VOICED_FRAME)
    alike: Array = _autocorrelation(window[None])[0] / float(window @ window)
    return alike[_SHORTEST_LAG : _LONGEST_LAG + 1]


def _autocorrelation(frames: Float32) -> Array:
    """Of each row, lags 0 to 383: what 1024 points hold without wrapping round."""
    found = np.fft.rfft(frames, 1024, axis=1)
    found *= found.conj()
    alike: Array = np.fft.irfft(found, axis=1)
    return alike[:, : 1024 - _VOICED_FRAME]
