"""Samples that come piece by piece."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.data.audio.decoding import floats
from sv_eval.data.audio.kinds import kind_by_header
from sv_eval.records import SAMPLE_RATE_HZ
from sv_eval.wire.messages import RAW_FORMATS
from sv_eval.wire.problems import ServiceError

Float32 = NDArray[np.float32]


def refuse_header(data: bytes, encoding: str) -> None:
    """Raises ServiceError `unsupported_format` for raw samples that begin as a file with a header does.

    Read as samples the header would be a click, and what is behind it mostly something else altogether.
    """
    kind = kind_by_header(data[:16])
    if kind is not None:
        raise ServiceError(
            "unsupported_format",
            f"{encoding} means samples without a header, and this begins as a file does ({kind}); send its samples "
            "alone, or the whole file without a format",
        )


class SampleStream:
    """Raw mono samples in pieces of any length, brought to 16 kHz.

    encoding: `pcm_s16le` or `pcm_f32le`. A sample may be split between two pieces.
    """

    def __init__(self, encoding: str, rate_hz: int) -> None:
        self._encoding, self._type = encoding, RAW_FORMATS[encoding]
        self._begins = True
        self._width = np.dtype(self._type).itemsize
        self._rest = b""
        self._resampler: Any = None
        if rate_hz != SAMPLE_RATE_HZ:
            import soxr

            self._resampler = soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32", quality="HQ")

    def feed(self, piece: bytes) -> Float32:
        """The samples that are ready after this piece, 16 kHz, shape [n].

        Raises ServiceError `not_audio`, `unsupported_format`.
        """
        if self._begins and piece:
            refuse_header(piece, self._encoding)
            self._begins = False
        data = self._rest + piece
        whole = len(data) - len(data) % self._width
        self._rest = data[whole:]
        samples = floats(data[:whole], self._type)
        if not np.isfinite(samples).all():
            raise ServiceError("not_audio", "the stream holds samples that are no numbers (NaN or infinite)")
        return samples if self._resampler is None else self._resampled(samples, last=False)

    def finish(self) -> Float32:
        """The samples that were held back. Raises ServiceError `truncated` when the stream ended within one."""
        if self._rest:
            raise ServiceError("truncated", f"the stream ended within a sample of {self._width} bytes")
        nothing = np.zeros(0, np.float32)
        return nothing if self._resampler is None else self._resampled(nothing, last=True)

    def _resampled(self, samples: Float32, *, last: bool) -> Float32:
        out: Float32 = self._resampler.resample_chunk(samples, last=last)
        return out
