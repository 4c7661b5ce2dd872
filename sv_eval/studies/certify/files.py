"""The same sound as files of many kinds."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.data.conditions.step import Float32
from sv_eval.records import SAMPLE_RATE_HZ

_PCM = 1
_EXTENSIBLE = 0xFFFE
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
_UNKNOWN = 0xFFFFFFFF
_FRAME = 1024


@dataclass(frozen=True, slots=True)
class _Lossy:
    """A container of FFmpeg's, the codec in it, its rate, Hz, and its bits a second."""

    container: str
    codec: str
    rate_hz: int
    bit_rate: int


LOSSY: Mapping[str, _Lossy] = {
    "mp3": _Lossy("mp3", "libmp3lame", SAMPLE_RATE_HZ, 128_000),
    "m4a": _Lossy("ipod", "aac", SAMPLE_RATE_HZ, 96_000),
    "webm": _Lossy("webm", "libopus", 48_000, 96_000),
}
"""What PyAV writes; its encoders are those of `sv_eval.data.conditions.codecs`, here with a container around."""


def on_16_bits(samples: Float32) -> Float32:
    """The samples as 16 bits hold them, cut off at full scale: every form without loss holds them exactly."""
    return np.asarray(_linear(samples) / np.float32(32_768), dtype=np.float32)


def wav(
    samples: Float32,
    rate_hz: int = SAMPLE_RATE_HZ,
    *,
    before: bytes = b"",
    extensible: bool = False,
    unknown_size: bool = False,
) -> bytes:
    """A WAV file of 16 bits; samples of shape [n] or [n, channels].

    before: chunks that stand before the samples. extensible: the format is told by WAVE_FORMAT_EXTENSIBLE.
    unknown_size: as a writer leaves it that can't go back, 0xFFFFFFFF for both sizes.
    """
    data = _linear(samples).tobytes()
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    kind = _EXTENSIBLE if extensible else _PCM
    told = struct.pack("<HHIIHH", kind, channels, rate_hz, rate_hz * 2 * channels, 2 * channels, 16)
    if extensible:
        told += struct.pack("<HHIH", 22, 16, (1 << channels) - 1, _PCM) + _GUID_TAIL
    body = b"WAVE" + chunk(b"fmt ", told) + before
    body += b"data" + struct.pack("<I", _UNKNOWN if unknown_size else len(data)) + data
    return b"RIFF" + struct.pack("<I", _UNKNOWN if unknown_size else len(body)) + body


def chunk(name: bytes, content: bytes) -> bytes:
    """A RIFF chunk, padded to an even length as RIFF wants it."""
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def by_sndfile(samples: Float32, container: str, subtype: str | None = None) -> bytes:
    """A file at 16 kHz by libsndfile, e.g. `WAV` with `PCM_24`, or `FLAC`."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, samples, SAMPLE_RATE_HZ, format=container, subtype=subtype)
    return file.getvalue()


def by_ffmpeg(samples: Float32, form: str) -> bytes:
    """A file of one of the lossy forms, at a bit rate at which nobody hears a loss."""
    import av

    kind = LOSSY[form]
    file = io.BytesIO()
    with av.open(file, "w", format=kind.container) as writer:
        stream: Any = writer.add_stream(kind.codec, rate=kind.rate_hz)
        stream.bit_rate, stream.layout = kind.bit_rate, "mono"
        frame: Any = av.AudioFrame.from_ndarray(_linear(samples)[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE_HZ, 0, Fraction(1, SAMPLE_RATE_HZ)
        feed: Any = av.AudioResampler(
            format=stream.codec_context.format,
            layout="mono",
            rate=kind.rate_hz,
            frame_size=stream.codec_context.frame_size or _FRAME,
        )
        for piece in (*feed.resample(frame), *feed.resample(None), None):
            writer.mux(stream.encode(piece))
    return file.getvalue()


def _linear(samples: Float32) -> NDArray[np.int16]:
    scaled = np.clip(np.rint(samples * np.float32(32_768)), -32_768, 32_767)
    return np.asarray(scaled, dtype="<i2")
