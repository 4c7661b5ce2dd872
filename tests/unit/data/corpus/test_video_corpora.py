"""MELD's mp4 with six channels and MER2023's avi: their sound is read from the video."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

RATE_HZ = 48_000


def video(path: Path, *, codec: str, layout: str, picture: str, amplitudes: tuple[float, ...]) -> None:
    """A second of moving picture, with a tone of a different loudness in each channel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = np.sin(2 * np.pi * 440 * np.arange(RATE_HZ) / RATE_HZ)
    planes = np.ascontiguousarray(np.array([a * tone for a in amplitudes], np.float32))
    with av.open(str(path), "w") as container:
        film = container.add_stream(picture, rate=10)
        film.width, film.height, film.pix_fmt = 32, 32, "yuv420p"
        sound = container.add_stream(codec, rate=RATE_HZ, layout=layout)
        resampler = av.AudioResampler(format=sound.codec_context.format, layout=layout, rate=RATE_HZ)
        frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
        frame.sample_rate, frame.pts = RATE_HZ, 0
        for index in range(10):
            image = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            image.pts = index
            container.mux(film.encode(image))
        container.mux(film.encode(None))
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(sound.encode(piece))
        container.mux(sound.encode(None))


def test_meld_six_channels_are_mixed(read, tmp_path):
    # Front left and right, centre, low frequencies (which AAC cuts off above 120 Hz), back left and right.
    video(
        tmp_path / "train_splits" / "dia0_utt0.mp4",
        codec="aac", layout="5.1", picture="mpeg4", amplitudes=(0.0, 0.0, 0.6, 0.0, 0.3, 0.3),
    )  # fmt: skip
    (tmp_path / "train_sent_emo.csv").write_text(
        "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID\n1,Hi,Joey,joy,positive,0,0\n"
    )

    corpus = read(card="meld", root=str(tmp_path))
    waveform = corpus.source.load(corpus.clips[0])

    assert waveform.source_channels == 6
    assert waveform.duration_s == pytest.approx(1.0, abs=0.05)
    middle = waveform.samples[4000:12_000]
    # The mean over six channels of 0.6, 0.3 and 0.3 has an amplitude of 0.2.
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.2 / np.sqrt(2), rel=0.05)


def test_mer2023_avi(read, tmp_path):
    video(
        tmp_path / "train" / "sample_00002721.avi",
        codec="pcm_s16le", layout="stereo", picture="mpeg4", amplitudes=(0.2, 0.4),
    )  # fmt: skip
    (tmp_path / "train-label.csv").write_text("name,discrete,valence\nsample_00002721,happy,1.0\n")

    corpus = read(card="mer2023", root=str(tmp_path))
    waveform = corpus.source.load(corpus.clips[0])

    assert (waveform.source_channels, waveform.source_rate_hz) == (2, RATE_HZ)
    assert np.sqrt(np.mean(waveform.samples[2000:-2000] ** 2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.02)
