"""A plug-in behind the service decides neither how the service ends nor what a caller gets that is no answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pytest

from sv_eval.backend import Answer, BackendInfo, Capabilities, Request, StreamUpdate
from sv_eval.errors import BackendLost, InferenceError, ModelError
from sv_eval.records import Prediction
from sv_eval.run.event_loop import finished
from sv_eval.serve.config import ServeConfig
from sv_eval.serve.meters import ServiceMetrics
from sv_eval.serve.recognition import Recognition, Upload
from sv_eval.serve.streams import Streams
from sv_eval.serve.trace import Trace
from sv_eval.wire.messages import StreamStart
from sv_eval.wire.problems import ServiceError

SPEECH = (np.random.default_rng(0).normal(0, 3000, 16_000)).astype("<i2").tobytes()
ENDS = [
    SystemExit(0),
    SystemExit(3),
    asyncio.CancelledError(),
    GeneratorExit(),
    KeyboardInterrupt(),
    ValueError("x"),
]

UPDATE = StreamUpdate(
    start_s=0.0, end_s=1.0, label="sad", scores={"sad": 1.0}, chunk_scores={"sad": 1.0}, compute_ms=1.0
)


class Hostile:
    """Raises what it was told to where it was told to."""

    def __init__(self, where: str = "", error: BaseException | None = None, *, in_process: bool = True) -> None:
        self._where, self._error = where, error
        self._able = Capabilities(streams=True, detects_speech=True)
        self._info = BackendInfo(name="hostile", model="hostile", in_process=in_process)
        self.closed = 0
        self.update: Any = UPDATE
        self.answer: Any = Prediction(label="sad", forced="sad", scores={"sad": 1.0})

    def _maybe(self, where: str) -> None:
        if self._where == where and self._error is not None:
            raise self._error

    @property
    def capabilities(self) -> Capabilities:
        self._maybe("capabilities")
        return self._able

    @property
    def info(self) -> BackendInfo:
        self._maybe("info")
        return self._info

    async def __aenter__(self) -> Self:
        self._maybe("opening")
        return self

    async def __aexit__(self, *reason: object) -> None:
        self.closed += 1
        self._maybe("closing")

    async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
        self._maybe("recognising")
        return [self.answer for _ in requests]

    async def detect(self, request: Request) -> Any:
        self._maybe("detecting")
        return [(0.0, 0.5)] if self._where != "lying" else "nothing"

    async def stream(self, blocks: AsyncIterator[Any], *, callback: Callable[[Any], None], **_: object) -> Any:
        async for _block in blocks:
            callback(self.update)
            self._maybe("streaming")
        return self.answer


def with_recognition(backend: Hostile, work: Callable[[Recognition], Awaitable[Any]]) -> Any:
    async def go() -> Any:
        recognition = Recognition(backend, ServeConfig(shutdown_s=0.2), ServiceMetrics())
        try:
            await recognition.open()
            return await work(recognition)
        finally:
            await recognition.close()

    return finished(go())


def refusal(work: Callable[[], Any]) -> str:
    """The code of the error that a caller gets."""
    with pytest.raises(ServiceError) as caught:
        work()
    return caught.value.code.word


async def nothing(_: Recognition) -> None:
    """What is done with a service that only opens and closes."""


@pytest.mark.parametrize("error", ENDS, ids=repr)
@pytest.mark.parametrize("where", ["opening", "capabilities", "info", "recognising", "closing"])
def test_what_it_raises_around_its_work_is_a_lost_backend(where: str, error: BaseException) -> None:
    backend = Hostile(where, error)

    with pytest.raises(BackendLost) as caught:
        with_recognition(backend, nothing)

    assert caught.value.exit_code == 5
    assert backend.closed == (where != "opening")


def test_what_the_user_can_mend_keeps_its_words() -> None:
    with pytest.raises(ModelError, match="no such model"):
        with_recognition(Hostile("opening", ModelError("no such model")), nothing)


def test_one_that_never_closes_is_waited_for_no_longer_than_for_callers() -> None:
    class Endless(Hostile):
        async def __aexit__(self, *reason: object) -> None:
            await asyncio.sleep(3600)

    with pytest.raises(BackendLost, match="while it was closed"):
        with_recognition(Endless(), nothing)


async def _pieces() -> AsyncIterator[bytes]:
    for place in range(0, len(SPEECH), 8000):
        yield SPEECH[place : place + 8000]


def streamed(backend: Hostile, pieces: Callable[[], AsyncIterator[bytes]] = _pieces) -> list[Any]:
    async def converse(recognition: Recognition) -> list[Any]:
        start = StreamStart(type="start", sample_rate=16_000)
        trace = Trace(request_id="r")
        return [one async for one in Streams(recognition).updates(start, pieces(), trace)]

    return list(with_recognition(backend, converse))


@pytest.mark.parametrize("error", ENDS, ids=repr)
def test_what_it_raises_in_a_stream_ends_that_stream_alone(error: BaseException) -> None:
    assert refusal(lambda: streamed(Hostile("streaming", error))) == "inference_failed"


def test_a_backend_that_is_lost_in_a_stream_is_not_ready() -> None:
    assert refusal(lambda: streamed(Hostile("streaming", BackendLost("gone")))) == "not_ready"


ODD_UPDATES = [None, {"label": "sad"}, replace(UPDATE, end_s=float("nan")), replace(UPDATE, label="x")]


@pytest.mark.parametrize("update", ODD_UPDATES, ids=repr)
def test_updates_that_are_none_reach_no_caller(update: object) -> None:
    backend = Hostile()
    backend.update = update
    if update is None:
        # None ends what is told, and no stream.
        assert len(streamed(backend)) == 1
        return
    assert refusal(lambda: streamed(backend)) == "inference_failed"


@pytest.mark.parametrize("answer", [None, "sad", Prediction(label="sad", forced="sad", confidence=93.0)], ids=repr)
def test_a_last_answer_that_is_none_reaches_no_caller(answer: object) -> None:
    backend = Hostile()

    async def pieces() -> AsyncIterator[bytes]:
        # Not before: it is asked on opening, too.
        backend.answer = answer
        async for piece in _pieces():
            yield piece

    assert refusal(lambda: streamed(backend, pieces)) == "inference_failed"


def test_what_a_caller_did_wrong_stays_the_callers_error_whatever_a_backend_makes_of_it() -> None:
    class Swallowing(Hostile):
        async def stream(self, blocks: AsyncIterator[Any], **_: object) -> Prediction:
            try:
                async for _block in blocks:
                    continue
            except ServiceError:
                raise SystemExit(0) from None
            return Prediction(label="sad", forced="sad")

    async def broken() -> AsyncIterator[bytes]:
        yield SPEECH[:800]
        raise ServiceError("request_timeout", "the stream trickles")

    assert refusal(lambda: streamed(Swallowing(), broken)) == "request_timeout"


@pytest.mark.parametrize("error", [*ENDS, InferenceError("x", "y")], ids=repr)
def test_what_it_raises_in_detecting_speech_fails_that_upload_alone(error: BaseException) -> None:
    assert refusal(lambda: _inspected(Hostile("detecting", error))) == "inference_failed"


def test_stretches_of_speech_that_are_none_fail_that_upload_alone() -> None:
    assert refusal(lambda: _inspected(Hostile("lying"))) == "inference_failed"


def _inspected(backend: Hostile) -> Any:
    upload = Upload(data=SPEECH, format="pcm_s16le")
    return with_recognition(backend, lambda recognition: recognition.inspect(upload, Trace(request_id="r")))
