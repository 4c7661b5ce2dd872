"""What decoding a clip once tells: level, clipping, equality, and headers that contradict themselves."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from sv_eval.data.audio.level import FullScale, loudest_dbfs
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.audio.mono import MonoTrack
from sv_eval.data.audit.facts import AudioDefect, AudioFacts, Contradiction
from sv_eval.data.audit.header import contradictions, wrong_extension
from sv_eval.data.audit.measure import Job, Measure

RATE_HZ = 16_000
MEASURE = Measure(limits=AudioLimits(), full_scale=0.999)


def noise(seed: int = 0, n: int = 8_000) -> np.ndarray:
    """Noise on the grid of 16 bits, so that formats of 16 bits and more keep it."""
    return np.random.default_rng(seed).integers(-9000, 9000, n).astype(np.float64) / 32768


def facts(source: Path | bytes, start_s: float | None = None, end_s: float | None = None) -> AudioFacts:
    found = MEASURE(Job(source=source, start_s=start_s, end_s=end_s))
    assert isinstance(found, AudioFacts), found
    return found


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, samples: np.ndarray, rate_hz: int = RATE_HZ, **how: Any) -> Path:
        soundfile.write(tmp_path / name, samples, rate_hz, **how)
        return tmp_path / name

    return write


def test_the_same_samples_are_equal_in_whatever_file(written: Callable[..., Path]) -> None:
    samples = noise()
    silence = np.zeros(1000)
    files = [
        written("a.wav", samples),
        written("a24.wav", samples, subtype="PCM_24"),
        written("af.wav", samples, subtype="FLOAT"),
        written("ax.wav", samples, format="WAVEX"),
        written("a.flac", samples),
        written("a.aiff", samples),
        written("stereo.wav", np.column_stack([samples, samples])),
        written("padded.wav", np.concatenate([silence, samples, silence])),
        written("renamed_rate.wav", samples, rate_hz=8_000),
    ]

    assert len({facts(file).digest for file in files}) == 1
    assert facts(written("b.wav", noise(1))).digest != facts(files[0]).digest
    assert facts(written("louder.wav", samples * 2)).digest != facts(files[0]).digest


def test_a_stretch_is_measured_alone(written: Callable[..., Path]) -> None:
    samples = noise(n=32_000)
    long, part = written("long.wav", samples), written("part.wav", samples[8_000:16_000])

    stretch = facts(long, 0.5, 1.0)

    assert stretch.duration_s == 0.5
    assert stretch.digest == facts(part).digest


def test_bytes_are_measured_as_files_are(written: Callable[..., Path]) -> None:
    file = written("a.wav", noise())

    assert facts(file.read_bytes()) == facts(file)


def test_a_stretch_beyond_the_file_is_truncated(written: Callable[..., Path]) -> None:
    found = MEASURE(Job(source=written("a.wav", noise()), start_s=0.2, end_s=2.0))

    assert isinstance(found, AudioDefect)
    assert found.kind == "truncated"


def test_digital_silence_has_neither_level_nor_digest(written: Callable[..., Path]) -> None:
    found = facts(written("a.wav", np.zeros(8_000)))

    assert (found.loudest_dbfs, found.digest, found.full_scale_share) == (None, None, 0.0)


def test_a_click_in_silence_is_sound() -> None:
    samples = np.zeros(16_000, np.float32)
    samples[-1] = 0.5

    assert loudest_dbfs(samples, RATE_HZ) == pytest.approx(10 * np.log10(0.25 / 800), abs=0.01)


def test_the_level_is_that_of_numpy_alone() -> None:
    samples = noise(3, 4_000).astype(np.float32) + np.float32(0.3)

    windows = samples[: 4_000 // 800 * 800].reshape(-1, 800).astype(np.float64)

    assert loudest_dbfs(samples, RATE_HZ) == pytest.approx(10 * np.log10(windows.var(axis=1).max()), abs=1e-9)


def test_runs_at_full_scale_go_on_across_blocks_and_are_of_one_channel() -> None:
    left = np.zeros(30, np.float32)
    left[8:13], left[20:22] = 1.0, -1.0
    right = np.zeros(30, np.float32)
    right[13:16] = 1.0
    both = np.column_stack([left, right])
    track = MonoTrack("x", AudioLimits(), own_rate=True, full_scale=0.999)

    for begin in range(0, 30, 10):
        track.add(both[begin : begin + 10], RATE_HZ)
    track.samples()

    assert track.clipping.longest_run == 5
    assert track.clipping.share == pytest.approx(7 / 30)


def test_a_run_ends_with_a_block_that_has_none() -> None:
    clipping = FullScale()

    for value in (1.0, 0.0, 1.0):
        clipping.add(np.full((6, 1), value, np.float32))

    assert clipping.longest_run == 6


def test_of_joined_recordings_with_other_channels_every_sample_counts() -> None:
    clipping = FullScale()

    clipping.add(np.ones((10, 1), np.float32))
    clipping.add(np.zeros((10, 2), np.float32))
    clipping.add(np.ones((20, 1), np.float32))

    assert clipping.share == 30 / 40
    assert clipping.longest_run == 20


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("a.wav", {}),
        ("a.wav", {"subtype": "PCM_24"}),
        ("a.wav", {"subtype": "PCM_U8"}),
        ("a.wav", {"subtype": "FLOAT"}),
        ("a.wav", {"subtype": "DOUBLE"}),
        ("a.wav", {"subtype": "ULAW"}),
        ("a.wav", {"subtype": "IMA_ADPCM"}),
        ("a.wav", {"format": "WAVEX"}),
        ("a.wav", {"format": "RF64"}),
        ("a.aiff", {}),
        ("a.aiff", {"subtype": "PCM_24"}),
        ("a.aiff", {"subtype": "FLOAT"}),
        ("a.flac", {}),
        ("a.ogg", {}),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_honest_headers_contradict_nothing(
    name: str, how: dict[str, str], channels: int, written: Callable[..., Path]
) -> None:
    # An odd number of samples: chunks are padded to even lengths.
    file = written(name, np.repeat(noise(n=4_001)[:, None], channels, axis=1), **how)

    assert contradictions(file) == ()


def patched(file: Path, place: int, layout: str, value: int) -> Path:
    data = bytearray(file.read_bytes())
    struct.pack_into(layout, data, place, value)
    file.write_bytes(bytes(data))
    return file


def test_a_rate_that_was_patched(written: Callable[..., Path]) -> None:
    file = patched(written("a.wav", noise()), 24, "<I", 44_100)

    assert facts(file).contradictions == (Contradiction(field="rate", stated=44_100, other=16_000),)


def test_a_channel_count_that_was_patched(written: Callable[..., Path]) -> None:
    file = patched(written("a.wav", noise()), 22, "<H", 2)

    assert contradictions(file)[0] == Contradiction(field="channels", stated=2, other=1)


def test_samples_beyond_the_stated_length(written: Callable[..., Path]) -> None:
    """A recorder that died before it wrote the length anew."""
    file = patched(written("a.wav", noise()), 40, "<I", 2_000)

    assert contradictions(file) == (Contradiction(field="frames", stated=1_000, other=8_000),)


def test_a_fact_chunk_with_another_length(written: Callable[..., Path]) -> None:
    file = written("a.wav", noise(), subtype="FLOAT")
    data = file.read_bytes()
    patched(file, data.index(b"fact") + 8, "<I", 123)

    assert contradictions(file) == (Contradiction(field="frames", stated=123, other=8_000),)


def test_an_aiff_with_another_length(written: Callable[..., Path]) -> None:
    file = written("a.aiff", noise())
    patched(file, file.read_bytes().index(b"COMM") + 10, ">I", 80)

    assert contradictions(file) == (Contradiction(field="frames", stated=80, other=8_000),)


@pytest.mark.parametrize("data", [b"", b"RIFF", b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0"])
def test_stumps_of_headers_contradict_nothing(data: bytes) -> None:
    assert contradictions(data) == ()


@pytest.mark.parametrize(
    ("name", "container", "wrong"),
    [
        ("a.WAV", "wav/pcm_16", False),
        ("a.wav", "flac/pcm_16", True),
        ("a.opus", "ogg/opus", False),
        ("a.m4a", "mov/aac", False),
        ("a.mp4", "matroska/opus", True),
        ("row 7", "flac/pcm_16", False),
        ("a.unheard_of", "wav/pcm_16", False),
    ],
)
def test_endings(name: str, container: str, wrong: bool) -> None:
    assert wrong_extension(name, container) is wrong
