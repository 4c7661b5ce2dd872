"""`load=stream`, as a user runs it, and what a stream's answer has to do with the whole clip's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sv_eval.backend import Request, StreamUpdate
from sv_eval.backends.onnx import OnnxBackend
from sv_eval.config.places import cards_dir
from sv_eval.data.audio.decoding import decode
from sv_eval.records import Prediction, Waveform

Samples = NDArray[np.float32]


def spoken() -> Samples:
    """A few seconds of speech."""
    paths = sorted((cards_dir() / "demo" / "clips").glob("*.flac"))[:2]
    return np.concatenate([decode(path).samples for path in paths])


async def in_pieces(samples: Samples, size: int) -> AsyncIterator[Samples]:
    for first in range(0, len(samples), size):
        yield samples[first : first + size]


def stream(
    samples: Samples, *, chunk_size: float, piece: int = 1600, **settings: object
) -> tuple[Prediction, list[StreamUpdate]]:
    updates: list[StreamUpdate] = []

    async def drive() -> Prediction:
        async with OnnxBackend(threads=1, **settings) as backend:  # type: ignore[arg-type]
            return await backend.stream(in_pieces(samples, piece), chunk_size=chunk_size, callback=updates.append)

    return asyncio.run(drive()), updates


def test_one_chunk_that_holds_everything_is_the_whole_clips_answer() -> None:
    samples = spoken()

    async def whole() -> object:
        async with OnnxBackend(threads=1) as backend:
            return (await backend.recognize([Request(clip_id="c", waveform=Waveform(samples=samples))]))[0]

    offline = asyncio.run(whole())
    answer, updates = stream(samples, chunk_size=60.0)

    assert isinstance(offline, Prediction)
    assert len(updates) == 1
    assert (answer.label, answer.scores, answer.text) == (offline.label, offline.scores, offline.text)


def test_updates_cover_the_audio_without_gaps_and_end_in_the_answer() -> None:
    samples = spoken()

    answer, updates = stream(samples, chunk_size=1.0)

    assert updates[0].start_s == 0
    assert [u.end_s for u in updates[:-1]] == [u.start_s for u in updates[1:]]
    assert updates[-1].end_s == pytest.approx(len(samples) / 16_000)
    assert (updates[-1].label, updates[-1].scores) == (answer.label, answer.scores)
    assert len(answer.segments) == len(updates)
    assert all(update.compute_ms > 0 for update in updates)


@pytest.mark.parametrize("piece", [160, 1000, 50_000])
def test_how_the_audio_arrives_changes_nothing(piece: int) -> None:
    samples = spoken()

    expected, _ = stream(samples, chunk_size=0.8)
    answer, _ = stream(samples, chunk_size=0.8, piece=piece)

    assert (answer.scores, answer.text, answer.segments) == (expected.scores, expected.text, expected.segments)


def test_with_a_detector_silence_gives_no_label_until_somebody_speaks() -> None:
    pytest.importorskip("silero_vad", reason="silero-vad is not installed")
    samples = np.concatenate([np.zeros(32_000, np.float32), spoken()])

    answer, updates = stream(samples, chunk_size=1.0, vad="silero")

    assert [update.label for update in updates[:2]] == [None, None]
    assert updates[0].chunk_scores is None
    assert answer.label is not None
    assert answer.segments[0].start_s >= 1.9


def test_an_empty_stream_is_no_speech() -> None:
    answer, updates = stream(np.zeros(0, np.float32), chunk_size=1.0)

    assert answer.no_speech
    assert updates == []


def test_the_command_reports_the_stream(
    call: Callable[..., Any], metrics_of: Callable[[Path], dict[str, Any]], tmp_path: Path
) -> None:
    run = tmp_path / "run"

    done = call("load=stream", "load.chunk_size=0.5", "dataset.limit=30", f"hydra.run.dir={run}")

    metrics = metrics_of(run)
    assert done.returncode == 0, done.stderr
    assert metrics["streaming"]["n"] == 30
    assert metrics["streaming"]["time_to_first_emotion_s"]["p50"]["value"] > 0.5
    assert metrics["rtf"] == metrics["streaming"]["compute_rtf"]
    assert "## Streaming" in (run / "report.md").read_text()
    assert "<svg" in (run / "figures" / "timeline.svg").read_text()
