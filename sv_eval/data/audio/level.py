"""How loud samples are, and how many of them are cut off: for runs, audits and the service alike."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

FULL_SCALE = 0.999
"""Samples from here on are at full scale: 16 bits end at 0.99997, and a resampler moves that a little."""
_WINDOW_S = 0.05


def decibels(amplitude: float) -> float | None:
    """20 log10 of an amplitude, two decimals; None for zero."""
    return round(20 * math.log10(amplitude), 2) if amplitude > 0 else None


def peak_dbfs(samples: NDArray[np.float32]) -> float | None:
    """The largest magnitude relative to full scale, dB; None when all are zero.

    >>> peak_dbfs(np.array([0.0, -0.5], np.float32))
    -6.02
    """
    return decibels(max(float(samples.max(initial=0.0)), -float(samples.min(initial=0.0))))


def rms_dbfs(samples: NDArray[np.float32]) -> float | None:
    """The root mean square relative to full scale, dB: 20 log10 sqrt(mean(x^2)); None when all are zero."""
    return decibels(math.sqrt(float(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0)


def sounding(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The samples, [n], without the digital silence at their ends; none of them where there is nothing else."""
    sound = samples != 0
    first = int(sound.argmax()) if len(sound) else 0
    if not len(sound) or not sound[first]:
        return samples[:0]
    return samples[first : len(sound) - int(sound[::-1].argmax())]


def loudest_dbfs(mono: NDArray[np.float32], rate_hz: int) -> float | None:
    """Level of the loudest 50 ms, their mean left out, in dB below full scale; None for digital silence.

    10 log10 of the mean square. A constant offset is no sound, so it counts as silence.

    >>> square = np.tile(np.float32([0.1, -0.1]), 800)
    >>> round(loudest_dbfs(square, 16_000), 6)
    -20.0
    >>> loudest_dbfs(np.full(1600, 0.5, np.float32), 16_000) is None
    True
    """
    if not len(mono):
        return None
    size = max(1, min(round(_WINDOW_S * rate_hz), len(mono)))
    whole = mono[: len(mono) // size * size].reshape(-1, size)
    rough = np.einsum("ij,ij->i", whole, whole) / size - whole.mean(axis=1) ** 2
    # What is left at the end is looked at together with what comes before.
    power = max(float(piece.var(dtype=np.float64)) for piece in (whole[rough.argmax()], mono[-size:]))
    return 10 * float(np.log10(power)) if power > 0 else None


class FullScale:
    """Counts samples at full scale by channel, and runs of them across blocks."""

    def __init__(self, limit: float = FULL_SCALE) -> None:
        self._limit = limit
        self._frames = 0
        self._hits = np.zeros(0, np.int64)
        self._open_runs = np.zeros(0, np.int64)
        self.longest_run = 0
        """The longest run at full scale, of the channel where it is longest."""

    def add(self, block: NDArray[np.float32]) -> None:
        """Takes the next block, shape [frames, channels]."""
        channels = block.shape[1]
        self._frames += len(block)
        if len(self._hits) < channels:
            self._hits = np.pad(self._hits, (0, channels - len(self._hits)))
        if len(self._open_runs) != channels:
            self._open_runs = np.zeros(channels, np.int64)
        if block.max() < self._limit and block.min() > -self._limit:
            self._open_runs[:] = 0
            return
        full = np.abs(block) >= self._limit
        self._hits[:channels] += full.sum(axis=0)
        for channel in range(channels):
            self._count_runs(full[:, channel], channel)

    @property
    def share(self) -> float:
        """The share of samples at full scale, of the channel where it is largest; 0 before the first block."""
        return float(self._hits.max()) / self._frames if self._frames else 0.0

    def _count_runs(self, full: NDArray[np.bool_], channel: int) -> None:
        edges = np.flatnonzero(np.diff(full, prepend=False, append=False))
        lengths = edges[1::2] - edges[::2]
        if len(lengths) and full[0]:
            lengths[0] += self._open_runs[channel]
        self._open_runs[channel] = lengths[-1] if full[-1] else 0
        self.longest_run = max(self.longest_run, int(lengths.max(initial=0)))
