"""Files that made a decoder raise what nobody expected, or read memory that was not its own."""

from __future__ import annotations

import io
import random

import av
import numpy as np
import pytest

from sv_eval.data.audio.decoding import decode
from sv_eval.errors import AudioError


def coded(container: str, codec: str, layout: str = "mono", level: float = 0.1) -> bytes:
    """Half a second of noise."""
    channels = av.AudioLayout(layout).nb_channels
    noise = np.random.default_rng(0).normal(0, level, (1, 24_000 * channels)).astype(np.float32)
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=48_000, layout=layout)
        frame = av.AudioFrame.from_ndarray(noise, format="flt", layout=layout)
        frame.sample_rate, frame.pts = 48_000, 0
        for packet in (*stream.encode(frame), *stream.encode(None)):
            out.mux(packet)
    return file.getvalue()


def test_streams_that_a_damaged_transport_stream_announces_late_are_damage() -> None:
    """PyAV: list index out of range."""
    whole, kinds = coded("mpegts", "mp2"), set()
    for seed in range(600):
        draw, data = random.Random(seed), bytearray(whole)
        for _ in range(draw.choice((1, 3, 10, 50))):
            data[draw.randrange(len(data))] = draw.randrange(256)
        try:
            decode(bytes(data))
        except AudioError as error:
            kinds.add(error.kind)
    assert kinds <= {"truncated", "not_audio", "empty", "too_short"}
    assert "truncated" in kinds


@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1", "7.1", "hexadecagonal"])
@pytest.mark.parametrize(("container", "codec"), [("matroska", "flac"), ("matroska", "aac"), ("mp4", "aac")])
def test_eight_channels_and_more_are_read_to_their_end_and_no_further(
    container: str, codec: str, layout: str
) -> None:
    """PyAV counted planes until it met a zero: the ninth of eight led into nowhere."""
    if layout == "hexadecagonal" and codec == "flac":
        pytest.skip("FLAC has eight channels at most")
    try:
        data = coded(container, codec, layout)
    except av.FFmpegError:
        pytest.skip(f"this FFmpeg writes no {layout} as {codec}")
    samples = decode(data).samples
    assert len(samples) == pytest.approx(8000, abs=700)
    assert np.isfinite(samples).all()
    assert 0 < np.abs(samples).max() <= 1
