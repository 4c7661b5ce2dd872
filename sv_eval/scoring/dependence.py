"""How many independent values a series of calls is worth, for a percentile's bounds.

Bounds by order statistics take the values for independent. Two things make them less: calls made one after another
share what slows them down (a queue, a neighbour, a clock that sinks), and calls about the same clip share the clip.
Both are measured on the indicator `I = [x <= percentile]`, since a percentile's error is that of the share of
values below it:

- time: the integrated autocorrelation time `tau = 1 + 2 sum(rho_k)` of `I` in order of sending, with the window and
  the correction of its bias by Wolff (2004), Monte Carlo errors with less errors, equations 49 to 52. That window
  ends where neighbours differ, and overlooks what changes little by little beneath their noise; so sums over 1, 2,
  4, ... lags are looked at, too. Calls count as independent unless one of these sums is two standard errors above
  what independent calls have, and the longer of the two tau counts. What the length of the audio explains of `I` is
  taken out before and counts as independent: in which order a corpus holds long and short clips says nothing about
  a machine.
- clips: the design effect of clusters of calls, `sum over clips of (sum of I - p)^2 / (n p (1 - p))`.

Together they inflate the variance by `time + clips - 1` (the two-way form of Cameron, Gelbach and Miller 2011,
Robust inference with multiway clustering, with calls as the intersection).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_STRETCH = 1.5
"""Wolff's S: how much longer than tau the correlation is taken to last."""
_LENGTHS = 20
"""Classes of audio length; fewer where they would hold less than so many calls:"""
_CALLS_OF_A_LENGTH = 25
_SURE = 2.0
"""From how many standard errors on a sum of autocorrelations is one."""
_LONGEST = 10
"""The longest window is this part of the calls."""
_LEAST = 8
"""Fewer values say nothing about an order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependence:
    """By how much calls vary less freely than independent ones."""

    inflation: float = 1.0
    """The variance of the share of values below a percentile over that of independent values; 1 or more."""
    clips: float = 1.0
    """The part of it that repeats of the same clips make; 1 where each clip was asked about once."""
    freedom: float | None = None
    """On how many degrees of freedom `inflation` rests; None where it is no estimate."""

    def worth(self, n: int) -> float:
        """How many independent values `n` calls are worth."""
        return n / self.inflation

    def bounding(self, n: int, confidence: float) -> int:
        """As how many independent values `n` calls bound a percentile, 1 at least.

        Fewer than they are worth: that number is an estimate itself, which widens bounds as Student's t does.
        """
        if self.freedom is None:
            return max(1, math.floor(self.worth(n)))
        from scipy.special import ndtri, stdtrit

        tail = (1 + confidence) / 2
        wider = float(ndtri(tail)) / float(stdtrit(max(self.freedom, 1.0), tail))
        return max(1, min(n, math.floor(self.worth(n) * wider**2)))


INDEPENDENT = Dependence()
"""Nothing depends on anything, as far as is known."""


def dependence_of(
    below: NDArray[np.bool_], *, in_order: bool, clip: Codes, audio_s: Floats | None, time: Dependence | None = None
) -> Dependence:
    """Of a share of calls: which of them lie below a percentile, in order of sending where `in_order`.

    clip: the code of what each call asked about. audio_s: how much audio it held, seconds; None where it is not
    known. time: the dependence in time where it is known already, as of the whole that these are a part of.
    """
    inside = below.astype(np.float64)
    variance = float(inside.var()) if len(inside) >= _LEAST else 0.0
    if variance == 0:
        return INDEPENDENT
    if time is None:
        time = in_time(below, audio_s) if in_order else INDEPENDENT
    clips, clips_freedom = _of_clips(inside, clip, variance)
    inflation = max(1.0, time.inflation + clips - 1.0)
    spread = (time.inflation**2 / time.freedom if time.freedom else 0.0) + (
        clips**2 / clips_freedom if clips_freedom else 0.0
    )
    return Dependence(
        inflation=inflation, clips=max(1.0, clips), freedom=max(1.0, inflation**2 / spread) if spread else None
    )


def in_time(below: NDArray[np.bool_], audio_s: Floats | None) -> Dependence:
    """The inflation by what neighbours in time share, of calls in order of sending."""
    inside = below.astype(np.float64)
    variance = float(inside.var()) if len(inside) >= _LEAST else 0.0
    if variance == 0:
        return INDEPENDENT
    rest = inside - _by_length(inside, audio_s)
    left = float(rest.var())
    if left <= 1e-12:
        return INDEPENDENT
    tau, freedom = autocorrelation_time(rest)
    if freedom is None:
        return INDEPENDENT
    share = min(1.0, left / variance)
    return Dependence(inflation=1.0 + share * (tau - 1.0), freedom=freedom / share**2)


def autocorrelation_time(values: Floats) -> tuple[float, float | None]:
    """`1 + 2 sum(rho_k)`, 1 at least, of values in order, and the degrees of freedom that it rests on.

    Independent values have 1, without any freedom; those of an autoregression of first order with coefficient a,
    (1 + a) / (1 - a).

    >>> autocorrelation_time(np.tile([1.0, 0.0], 50))
    (1.0, None)
    >>> autocorrelation_time(np.repeat([1.0, 0.0] * 10, 10))[0] > 5
    True
    """
    n = len(values)
    sums = np.cumsum(_autocorrelation(values)[1:])
    windows = 2 ** np.arange(1 + max(0, int(math.log2(max(1, n // _LONGEST)))))
    # Of independent values each rho_k is -1/n on average, and varies by 1/n.
    sure = (sums[windows - 1] + windows / n) / np.sqrt(windows / n)
    if sure.max() < _SURE:
        return 1.0, None
    found = max(_time_of(sums, n, window) for window in (_wolff(sums, n), int(windows[sure.argmax()])))
    return max(1.0, found[0]), found[1]


def _time_of(sums: Floats, n: int, window: int) -> tuple[float, float]:
    return (1.0 + 2.0 * float(sums[window - 1])) * (1 + (2 * window + 1) / n), n / (2 * window + 1)


def _wolff(sums: Floats, n: int) -> int:
    """The window that ends where what is cut off becomes less than the noise that more lags would bring."""
    half, lags = 0.5 + sums, np.arange(1, len(sums) + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        lasting = np.where(half > 0.5, _STRETCH / np.log((2 * half + 1) / (2 * half - 1)), 1e-9)
    enough = np.exp(-lags / lasting) < lasting / np.sqrt(lags * n)
    return int(np.argmax(enough)) + 1 if enough.any() else len(lags)


def _autocorrelation(values: Floats) -> Floats:
    """rho_k for k below a half of the values, by the fast Fourier transform."""
    n = len(values)
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(values - values.mean(), size)
    covariance = np.fft.irfft(spectrum * np.conj(spectrum), size)[: max(2, n // 2)]
    return np.asarray(covariance / covariance[0] if covariance[0] > 0 else np.zeros(len(covariance)))


def _by_length(inside: Floats, audio_s: Floats | None) -> Floats | float:
    """What the length of the audio lets expect of each value; a constant where all lengths are of one class."""
    if audio_s is None or not np.isfinite(audio_s).all():
        return 0.0
    classes = min(_LENGTHS, len(inside) // _CALLS_OF_A_LENGTH)
    edges = np.unique(np.quantile(audio_s, np.linspace(0, 1, 1 + classes)))
    if len(edges) < 3:
        return 0.0
    of_length = np.searchsorted(edges[1:-1], audio_s, side="right")
    count = np.maximum(np.bincount(of_length), 1)
    means: Floats = np.bincount(of_length, inside) / count
    return means[of_length]


def n_different(codes: Codes) -> int:
    """How many different codes there are; they count from 0."""
    return int(np.count_nonzero(np.bincount(codes)))


def _of_clips(inside: Floats, clip: Codes, variance: float) -> tuple[float, float]:
    """The inflation by what calls about one clip share, and its degrees of freedom; 0 where none was repeated."""
    n = len(inside)
    clips = n_different(clip)
    if clips == n:
        return 1.0, 0.0
    if clips == 1:
        return float(n), 1.0
    sums = np.bincount(clip, inside - inside.mean())
    return float((sums**2).sum()) / (n * variance) * clips / (clips - 1), clips - 1.0
