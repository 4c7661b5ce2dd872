"""`backend=local` beside FunASR's own pipeline and beside `backend=onnx`, on the bundled model."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import re
import shutil
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sv_eval.backend import Backend, Request
from sv_eval.backends.funasr_model import load_auto_model
from sv_eval.backends.local import LocalBackend
from sv_eval.backends.onnx import OnnxBackend
from sv_eval.backends.sensevoice.model_dir import bundled_model
from sv_eval.backends.sensevoice.tokens import EMOTION_PIECES, EVENT_PIECES, LANGUAGE_PIECES
from sv_eval.config.places import cards_dir
from sv_eval.data.audio.decoding import decode
from sv_eval.emotions import EMOTIONS, UNKNOWN
from sv_eval.errors import ModelError
from sv_eval.record_file.as_json import record_to_json
from sv_eval.records import SAMPLE_RATE_HZ, Clip, Prediction, Record, Waveform
from sv_eval.run.store import MemoryStore

pytest.importorskip("torch")

Float32 = NDArray[np.float32]


@pytest.fixture(scope="module", autouse=True)
def funasr() -> None:
    """Imported for the first test: it takes seconds, which each process that collects tests would spend."""
    pytest.importorskip("funasr")


def local(**settings: Any) -> LocalBackend:
    return LocalBackend(model="bundled", device="cpu", threads=1, **settings)


def onnx(**settings: Any) -> OnnxBackend:
    return OnnxBackend(model="bundled", threads=1, **settings)


def request(samples: Float32) -> Request:
    return Request(clip_id="clip", waveform=Waveform(samples=samples))


def ask(backend: Backend, waveforms: Sequence[Float32], calls_of: int | None = None) -> list[Prediction]:
    """One answer for each waveform, asked `calls_of` at a time."""
    size = backend.capabilities.max_batch if calls_of is None else calls_of
    requests = [request(samples) for samples in waveforms]

    async def drive() -> list[Prediction]:
        answers: list[Prediction] = []
        async with backend:
            for first in range(0, len(requests), size):
                for answer in await backend.recognize(requests[first : first + size]):
                    assert isinstance(answer, Prediction), answer
                    answers.append(answer)
        return answers

    return asyncio.run(drive())


def funasr_texts(waveforms: Sequence[Float32], **settings: Any) -> list[str]:
    """The raw texts of plain FunASR, tags included."""
    auto = load_auto_model(bundled_model(), asked="test", device="cpu", threads=1)
    auto.kwargs["frontend"].dither = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [auto.generate(input=samples, **settings)[0]["text"] for samples in waveforms]


def read_raw(text: str) -> tuple[str | None, str | None, str | None, str]:
    """Emotion, language, event and words of a raw text; tags are told by what they are."""
    tags = re.findall(r"<\|[^|]*\|>", text)

    def first(pieces: Any) -> str | None:
        names = {piece: name for name, piece in pieces.items()}
        return next((names[tag] for tag in tags if tag in names), None)

    words = re.sub(r"<\|[^|]*\|>", "", text).strip()
    return first(EMOTION_PIECES), first(LANGUAGE_PIECES), first(EVENT_PIECES), words


def heard(answers: Sequence[Prediction]) -> list[tuple[str | None, str | None, str | None, str | None]]:
    return [(answer.label, answer.language, answer.event, answer.text) for answer in answers]


def largest_difference(some: Sequence[Prediction], others: Sequence[Prediction]) -> float:
    differences = [
        abs(one.scores[name] - other.scores[name])
        for one, other in zip(some, others, strict=True)
        if one.scores is not None and other.scores is not None
        for name in one.scores
    ]
    assert differences
    return max(differences)


def labels(answers: Sequence[Prediction]) -> list[tuple[str | None, str | None]]:
    return [(answer.label, answer.forced) for answer in answers]


@pytest.fixture(scope="module")
def clips() -> list[Float32]:
    """All demonstration clips."""
    return [decode(path).samples for path in sorted((cards_dir() / "demo" / "clips").glob("*.flac"))]


@pytest.fixture(scope="module")
def german(emodb_root: Path) -> list[Float32]:
    """Sixty recordings, evenly from all of EmoDB that is at hand."""
    paths = sorted(emodb_root.rglob("*.wav"))
    return [decode(path).samples for path in paths[:: len(paths) // 60][:60]]


@pytest.fixture(scope="module")
def answers(clips: list[Float32]) -> list[Prediction]:
    """What `local` says to all demonstration clips in its default settings."""
    return ask(local(), clips)


@pytest.mark.parametrize(
    "settings", [{"language": "auto", "use_itn": False}, {"language": "zh", "use_itn": True}, {"language": "en"}]
)
def test_tags_and_text_are_those_of_plain_funasr(clips: list[Float32], settings: dict[str, Any]) -> None:
    some = clips[::7]  # every emotion in both languages

    answers = ask(local(**settings), some)

    assert heard(answers) == [read_raw(text) for text in funasr_texts(some, **settings)]
    assert len({answer.label for answer in answers}) > 3


def test_tags_and_text_are_those_of_plain_funasr_on_recordings(german: list[Float32]) -> None:
    answers = ask(local(), german)

    assert heard(answers) == [read_raw(text) for text in funasr_texts(german, language="auto", use_itn=False)]


def test_onnx_says_the_same_to_every_clip(clips: list[Float32], answers: list[Prediction]) -> None:
    others = ask(onnx(), clips)

    assert labels(others) == labels(answers)
    assert heard(others) == heard(answers)
    assert largest_difference(answers, others) < 1e-4


def test_onnx_says_the_same_to_recordings(german: list[Float32]) -> None:
    some, others = ask(local(), german), ask(onnx(), german)

    assert heard(some) == heard(others)
    assert largest_difference(some, others) < 1e-4


@pytest.mark.parametrize("batch_size", [1, 4, 16])
def test_an_answer_does_not_depend_on_the_batch(
    clips: list[Float32], answers: list[Prediction], batch_size: int
) -> None:
    batched = ask(local(batch_size=batch_size), clips[::3])

    assert heard(batched) == heard(answers[::3])
    assert largest_difference(batched, answers[::3]) < 1e-5


def test_a_limit_of_seconds_changes_no_answer(clips: list[Float32], answers: list[Prediction]) -> None:
    limited = ask(local(batch_size=16, batch_s=5.0), clips[::4])

    assert labels(limited) == labels(answers[::4])
    assert largest_difference(limited, answers[::4]) < 1e-5


def test_another_run_writes_the_same_bytes(clips: list[Float32], answers: list[Prediction]) -> None:
    def lines(said: Sequence[Prediction]) -> list[str]:
        timeless = [replace(one, stages_ms={}) for one in said]
        records = [Record(clip=Clip(id="x"), outcome=one.outcome, prediction=one) for one in timeless]
        return [json.dumps(record_to_json(record)) for record in records]

    assert lines(ask(local(), clips[:100])) == lines(answers[:100])


def test_both_backends_cut_and_combine_alike(clips: list[Float32]) -> None:
    long = [np.concatenate(clips[first : first + 6]) for first in range(0, 48, 6)]
    settings: dict[str, Any] = {"vad_threshold": 0.6, "chunk_size": 3.0}

    some, others = ask(local(**settings), long), ask(onnx(**settings), long)

    assert heard(some) == heard(others)
    assert largest_difference(some, others) < 1e-4
    borders = [[(s.start_s, s.end_s, s.label, s.text) for s in one.segments] for one in some]
    assert borders == [[(s.start_s, s.end_s, s.label, s.text) for s in other.segments] for other in others]
    assert min(len(stretches) for stretches in borders) > 2
    assert max(end - start for stretches in borders for start, end, *_ in stretches) <= 3.0


@pytest.mark.parametrize("make", [local, onnx])
def test_calls_at_once_are_answered_as_one_after_another(clips: list[Float32], make: Any) -> None:
    """Single clips and batches at the same time, each through the detector and in chunks."""
    calls = [clips[0:1], clips[10:13], clips[20:21], clips[30:33], clips[40:41], clips[50:53]]
    settings: dict[str, Any] = {"vad_threshold": 0.5, "chunk_size": 0.8, "batch_size": 3}
    if make is onnx:
        settings["workers"] = 2

    async def at_once() -> list[Any]:
        async with make(**settings) as backend:
            said = await asyncio.gather(*[backend.recognize([request(one) for one in call]) for call in calls])
        return [answer for answers in said for answer in answers]

    together = asyncio.run(at_once())
    alone = [answer for call in calls for answer in ask(make(**settings), call, calls_of=3)]

    assert [replace(one, stages_ms={}) for one in together] == [replace(one, stages_ms={}) for one in alone]


def test_silence_is_no_speech_beside_clips_that_have_some(clips: list[Float32]) -> None:
    silence = np.zeros(2 * SAMPLE_RATE_HZ, np.float32)

    first, quiet, last = ask(local(vad_threshold=0.6), [clips[0], silence, clips[1]], calls_of=3)

    assert quiet.no_speech
    assert (quiet.label, quiet.forced, quiet.segments) == (None, None, ())
    assert first.scores is not None
    assert last.scores is not None
    assert first.segments


def test_joins_of_recordings_are_found(emodb_root: Path) -> None:
    """Two minutes of utterances with pauses of 0.5 to 1.5 s: where each begins and ends is known."""
    rng = np.random.default_rng(11)
    paths = sorted(emodb_root.rglob("*.wav"))
    parts: list[Float32] = []
    joins: list[float] = []
    while sum(map(len, parts)) < 120 * SAMPLE_RATE_HZ:
        utterance = _without_silence(decode(paths[int(rng.integers(len(paths)))]).samples)
        begin_s = sum(map(len, parts)) / SAMPLE_RATE_HZ
        joins += [begin_s, begin_s + len(utterance) / SAMPLE_RATE_HZ]
        pause = np.zeros(round(rng.uniform(0.5, 1.5) * SAMPLE_RATE_HZ), np.float32)
        parts += [utterance, pause]

    (answer,) = ask(local(vad_threshold=0.5), [np.concatenate(parts)])

    borders = np.array([border for s in answer.segments for border in (s.start_s, s.end_s)])
    found = [float(np.abs(borders - join).min()) <= 0.2 for join in joins]
    assert np.mean(found) >= 0.9
    assert answer.label in (*EMOTIONS, UNKNOWN)


def test_without_all_emotions_only_the_label_and_its_probability_stay(
    clips: list[Float32], answers: list[Prediction]
) -> None:
    bare = ask(local(return_all_emotions=False), clips[:8])
    stretched = ask(local(return_all_emotions=False, chunk_size=0.8), clips[:8])

    assert all(one.scores is None for one in [*bare, *stretched])
    assert all(segment.scores is None for one in stretched for segment in one.segments)
    assert labels(bare) == labels(answers[:8])
    assert [one.confidence for one in bare] == pytest.approx([one.confidence for one in answers[:8]], abs=1e-6)


def _without_silence(samples: Float32) -> Float32:
    """The recording from its first to its last sound, so that a join is where speech meets the pause."""
    loud = np.flatnonzero(np.abs(samples) > 0.03 * np.abs(samples).max())
    return samples[loud[0] : loud[-1] + 1]


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_compiled_blocks_say_the_same(clips: list[Float32], answers: list[Prediction]) -> None:
    some = slice(0, 24, 5)

    one_by_one = ask(local(compile=True), clips[some], 1)
    together = ask(local(compile=True), clips[some])

    assert heard(one_by_one) == heard(together) == heard(answers[some])
    assert max(largest_difference(one, answers[some]) for one in (one_by_one, together)) < 1e-5


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_where_torch_cannot_compile_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = importlib.import_module("torch")
    torch.compiler.reset()
    monkeypatch.setattr(importlib.import_module("torch._inductor.config").cpp, "cxx", (None, "/no/such/compiler"))
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))

    with pytest.raises(ModelError, match=r"backend.compile=true: torch can't compile .*use backend.compile=false"):
        ask(local(compile=True), [])


def test_a_sweep_opens_a_network_anew_only_where_it_would_be_another(tmp_path: Path) -> None:
    directory = tmp_path / "model"
    shutil.copytree(bundled_model(), directory)
    store = MemoryStore(2**20)

    def engine(**settings: Any) -> object:
        async def open_and_look() -> object:
            backend = LocalBackend(**{"model": str(directory), "device": "cpu", "threads": 1, **settings})
            backend.share(store)
            async with backend:
                return backend._recogniser.engine

        return asyncio.run(open_and_look())

    first = engine()
    assert engine(chunk_size=2.0, batch_size=2) is first
    for change in ({"precision": "bf16"}, {"threads": 2}, {"language": "zh"}, {"use_itn": True}):
        assert engine() is not engine(**change)
    second = engine()
    os.utime(directory / "model.pt", (1, 1))
    assert engine() is not second
