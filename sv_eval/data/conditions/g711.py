"""G.711 as the ITU's reference has it, bit for bit.

FFmpeg's encoder rounds 964 of the 65536 values of either law to the neighbouring code, all of them negative and on
the edge of an interval, so that it can't stand for the recommendation. Its decoder is the same.

ITU-T Recommendation G.711 (1988); G.191, Software tools for speech and audio coding standardization: its
`ulaw_compress` works on 14 bits, `alaw_compress` on 13, negative values by their one's complement.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

LAWS = ("mulaw", "alaw")
_BIAS, _MOST = 33, 0x1FFF


def coded(linear: NDArray[np.int16], law: str) -> NDArray[np.uint8]:
    """The codes of 16-bit samples."""
    codes: NDArray[np.uint8] = _table(law)[linear.astype(np.int64) + 32_768]
    return codes


def decoded(codes: NDArray[np.uint8], law: str) -> NDArray[np.int16]:
    """The 16-bit samples of codes."""
    linear: NDArray[np.int16] = _values(law)[codes]
    return linear


@functools.cache
def _table(law: str) -> NDArray[np.uint8]:
    linear = np.arange(-32_768, 32_768, dtype=np.int64)
    magnitude = np.where(linear < 0, ~linear, linear)
    sign = np.where(linear >= 0, 0x80, 0)
    if law == "mulaw":
        size = np.minimum((magnitude >> 2) + _BIAS, _MOST)
        segment = np.frexp((size >> 6).astype(np.float64))[1].astype(np.int64) + 1
        code = ((8 - segment) << 4) | (0xF - ((size >> segment) & 0xF))
        return np.asarray(code | sign, dtype=np.uint8)
    size = magnitude >> 4
    shift = np.maximum(np.frexp(size.astype(np.float64))[1].astype(np.int64) - 5, 0)
    code = np.where(size > 15, (size >> shift) - 16 + ((shift + 1) << 4), size)
    return np.asarray((code | sign) ^ 0x55, dtype=np.uint8)


@functools.cache
def _values(law: str) -> NDArray[np.int16]:
    codes = np.arange(256, dtype=np.int64)
    if law == "mulaw":
        bits = ~codes & 0xFF
        exponent, mantissa = (bits >> 4) & 7, bits & 0xF
        size = ((mantissa << 1) + _BIAS << exponent) - _BIAS << 2
        return np.asarray(np.where(bits & 0x80, -size, size), dtype=np.int16)
    bits = codes ^ 0x55
    exponent, mantissa = (bits >> 4) & 7, bits & 0xF
    size = np.where(exponent > 0, (mantissa * 2 + 33) << np.maximum(exponent - 1, 0), mantissa * 2 + 1) << 3
    return np.asarray(np.where(bits & 0x80, size, -size), dtype=np.int16)
