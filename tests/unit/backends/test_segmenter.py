from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sv_eval.backends.segmentation.loudness import FRAME, loudness
from sv_eval.backends.segmentation.segmenter import Segmentation, Segmenter
from sv_eval.backends.segmentation.silero import SileroVad
from sv_eval.backends.segmentation.spans import Span
from sv_eval.config.places import cards_dir
from sv_eval.data.audio.decoding import decode
from sv_eval.errors import ConfigError, ModelError
from sv_eval.records import SAMPLE_RATE_HZ

Float32 = NDArray[np.float32]

needs_silero = pytest.mark.skipif(
    importlib.util.find_spec("silero_vad") is None, reason="the silero-vad package is not installed"
)


@pytest.fixture(scope="module")
def speech() -> Float32:
    """Three demonstration clips with a second of silence around each."""
    silence = np.zeros(SAMPLE_RATE_HZ, np.float32)
    parts = [silence]
    for path in sorted((cards_dir() / "demo" / "clips").glob("*.flac"))[:120:50]:
        parts += [decode(path).samples, silence]
    return np.concatenate(parts)


def installed_silero() -> Path:
    """The package's folder, as Python finds it now."""
    spec = importlib.util.find_spec("silero_vad")
    assert spec is not None
    return Path(str(spec.origin)).parent


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"vad": "silro"}, ["backend.vad=silro", "did you mean silero"]),
        ({"vad": "none", "vad_threshold": 0.5}, ["backend.vad_threshold", "backend.vad=none"]),
        ({"vad_threshold": 0.0}, ["backend.vad_threshold=0.0", "between 0 and 1"]),
        ({"vad_threshold": 1.0}, ["backend.vad_threshold=1.0"]),
        ({"vad_threshold": 60}, ["backend.vad_threshold=60"]),
        ({"min_speech_ms": -1.0}, ["backend.min_speech_ms"]),
        ({"min_silence_ms": -1.0}, ["backend.min_silence_ms"]),
        ({"pad_ms": -1.0}, ["backend.pad_ms"]),
        ({"chunk_size": 0.4}, ["backend.chunk_size=0.4", "0.5"]),
        ({"chunk_size": 0}, ["backend.chunk_size=0"]),
        ({"chunk_size": float("inf")}, ["backend.chunk_size=inf"]),
        ({"vad_model": "fsmn-vad"}, ["backend.vad_model", "backend.vad=fsmn"]),
        ({"vad": "silero", "vad_model": "x"}, ["backend.vad_model"]),
        ({"vad_threshold": float("nan")}, ["backend.vad_threshold=nan"]),
        ({"chunk_size": float("nan")}, ["backend.chunk_size=nan"]),
        ({"pad_ms": float("inf")}, ["backend.pad_ms"]),
        ({"min_silence_ms": float("nan")}, ["backend.min_silence_ms"]),
    ],
)
def test_a_setting_that_can_not_be_is_named(settings: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        Segmentation(**settings)

    message = str(caught.value)
    assert all(word in message for word in words), message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("settings", "detector", "whole"),
    [
        ({}, "none", True),
        ({"chunk_size": 3.0}, "none", False),
        ({"vad_threshold": 0.6}, "silero", False),
        ({"vad": "silero"}, "silero", False),
        ({"vad": "fsmn"}, "fsmn", False),
        ({"vad": "fsmn", "vad_threshold": 0.6, "vad_model": "somewhere"}, "fsmn", False),
        ({"vad": "none"}, "none", True),
    ],
)
def test_which_detector_is_used_follows_from_the_settings(
    settings: dict[str, Any], detector: str, whole: bool
) -> None:
    chosen = Segmentation(**settings)

    assert (chosen.detector, chosen.whole) == (detector, whole)


def test_a_detector_without_a_threshold_has_a_half() -> None:
    assert Segmentation(vad="silero").rule.threshold == 0.5
    assert Segmentation(vad_threshold=0.7).rule.threshold == 0.7


def test_without_settings_a_clip_stays_whole() -> None:
    assert Segmenter(Segmentation())(np.zeros(1234, np.float32)) == [Span(0, 1234)]


def test_without_a_detector_a_long_clip_is_cut_where_it_is_quiet() -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 5 * SAMPLE_RATE_HZ).astype(np.float32)
    samples[int(2.5 * SAMPLE_RATE_HZ) : int(2.7 * SAMPLE_RATE_HZ)] *= 0.01

    first, second = Segmenter(Segmentation(chunk_size=3.0))(samples)

    assert 2.5 <= first.end_s <= 2.7
    assert (first.start, second.end) == (0, len(samples))


def test_a_clip_within_the_chunk_size_is_not_cut() -> None:
    samples = np.ones(3 * SAMPLE_RATE_HZ, np.float32)

    assert Segmenter(Segmentation(chunk_size=3.0))(samples) == [Span(0, len(samples))]


def test_loudness_is_the_mean_power_of_each_frame_and_of_a_short_last_one() -> None:
    samples = np.concatenate([np.full(FRAME, 0.5), np.full(FRAME, -0.2), np.full(10, 1.0)]).astype(np.float32)

    np.testing.assert_allclose(loudness(samples), [0.25, 0.04, 1.0], rtol=1e-6)
    assert loudness(np.zeros(0, np.float32)).shape == (0,)


@needs_silero
def test_silero_finds_the_speech_and_not_the_silence_around_it(speech: Float32) -> None:
    probabilities = SileroVad()(speech)

    assert len(probabilities) == -(-len(speech) // SileroVad.frame)
    assert np.max(probabilities) > 0.9
    assert np.median(probabilities[: SAMPLE_RATE_HZ // SileroVad.frame]) < 0.1
    assert SileroVad()(np.zeros(2 * SAMPLE_RATE_HZ, np.float32)).max() < 0.1


@needs_silero
def test_a_segmenter_with_silero_gives_a_stretch_for_each_utterance(speech: Float32) -> None:
    quiet = Segmenter(Segmentation(vad_threshold=0.5))(np.zeros(2 * SAMPLE_RATE_HZ, np.float32))

    spans = Segmenter(Segmentation(vad_threshold=0.5, min_silence_ms=600))(speech)

    assert quiet == []
    assert len(spans) == 3
    assert spans[0].start_s == pytest.approx(1, abs=0.4)


@needs_silero
def test_a_stretch_of_speech_is_cut_to_the_chunk_size(speech: Float32) -> None:
    whole = Segmenter(Segmentation(vad_threshold=0.5))(speech)
    pieces = Segmenter(Segmentation(vad_threshold=0.5, chunk_size=0.8))(speech)

    assert len(pieces) > len(whole)
    assert max(piece.duration_s for piece in pieces) <= 0.8
    assert {span.start for span in whole} <= {piece.start for piece in pieces}


@needs_silero
def test_silero_answers_for_clips_shorter_than_a_frame_and_empty_ones() -> None:
    detector = SileroVad()

    assert detector(np.zeros(0, np.float32)).shape == (0,)
    assert detector(np.zeros(7, np.float32)).shape == (1,)


@needs_silero
def test_the_sequence_graph_and_the_framewise_one_say_the_same(
    request: pytest.FixtureRequest, speech: Float32
) -> None:
    # Longer than one call's 16 s, so that the state is carried over.
    samples = np.concatenate([speech] * (1 + 17 * SAMPLE_RATE_HZ // len(speech)))
    whole = SileroVad()(samples)
    newer = installed_silero()
    older: Path = request.getfixturevalue("silero_package")
    shutil.copy(newer / "data" / "silero_vad.onnx", older)

    framewise = SileroVad()(samples)

    np.testing.assert_allclose(framewise, whole, atol=1e-5)
    assert installed_silero() == older.parent  # or it was the same graph twice


def test_a_silero_package_without_a_model_is_named(silero_package: Path) -> None:
    with pytest.raises(ModelError, match=r"silero_vad\.onnx") as caught:
        SileroVad()

    assert str(silero_package) in str(caught.value)


def test_a_missing_silero_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "silero_vad", None)  # Python's own sign for "can't be imported"

    with pytest.raises(ModelError, match=r"backend\.vad=silero.*pip install --no-deps silero-vad"):
        Segmenter(Segmentation(vad_threshold=0.5))
