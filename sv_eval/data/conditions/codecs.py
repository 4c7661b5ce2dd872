"""Sound through a codec and back, by FFmpeg's encoders and decoders as PyAV has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from sv_eval.data.conditions.g711 import LAWS, coded, decoded
from sv_eval.data.conditions.step import Float32
from sv_eval.errors import ConfigError, nearest

_LONGEST_DELAY_S = 0.125
_FRAME = 320


@dataclass(frozen=True, slots=True)
class Coder:
    """A codec's encoder and decoder as FFmpeg calls them, and the rates that it takes, Hz, the usual one first."""

    encoder: str
    decoder: str
    rates_hz: tuple[int, ...]


CODERS: Mapping[str, Coder] = {
    "g722": Coder("g722", "g722", (16_000,)),
    "gsm": Coder("libgsm", "gsm", (8000,)),
    "amr_nb": Coder("libopencore_amrnb", "amrnb", (8000,)),
    "opus": Coder("libopus", "libopus", (16_000, 8000, 48_000)),
    "mp3": Coder("libmp3lame", "mp3", (16_000, 8000)),
}
"""All but G.711, which has no coder here that is bit for bit the recommendation's."""
LINEAR = "linear"
"""No codec, but its rate and 16 bits."""
CODECS = (LINEAR, *LAWS, *CODERS)


def rate_of(codec: str, wanted_hz: int | None) -> int:
    """The rate at which a codec works; raises ConfigError for a codec or rate that isn't to be had."""
    if codec not in CODECS:
        raise ConfigError(f"condition: codec '{codec}' is not known; {nearest(codec, CODECS)}")
    rates = CODERS[codec].rates_hz if codec in CODERS else (8000, 16_000) if codec == LINEAR else (8000,)
    if wanted_hz is not None and wanted_hz not in rates:
        raise ConfigError(f"condition: {codec} works at {' or '.join(map(str, rates))} Hz, not at {wanted_hz}")
    if codec in CODERS:
        _refuse_missing(codec, CODERS[codec])
    return wanted_hz or rates[0]


def _refuse_missing(codec: str, coder: Coder) -> None:
    import av

    encoder: tuple[str, Literal["w"], str] = (coder.encoder, "w", "encoder")
    decoder: tuple[str, Literal["r"], str] = (coder.decoder, "r", "decoder")
    for name, mode, what in (encoder, decoder):
        try:
            av.Codec(name, mode)
        except ValueError as error:
            raise ConfigError(
                f"condition: the installed PyAV has no {what} {name}, which {codec} needs; choose another codec"
            ) from error


def through(samples: Float32, codec: str, rate_hz: int, bit_rate: int | None) -> Float32:
    """Mono samples at the codec's rate as they come out of it, as many as went in and in their old places."""
    linear = np.clip(np.rint(samples * np.float32(32_768)), -32_768, 32_767).astype(np.int16)
    if codec == LINEAR:
        return np.asarray(linear / np.float32(32_768), dtype=np.float32)
    if codec in LAWS:
        return (decoded(coded(linear, codec), codec) / np.float32(32_768)).astype(np.float32)
    return _in_place(_through_ffmpeg(linear, CODERS[codec], rate_hz, bit_rate), samples, rate_hz)


def _through_ffmpeg(linear: Any, coder: Coder, rate_hz: int, bit_rate: int | None) -> Float32:
    import av

    formats = [one.name for one in av.Codec(coder.encoder, "w").audio_formats or ()]
    encoder: Any = av.CodecContext.create(coder.encoder, "w")
    encoder.sample_rate, encoder.layout, encoder.time_base = rate_hz, "mono", Fraction(1, rate_hz)
    encoder.format = "s16" if "s16" in formats else formats[0]
    if bit_rate is not None:
        encoder.bit_rate = bit_rate
    try:
        encoder.open()
    except av.FFmpegError as error:
        raise ConfigError(
            f"condition: {coder.encoder} can't be opened at {rate_hz} Hz and {bit_rate} bit/s ({error.strerror})"
        ) from error
    frame: Any = av.AudioFrame.from_ndarray(linear[None], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
    feed: Any = av.AudioResampler(
        format=encoder.format, layout="mono", rate=rate_hz, frame_size=encoder.frame_size or _FRAME
    )
    pieces = [*feed.resample(frame), *feed.resample(None), None]
    packets = [packet for piece in pieces for packet in encoder.encode(piece)]
    decoder: Any = av.CodecContext.create(coder.decoder, "r")
    decoder.sample_rate, decoder.layout = rate_hz, "mono"
    if encoder.extradata:
        decoder.extradata = encoder.extradata
    out: Any = av.AudioResampler(format="flt", layout="mono", rate=rate_hz)
    heard = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    floats = [one for frame in [*heard, None] for one in out.resample(frame)]
    return np.concatenate([np.zeros(0, np.float32), *(one.to_ndarray()[0] for one in floats)]).astype(np.float32)


def _in_place(found: Float32, samples: Float32, rate_hz: int) -> Float32:
    """What came out without the codec's delay, which is where it is most like what went in."""
    from scipy.signal import correlate

    latest = round(_LONGEST_DELAY_S * rate_hz)
    padded = np.pad(found, (0, max(0, len(samples) + latest - len(found))))[: len(samples) + latest]
    delay = int(np.argmax(correlate(padded, samples, "valid", "fft")))
    return padded[delay : delay + len(samples)]
