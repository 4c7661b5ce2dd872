"""Real small audio files, made with soundfile and PyAV."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Writer = Callable[..., Path]


def clicks(rate_hz: int, seconds: float = 1.5, seed: int = 0) -> Samples:
    """Short tones at uneven distances over faint noise: a signal whose alignment shows."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(48_000 * seconds)) / 48_000
    signal = rng.normal(0.0, 0.003, len(time))
    for onset in (0.02, 0.31, 0.5, 0.77, 1.13):
        inside = (time >= onset) & (time < onset + 0.03)
        signal[inside] += 0.6 * np.sin(2 * np.pi * 700 * (time[inside] - onset))
    return soxr.resample(signal, 48_000, rate_hz).astype(np.float32)


@pytest.fixture
def tone() -> Callable[..., Samples]:
    return clicks


@pytest.fixture
def write_sound(tmp_path: Path) -> Writer:
    """Writes a file with soundfile: name, samples, rate and soundfile's own options."""

    def write(name: str, samples: Samples, rate_hz: int, **options: str) -> Path:
        path = tmp_path / name
        soundfile.write(path, samples, rate_hz, **options)
        return path

    return write


@pytest.fixture
def write_av(tmp_path: Path) -> Writer:
    """Writes a file with FFmpeg: name, samples ([n] or [n, channels]), rate, codec, layout, video."""

    def write(
        name: str, samples: Samples, rate_hz: int, codec: str, layout: str = "mono", video: bool = False
    ) -> Path:
        path = tmp_path / name
        planes = np.ascontiguousarray(samples.reshape(len(samples), -1).T)
        with av.open(str(path), "w") as container:
            if video:
                picture = container.add_stream("mpeg4", rate=10)
                picture.width, picture.height, picture.pix_fmt = 32, 32, "yuv420p"
            stream = container.add_stream(codec, rate=rate_hz, layout=layout)
            resampler = av.AudioResampler(format=stream.codec_context.format, layout=layout, rate=rate_hz)
            frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = rate_hz, 0
            if video:
                for index in range(10):
                    image = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
                    image.pts = index
                    container.mux(picture.encode(image))
                container.mux(picture.encode(None))
            for piece in [*resampler.resample(frame), *resampler.resample(None)]:
                container.mux(stream.encode(piece))
            container.mux(stream.encode(None))
        return path

    return write
