"""Files read as careless services read them."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.data.conditions.step import Float32

_HEADER = 44


@dataclass(frozen=True, slots=True, kw_only=True)
class WavFile:
    """What a WAV file holds."""

    kind: int
    """The format's number: 1 for PCM, 7 for mu-law."""
    channels: int
    rate_hz: int
    bits: int
    data: bytes
    """The samples' bytes."""

    @property
    def is_pcm_16(self) -> bool:
        """Whether it is PCM of 16 bits."""
        return self.kind == 1 and self.bits == 16


def wav_of(file: bytes, *, padded: bool = True) -> WavFile | None:
    """The WAV file in these bytes; None for another kind. padded: whether odd chunks are known to be padded."""
    if file[:4] != b"RIFF" or file[8:12] != b"WAVE":
        return None
    at, form = 12, b""
    while at + 8 <= len(file):
        name, size = file[at : at + 4], struct.unpack("<I", file[at + 4 : at + 8])[0]
        content = file[at + 8 : at + 8 + size]
        if name == b"fmt ":
            form = content
        elif name == b"data" and form:
            kind, channels, rate_hz, _, _, bits = struct.unpack("<HHIIHH", form[:16])
            return WavFile(kind=kind, channels=channels, rate_hz=rate_hz, bits=bits, data=content)
        at += 8 + size + (size % 2 if padded else 0)
    return None


def native(file: bytes) -> tuple[Float32, int]:
    """The samples at the file's own rate, shape [n, channels], and the rate, Hz."""
    import soundfile

    samples, rate_hz = soundfile.read(io.BytesIO(file), dtype="float32", always_2d=True)
    return np.asarray(samples, dtype=np.float32), int(rate_hz)


def mono(samples: Float32) -> Float32:
    """The mean over the channels, whatever is left of it."""
    return np.asarray(samples.mean(axis=1), dtype=np.float32)


def pcm(data: bytes, kind: str = "<i2") -> Float32:
    """Bytes as samples of a type of numpy's, full scale 1 where it is `<i2`."""
    whole: NDArray[np.generic] = np.frombuffer(data[: len(data) // 2 * 2], dtype=kind)
    return np.asarray(whole.astype(np.float32) / np.float32(32_768), dtype=np.float32)


def behind_44(file: bytes) -> bytes:
    """What stands behind a header of the usual length."""
    return file[_HEADER:]
