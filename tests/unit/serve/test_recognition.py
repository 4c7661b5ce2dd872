"""What becomes of a recording between the protocols and the backend."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self

import numpy as np
import pytest

from sv_eval.backend import Answer, BackendInfo, Capabilities, Request
from sv_eval.records import Failure, Prediction, Segment
from sv_eval.serve.config import ServeConfig
from sv_eval.serve.meters import ServiceMetrics
from sv_eval.serve.recognition import Recognition, Upload, slug
from sv_eval.serve.trace import Trace
from sv_eval.wire.messages import Options
from sv_eval.wire.problems import ServiceError

SPEECH = (np.random.default_rng(0).normal(0, 3000, 16_000)).astype("<i2").tobytes()


class Backend:
    """Answers what it was told to, and keeps what it was asked."""

    def __init__(self, answer: Answer | None = None, **able: Any) -> None:
        self.answer = answer or Prediction(
            label="sad", forced="sad", scores={"sad": 1.0}, confidence=1.0, text="so"
        )
        self.capabilities = Capabilities(**able)
        self.info = BackendInfo(name="told", model="A model (small)", in_process=False)
        self.asked: list[Request] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *reason: object) -> None:
        """Nothing to release."""

    async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
        self.asked += requests
        return [self.answer] * len(requests)


def with_recognition(
    backend: Backend, work: Callable[[Recognition], Awaitable[Any]], config: ServeConfig | None = None
) -> Any:
    async def go() -> Any:
        recognition = Recognition(backend, config or ServeConfig(), ServiceMetrics())
        await recognition.open()
        try:
            return await work(recognition)
        finally:
            await recognition.close()

    return asyncio.run(go())


def ask(backend: Backend, data: bytes = SPEECH, trace: Trace | None = None, **options: Any) -> Any:
    upload = Upload(data=data, format="pcm_s16le")
    return with_recognition(
        backend, lambda service: service.recognise(upload, Options(**options), trace or Trace(request_id="r"))
    )


def code_of(backend: Backend, data: bytes = SPEECH, trace: Trace | None = None, **options: Any) -> str:
    with pytest.raises(ServiceError) as caught:
        ask(backend, data, trace, **options)
    return caught.value.code.word


@pytest.mark.parametrize(
    ("able", "settings", "expected"),
    [
        ({"max_batch": 8}, {}, 8),
        ({"max_batch": 8}, {"batch_size": 3}, 3),
        ({"max_batch": 2}, {"batch_size": 3}, 2),
        ({"max_batch": 8, "batch_invariant": False}, {}, 1),
        ({"max_batch": 8, "batch_invariant": False}, {"vary_with_batch": True}, 8),
    ],
)
def test_a_batch_is_as_large_as_backend_and_operator_allow(
    able: dict[str, Any], settings: dict[str, Any], expected: int
) -> None:
    async def look(recognition: Recognition) -> int:
        return recognition.batcher.rule.max_batch

    assert with_recognition(Backend(**able), look, ServeConfig(**settings)) == expected


def test_a_request_s_own_settings_reach_a_backend_that_takes_them() -> None:
    backend = Backend(adjusts=("language", "chunk_size"), languages=("auto", "de"))
    ask(backend, language="de", chunk_size=3.0)
    assert (backend.asked[0].adjustments.language, backend.asked[0].adjustments.chunk_size) == ("de", 3.0)


def test_what_a_backend_does_not_take_is_refused_and_not_ignored() -> None:
    assert code_of(Backend(), use_itn=True) == "unsupported_parameter"
    assert code_of(Backend(languages=("auto",), adjusts=("language",)), language="de") == "unknown_language"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Prediction(no_speech=True), "silence"),
        (Failure(kind="vad_unavailable", message="x"), "unsupported_parameter"),
        (Failure(kind="bad_setting", message="x"), "invalid_parameter"),
        (Failure(kind="too_long", message="x"), "too_long"),
        (Failure(kind="out_of_memory", message="x"), "inference_failed"),
        (Failure(kind="whatever", message="secret path"), "inference_failed"),
    ],
)
def test_what_a_backend_fails_with_has_a_code(answer: Answer, code: str) -> None:
    assert code_of(Backend(answer)) == code


def test_the_reason_of_a_failure_is_for_the_log_alone() -> None:
    trace = Trace(request_id="r")
    with pytest.raises(ServiceError) as caught:
        ask(Backend(Failure(kind="whatever", message="secret path")), trace=trace)
    assert "secret" not in str(caught.value)
    assert trace.reason == "whatever: secret path"


def test_silence_is_found_before_the_model_is_asked() -> None:
    backend = Backend()
    assert code_of(backend, bytes(32_000)) == "silence"
    assert code_of(backend, np.full(16_000, 20, "<i2").tobytes()) == "silence"
    assert backend.asked == []


def test_what_was_noted_of_a_request() -> None:
    trace = Trace(request_id="r")
    said = Prediction(label="sad", scores={"sad": 1.0}, confidence=1.0, text="so", stages_ms={"inference": 2.0})
    data = ask(Backend(said), trace=trace)
    assert (trace.emotion, trace.confidence, trace.text, trace.audio_s, trace.batch_size) == (
        "sad",
        1.0,
        "so",
        1.0,
        1,
    )
    assert {"decode", "queue", "inference"} <= set(trace.stages_ms)
    assert data.model == "a-model-small" == slug("A model (small)")


def test_segments_are_passed_on() -> None:
    pieces = (Segment(start_s=0.0, end_s=0.5, label="sad"), Segment(start_s=0.5, end_s=1.0, label="happy"))
    data = ask(Backend(Prediction(label="sad", segments=pieces)))
    assert [(piece.start, piece.end, piece.emotion) for piece in data.segments] == [
        (0, 0.5, "sad"),
        (0.5, 1, "happy"),
    ]


def test_without_a_detector_an_upload_says_why_there_is_no_speech_share() -> None:
    upload = Upload(data=SPEECH, format="pcm_s16le")
    data = with_recognition(Backend(), lambda service: service.inspect(upload, Trace(request_id="r")))
    assert (data.speech_share, data.speech_share_reason) == (None, "this backend does not detect speech")


def test_the_deadline_counts_from_the_complete_body() -> None:
    trace = Trace(request_id="r", received_s=-100.0)
    assert code_of(Backend(), trace=trace) == "deadline_exceeded"


def test_floats_in_the_scale_of_integers_are_refused_in_a_caller_s_words() -> None:
    samples = np.frombuffer(SPEECH, "<i2").astype("<f4").tobytes()
    upload = Upload(data=samples, format="pcm_f32le")

    with pytest.raises(ServiceError, match="full scale is 1") as caught:
        with_recognition(Backend(), lambda service: service.recognise(upload, Options(), Trace(request_id="r")))

    assert caught.value.code.word == "not_audio"
