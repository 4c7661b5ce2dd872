"""Clips that a worker reads itself: what it finds is what would have been found here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from sv_eval.backend import Request
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.audio.measuring import measured_all
from sv_eval.data.corpus.simulated import SilenceSource
from sv_eval.data.corpus.source import FileSource
from sv_eval.errors import ConfigError
from sv_eval.records import Clip, Failure, Waveform
from sv_eval.run.event_loop import finished
from sv_eval.run.executors.reading import placed_by
from sv_eval.run.executors.worker import Answered, Worker

CLIPS = [
    Clip(id=name, path=f"{name}.wav", end_s=0.5 if name == "cut" else None) for name in ("whole", "gone", "cut")
]
OFFLINE = {"executor": {"read": "workers"}, "load": {"schedule": "offline"}}


@pytest.fixture
def source(tmp_path: Path) -> FileSource:
    rng = np.random.default_rng(0)
    for name in ("whole", "cut"):
        soundfile.write(tmp_path / f"{name}.wav", rng.normal(0, 0.1, 16_000).astype(np.float32), 16_000)
    return FileSource(tmp_path, AudioLimits())


def answered(requests: list[Request]) -> Answered:
    async def work() -> Answered:
        worker = Worker({"_target_": "sv_eval.backends.fake.FakeBackend"}, AudioLimits())
        await worker.open()
        said = await worker.recognize(requests)
        await worker.close()
        assert isinstance(said, Answered), said
        return said

    return finished(work())


def test_a_worker_reads_what_would_have_been_read_here(source: FileSource) -> None:
    unread = Waveform(samples=np.zeros(0, np.float32))
    requests = [
        Request(clip_id=clip.id, waveform=unread, location=source.location(clip), reference="happy")
        for clip in CLIPS
    ]

    said = answered(requests)

    assert [isinstance(answer, Failure) and answer.kind for answer in said.answers] == [False, "not_found", False]
    whole, gone, cut = said.heard
    for heard, clip in ((whole, CLIPS[0]), (cut, CLIPS[2])):
        here = source.load(clip)
        assert heard is not None
        assert heard.audio_s == here.duration_s
        assert heard.sound == measured_all([here])[0]
    assert gone is not None
    assert gone.audio_s is None


def test_a_clip_that_was_sent_is_not_read_again(source: FileSource) -> None:
    sent = Request(clip_id="whole", waveform=source.load(CLIPS[0]), reference="happy")

    said = answered([sent])

    assert said.heard == ()
    assert not isinstance(said.answers[0], Failure)


def test_a_run_tells_its_workers_where_clips_lie(source: FileSource) -> None:
    placed = placed_by(OFFLINE, source)

    assert placed is not None
    assert placed(CLIPS[2]).end_s == 0.5
    assert placed_by({**OFFLINE, "executor": {"read": "here"}}, source) is None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"load": {"schedule": "single_stream"}}, "load=offline"),
        ({"condition": {"steps": ["noise"]}}, "condition"),
        ({"run": {"lufs": True}}, "run.lufs"),
        ({"controls": {"repeats": 5}}, "controls"),
    ],
)
def test_what_needs_sound_here_is_refused(source: FileSource, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        placed_by({**OFFLINE, **settings}, source)


def test_a_corpus_that_lies_nowhere_is_refused() -> None:
    with pytest.raises(ConfigError, match="place"):
        placed_by(OFFLINE, SilenceSource(1.0))
