"""The facts of a clip's sound, from its samples at 16 kHz; soon enough that all have them."""

from __future__ import annotations

import functools
import math
import statistics
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.data.audio.level import decibels
from sv_eval.records import SAMPLE_RATE_HZ, Waveform
from sv_eval.sound_facts import SoundFacts

Float32 = NDArray[np.float32]

_FRAME = 512
"""32 ms: long enough to part 31 Hz, short enough for a syllable."""
_MEAN = np.full(_FRAME, 1 / _FRAME, np.float32)
_MOST_FRAMES = 16
_BELOW_BAND_DB = 55.0
"""The spectrum has ended where nothing comes within this of its strongest part. Speech at 16 kHz, recorded or
synthetic, stays within it up to 7.5 kHz; what a resampler leaves above its edge lies 60 to 120 dB below."""
_ROUNDING_DB = 10 * math.log10(2.0**-30 / 12 / (_FRAME / 2)) + 6.0
"""The noise of rounding to 16 bits in one band, `q^2 / 12` over all of them, with 6 dB to spare: no spectrum."""
_SMOOTHED = np.full(5, 0.2)
_QUIET = 0.1
_NOTHING = 1e-9
"""Mean square of -90 dBFS, below which a frame is digital silence, and tells nothing of a room's noise."""
_SILENT_DB, _ABOVE_NOISE_DB, _SPEECH_DB = 40.0, 6.0, 25.0
_CUT = 1e-4
_FEWEST_IN_A_RUN = 2
_FEWEST_CUT = 3e-4
"""Fewer samples at the top are no clipping, and runs among them are not looked for."""
_LEAST_CUT_AT = 0.003
_VOICED_FRAME = 640
_VOICED_FRAMES = 5
_SHORTEST_LAG, _LONGEST_LAG = 26, 230
"""Of 615 and of 70 Hz."""
_VOICED, _AS_GOOD = 0.6, 0.85


def measured(waveform: Waveform) -> SoundFacts:
    """The facts of a decoded clip."""
    samples, rate_hz, channels = waveform.samples, waveform.source_rate_hz, waveform.source_channels
    high, low = (float(samples.max()), float(samples.min())) if len(samples) else (0.0, 0.0)
    mean = float(samples.sum()) / len(samples) if len(samples) else 0.0
    if high == low:
        # One value all along, which is no sound.
        return SoundFacts(rate_hz=rate_hz, channels=channels, dc=round(mean, 5), silence=1.0)
    frames = _frames(samples)
    power = _power(frames)
    speaks, noise = _speaks(power)
    first, last = int(speaks.argmax()), int(speaks[::-1].argmax())
    frame_s = _FRAME / SAMPLE_RATE_HZ
    return SoundFacts(
        rate_hz=rate_hz,
        channels=channels,
        band_hz=_band_hz(frames, power),
        level_dbfs=decibels(math.sqrt(max(float(np.dot(samples, samples)) / len(samples) - mean * mean, 0.0))),
        peak_dbfs=decibels(max(high, -low)),
        clipped=round(max(waveform.clipped or 0.0, _cut_off(samples, high, low)), 5),
        dc=round(mean, 5),
        snr_db=_snr_db(power, speaks, noise),
        silence=round(1.0 - float(speaks.mean()), 3),
        lead_s=round(first * frame_s, 3),
        tail_s=round(last * frame_s, 3),
        pitch_hz=_pitch_hz(samples, power),
    )


def speech_power(samples: Float32) -> float:
    """The mean square of the frames with sound; 0 for silence. A signal-to-noise ratio is of it."""
    if not samples.any():
        return 0.0
    frames = _frames(samples)
    power = _power(frames)
    return float(power[_speaks(power)[0]].mean())


def _power(frames: Float32) -> Float32:
    """Of each frame, its mean left out."""
    power: Float32 = np.maximum(np.einsum("ij,ij->i", frames, frames) / _FRAME - (frames @ _MEAN) ** 2, 0.0)
    return power


def _frames(samples: Float32) -> Float32:
    """The clip in frames, shape [n, 512]; one that is shorter than a frame is filled up with zeros."""
    if len(samples) < _FRAME:
        return np.pad(samples, (0, _FRAME - len(samples)))[None]
    return samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)


def _speaks(power: Float32) -> tuple[NDArray[np.bool_], float]:
    """Which frames hold sound, and the power of the quietest tenth, the room's noise.

    Sound is what comes within 40 dB of the loudest frame and rises 6 dB above the noise; what comes within 25 dB
    is sound in any case, since a clip without a pause has no frame of noise alone.
    """
    heard = power[power > _NOTHING]
    loudest = float(power.max())
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


def _band_hz(frames: Float32, power: Float32) -> float | None:
    """The highest frequency at which the mean spectrum of the louder frames comes within reach of its strongest."""
    chosen = np.flatnonzero(power >= power.max() * 1e-3)
    if len(chosen) > _MOST_FRAMES:
        chosen = chosen[np.arange(_MOST_FRAMES) * (len(chosen) - 1) // (_MOST_FRAMES - 1)]
    window = _window(_FRAME)
    # An offset would leak into its neighbours.
    some = frames[chosen]
    some -= (some @ _MEAN)[:, None]
    some *= window
    parts = np.fft.rfft(some, axis=1).astype(np.complex64, copy=False).view(np.float32)
    # Real and imaginary parts side by side: their squares, summed over the frames.
    squares = np.einsum("ij,ij->j", parts, parts).reshape(-1, 2).sum(axis=1)
    spectrum = squares / (len(some) * float(np.dot(window, window)) * _FRAME / 2)
    level = 10 * np.log10(np.convolve(spectrum, _SMOOTHED, "same") + 1e-30)
    there = np.flatnonzero(level > max(float(level.max()) - _BELOW_BAND_DB, _ROUNDING_DB))
    return round(float(there[-1]) * SAMPLE_RATE_HZ / _FRAME) if len(there) else None


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


def _pitch_hz(samples: Float32, power: Float32) -> float | None:
    """The median pitch of the loudest 40 ms that are voiced, by autocorrelation.

    Each frame's is divided by its window's own; the shortest lag counts that is nearly as good as the best, or an
    octave below would be taken (Boersma 1993, Accurate short-term analysis of the fundamental frequency).
    """
    if len(samples) < _VOICED_FRAME:
        return None
    loudest = np.argsort(power, kind="stable")[-_VOICED_FRAMES:] * _FRAME
    begins = np.minimum(loudest, len(samples) - _VOICED_FRAME)
    frames = samples[begins[:, None] + np.arange(_VOICED_FRAME)]
    frames -= frames.sum(axis=1, keepdims=True) / _VOICED_FRAME
    frames *= _window(_VOICED_FRAME)
    alike = _autocorrelation(frames)
    alike = alike / np.maximum(alike[:, :1], 1e-12) / _window_alike()
    lags = alike[:, _SHORTEST_LAG : _LONGEST_LAG + 1]
    best = lags.max(axis=1)
    middle = lags[:, 1:-1]
    peaks = (middle >= lags[:, :-2]) & (middle >= lags[:, 2:]) & (middle > _AS_GOOD * best[:, None])
    voiced = (best > _VOICED) & peaks.any(axis=1)
    if not voiced.any():
        return None
    lag = statistics.median(peaks[voiced].argmax(axis=1).tolist()) + 1 + _SHORTEST_LAG
    return round(float(SAMPLE_RATE_HZ / lag), 1)


@functools.cache
def _window(size: int) -> Float32:
    """A periodic Hann window."""
    return np.hanning(size + 1)[:size].astype(np.float32)


@functools.cache
def _window_alike() -> NDArray[np.floating[Any]]:
    """What the window alone takes from an autocorrelation, by lag."""
    window = _window(_VOICED_FRAME)
    return _autocorrelation(window[None]) / float(window @ window)


def _autocorrelation(frames: Float32) -> NDArray[np.floating[Any]]:
    """Of each row, lags 0 to 383: what 1024 points hold without wrapping round."""
    found = np.fft.rfft(frames, 1024, axis=1)
    found *= found.conj()
    alike: NDArray[np.floating[Any]] = np.fft.irfft(found, axis=1)
    return alike[:, : 1024 - _VOICED_FRAME]
