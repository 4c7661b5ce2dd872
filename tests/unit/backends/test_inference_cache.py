"""Answers put together from work that other settings did equal those of a backend by itself, bit for bit."""

from __future__ import annotations

import asyncio
import os
import shutil
import weakref
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sv_eval.backend import Answer, Request
from sv_eval.backends.onnx import OnnxBackend
from sv_eval.backends.onnx_engine import OnnxEngine
from sv_eval.backends.segmentation.silero import SileroVad
from sv_eval.backends.sensevoice.model_dir import bundled_model
from sv_eval.backends.sensevoice.models.export import export
from sv_eval.data.audio.decoding import decode
from sv_eval.errors import ModelError
from sv_eval.records import Prediction, Waveform
from sv_eval.run.store import MIB, MemoryStore

SETTINGS: list[dict[str, Any]] = [
    {"vad_threshold": threshold, "chunk_size": chunk} for threshold in (0.3, 0.6, 0.9) for chunk in (None, 0.6, 1.2)
] + [{}, {"chunk_size": 0.9}, {"vad_threshold": 0.5, "combine": "vote"}, {"language": "zh"}, {"use_itn": True}]


@pytest.fixture(scope="module")
def waveforms(demo_clips: list[Path]) -> dict[str, Waveform]:
    """Some clips, a long one put together of three, and silence."""
    some = {path.stem: decode(path) for path in demo_clips[::25]}
    joined = np.concatenate([one.samples for one in list(some.values())[:3]])
    return {**some, "long": Waveform(samples=joined), "silence": Waveform(samples=np.zeros(40_000, np.float32))}


def answers(
    backend: OnnxBackend, waveforms: dict[str, Waveform], *, store: MemoryStore | None
) -> dict[str, Answer]:
    if store is not None:
        backend.share(store)

    async def ask() -> dict[str, Answer]:
        found = {}
        async with backend:
            for name, waveform in waveforms.items():
                key = None if store is None else name
                (found[name],) = await backend.recognize([Request(clip_id=name, waveform=waveform, audio_key=key)])
        return found

    return asyncio.run(ask())


def without_times(said: dict[str, Answer]) -> dict[str, Answer]:
    return {name: replace(one, stages_ms={}) if isinstance(one, Prediction) else one for name, one in said.items()}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The bundled model with an int8 graph."""
    pytest.importorskip("onnx", reason="onnx, which writes int8 graphs, is not installed")
    folder = tmp_path_factory.mktemp("exported")
    export(bundled_model(), folder, ["fp32", "int8"])
    return str(folder)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_shared_answers_are_those_of_each_setting_by_itself(
    waveforms: dict[str, Waveform], precision: str, exported: str
) -> None:
    store = MemoryStore(64 * MIB)

    for setting in SETTINGS:
        apart = answers(
            OnnxBackend(model=exported, threads=1, precision=precision, **setting), waveforms, store=None
        )
        together = answers(
            OnnxBackend(model=exported, threads=1, precision=precision, **setting), waveforms, store=store
        )

        # Equality of the records: every label, score, text and boundary, to the last bit.
        assert together == without_times(apart), setting
    assert store.found > 50


def test_a_full_store_changes_no_answer(waveforms: dict[str, Waveform]) -> None:
    setting: dict[str, Any] = {"vad_threshold": 0.5, "chunk_size": 0.8}
    apart = answers(OnnxBackend(threads=1, **setting), waveforms, store=None)

    for limit in (0, 4000):
        store = MemoryStore(limit)
        assert answers(OnnxBackend(threads=1, **setting), waveforms, store=store) == without_times(apart)
        assert store.used_bytes <= limit


class Counted(OnnxBackend):
    """Counts the stretches that are inferred and the clips in which speech is looked for."""

    stretches: int = 0
    detected: int = 0

    async def __aenter__(self) -> Counted:
        await super().__aenter__()
        recogniser = self._recogniser
        engine, detector = recogniser.engine, recogniser.segmenter.detector
        assert isinstance(engine, OnnxEngine)
        assert isinstance(detector, SileroVad)
        # Not what an earlier backend put in its place: they may have the engine in common.
        infer, detect = partial(OnnxEngine.infer, engine), detector.__call__

        def counting_infer(batch: Mapping[str, Any]) -> Any:
            self.stretches += len(batch["speech"])
            return infer(batch)

        class Detector:
            name, frame = detector.name, detector.frame

            def __call__(inner, samples: Any) -> Any:  # noqa: N805 - `self` is the backend
                self.detected += 1
                return detect(samples)

        engine.infer = counting_infer  # type: ignore[method-assign]
        recogniser.segmenter.detector = Detector()
        return self


def test_speech_is_looked_for_once_a_clip_and_no_stretch_is_inferred_twice(waveforms: dict[str, Waveform]) -> None:
    store = MemoryStore(64 * MIB)
    first = Counted(threads=1, vad_threshold=0.5, chunk_size=1.0)
    same = Counted(threads=1, vad_threshold=0.5, chunk_size=1.0)
    other = Counted(threads=1, vad_threshold=0.9, chunk_size=1.0)
    alone = Counted(threads=1, vad_threshold=0.9, chunk_size=1.0)

    for backend in (first, same, other):
        answers(backend, waveforms, store=store)
    answers(alone, waveforms, store=None)

    assert first.detected == len(waveforms)
    assert first.stretches > len(waveforms)
    assert (same.detected, same.stretches) == (0, 0)
    assert other.detected == 0
    assert 0 < other.stretches < alone.stretches
    assert alone.detected == len(waveforms)


def test_other_weights_and_runtimes_share_no_answer(waveforms: dict[str, Waveform], exported: str) -> None:
    store = MemoryStore(64 * MIB)
    one = Counted(model=exported, threads=1, vad_threshold=0.5)
    two = Counted(model=exported, threads=2, vad_threshold=0.5)
    int8 = Counted(model=exported, threads=1, vad_threshold=0.5, precision="int8")

    for backend in (one, two, int8):
        answers(backend, waveforms, store=store)

    assert one.stretches == two.stretches == int8.stretches > 0
    assert (two.detected, int8.detected) == (0, 0)


def test_a_model_is_opened_once_for_settings_that_differ_in_what_is_around_it(
    exported: str, tmp_path: Path
) -> None:
    directory = tmp_path / "model"
    shutil.copytree(exported, directory)
    store = MemoryStore(64 * MIB)

    async def engine_of(store: MemoryStore | None, **settings: Any) -> OnnxEngine:
        backend = OnnxBackend(**{"model": str(directory), "threads": 1, **settings})
        if store is not None:
            backend.share(store)
        async with backend:
            engine = backend._recogniser.engine
        assert isinstance(engine, OnnxEngine)
        return engine

    def engine(**settings: Any) -> OnnxEngine:
        return asyncio.run(engine_of(store, **settings))

    first = engine(vad_threshold=0.5)
    assert engine(chunk_size=1.0, batch_size=2, combine="max") is first
    assert asyncio.run(engine_of(None)) is not first
    # Whatever the session itself, or what it is asked, depends on.
    assert engine(threads=2) is not first
    assert engine(language="zh") is not first
    assert engine(precision="int8") is not first

    second = engine()
    os.utime(directory / "model.onnx", (1, 1))
    assert engine() is not second


def test_a_model_that_is_not_wanted_any_more_is_let_go_before_another_is_opened() -> None:
    class Model:
        pass

    store = MemoryStore(0)
    first = weakref.ref(store.opened("one", Model))
    assert first() is not None
    there = []

    store.opened("two", lambda: there.append(first()) or Model())

    assert there == [None]


def test_a_model_that_can_not_be_opened_is_tried_again() -> None:
    store = MemoryStore(0)

    def broken() -> int:
        raise ModelError("no")

    with pytest.raises(ModelError):
        store.opened("one", broken)

    assert store.opened("one", lambda: 3) == 3
