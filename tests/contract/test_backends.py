"""What every backend must keep, whatever it is. Add yours to `BACKENDS`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from backends.fake import FakeBackend
from backends.local import LocalBackend
from backends.onnx import OnnxBackend
from sv_eval.backend import Answer, Backend, Request, is_backend
from sv_eval.emotions import EMOTIONS, UNKNOWN
from sv_eval.records import Prediction, Waveform

Make = Callable[[], Backend]
BACKENDS: dict[str, Make] = {
    "fake": FakeBackend,
    "fake in batches": lambda: FakeBackend(batch_size=4, concurrency=3),
    "onnx": lambda: OnnxBackend(threads=1, batch_size=4),
    "onnx, two at once": lambda: OnnxBackend(threads=1, batch_size=4, workers=2),
    "onnx in chunks": lambda: OnnxBackend(threads=1, batch_size=4, chunk_size=0.5),
    "local": lambda: LocalBackend(model="bundled", device="cpu", threads=1, batch_size=4),
}


@pytest.fixture(params=list(BACKENDS))
def make(request: pytest.FixtureRequest) -> Make:
    return BACKENDS[request.param]


def request_of(name: str, seconds: float = 1.0) -> Request:
    rng = np.random.default_rng(len(name) + int(seconds * 1000))
    samples = (0.05 * rng.standard_normal(round(seconds * 16_000))).astype(np.float32)
    return Request(clip_id=name, waveform=Waveform(samples=samples), reference="happy")


def ask(make: Make, *batches: Sequence[Request]) -> list[Sequence[Answer]]:
    async def drive() -> list[Sequence[Answer]]:
        async with make() as backend:
            return [await backend.recognize(batch) for batch in batches]

    return asyncio.run(drive())


def prediction(answer: Answer) -> Prediction:
    assert isinstance(answer, Prediction), answer
    return answer


def test_it_fits_the_protocol(make: Make) -> None:
    assert is_backend(make())


def test_it_declares_what_it_can_do_before_and_after_it_is_open(make: Make) -> None:
    async def drive() -> None:
        backend = make()
        assert backend.capabilities.max_batch >= 1
        async with backend:
            assert set(backend.capabilities.labels) <= set(EMOTIONS)
            assert backend.capabilities.labels
            assert backend.info.name
            assert backend.info.model

    asyncio.run(drive())


def test_every_request_gets_its_answer_in_order(make: Make) -> None:
    requests = [request_of(f"clip{i}", 0.3 + 0.2 * i) for i in range(make().capabilities.max_batch)]

    (together,) = ask(make, requests)
    alone = ask(make, *[[request] for request in requests])

    assert len(together) == len(requests)
    for one, batched in zip(alone, together, strict=True):
        assert prediction(one[0]).label == prediction(batched).label


def test_scores_are_a_distribution_that_agrees_with_the_labels(make: Make) -> None:
    (answers,) = ask(make, [request_of("clip")])
    answer = prediction(answers[0])

    assert answer.scores is not None
    assert sum(answer.scores.values()) == pytest.approx(1)
    assert set(answer.scores) <= {*EMOTIONS, UNKNOWN}
    assert answer.forced in EMOTIONS
    if answer.label is not None:
        assert answer.confidence == pytest.approx(answer.scores[answer.label])


def test_the_same_clip_gets_the_same_answer_again(make: Make) -> None:
    if not make().capabilities.deterministic:
        pytest.skip("the backend declares that it is not deterministic")

    first, again = ask(make, [request_of("clip")], [request_of("clip")])

    assert prediction(first[0]).scores == prediction(again[0]).scores
    assert prediction(first[0]).text == prediction(again[0]).text


def test_many_calls_at_once_answer_as_one_after_another(make: Make) -> None:
    requests = [request_of(f"clip{i}", 0.4 + 0.1 * (i % 5)) for i in range(12)]

    async def at_once() -> list[Sequence[Answer]]:
        async with make() as backend:
            return list(await asyncio.gather(*[backend.recognize([request]) for request in requests]))

    concurrent = asyncio.run(at_once())
    serial = ask(make, *[[request] for request in requests])

    for one, other in zip(concurrent, serial, strict=True):
        assert prediction(one[0]).scores == prediction(other[0]).scores


@pytest.mark.parametrize("seconds", [0.001, 0.02, 0.026, 30.0])
def test_very_short_and_long_clips_are_answered(make: Make, seconds: float) -> None:
    (answers,) = ask(make, [request_of("clip", seconds)])

    prediction(answers[0])


def test_silence_is_answered(make: Make) -> None:
    silence = Request(clip_id="s", waveform=Waveform(samples=np.zeros(16_000, np.float32)), reference="happy")

    (answers,) = ask(make, [silence])

    prediction(answers[0])


def test_it_can_be_opened_again(make: Make) -> None:
    async def drive() -> None:
        backend = make()
        for _ in range(2):
            async with backend:
                await backend.recognize([request_of("clip")])

    asyncio.run(drive())
