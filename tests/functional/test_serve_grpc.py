"""The gRPC API as its callers see it, on the bundled model and bundled clips."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
import soundfile
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from sv_eval.wire import emotion_pb2 as pb
from sv_eval.wire import emotion_pb2_grpc

Serve = Callable[..., Any]


def open_channel(service: Any) -> grpc.Channel:
    return grpc.insecure_channel(service.event("listening")["grpc"])


@pytest.fixture(scope="module")
def service(serving: Serve) -> Iterator[Any]:
    with serving("serve.grpc_port=0", "serve.limits.max_duration_s=20") as it:
        yield it


@pytest.fixture(scope="module")
def channel(service: Any) -> Iterator[grpc.Channel]:
    with open_channel(service) as it:
        yield it


@pytest.fixture(scope="module")
def stub(channel: grpc.Channel) -> Any:
    return emotion_pb2_grpc.EmotionRecognitionStub(channel)  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def clip(demo_clips: list[Path]) -> bytes:
    return demo_clips[0].read_bytes()


def noise(seconds: float) -> bytes:
    return (np.random.default_rng(0).normal(0, 3000, round(seconds * 16_000))).astype("<i2").tobytes()


def raw(data: bytes, **more: Any) -> Any:
    return pb.RecognizeRequest(audio=data, format=pb.AUDIO_FORMAT_PCM_S16LE, **more)


def refusal(call: Callable[[], Any]) -> tuple[str, str]:
    """The status and the code of a call that must fail."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error: Any = caught.value
    return error.code().name, dict(error.trailing_metadata()).get("code", "")


def test_the_answer_is_the_one_that_http_gives(service: Any, stub: Any, clip: bytes) -> None:
    options = pb.Options(return_all_emotions=True, language="en", chunk_size=0.8)
    answer = stub.Recognize(pb.RecognizeRequest(audio=clip, options=options))
    body = {
        "audio": base64.b64encode(clip).decode(),
        "return_all_emotions": True,
        "language": "en",
        "chunk_size": 0.8,
    }
    data = httpx.post(f"{service.url}/v1/emotion", json=body, timeout=120).json()["data"]
    assert pb.Emotion.Name(answer.emotion) == f"EMOTION_{data['emotion'].upper()}"
    for name in ("text", "confidence", "duration", "language", "event", "model"):
        assert getattr(answer, name) == data[name]
    scores = {pb.Emotion.Name(score.emotion)[8:].lower(): score.probability for score in answer.scores}
    assert scores == data["scores"]
    assert [segment.text for segment in answer.segments] == [segment["text"] for segment in data["segments"]]
    assert len(answer.segments) > 1


def test_the_caller_s_request_id_comes_back(stub: Any, clip: bytes) -> None:
    answer, call = stub.Recognize.with_call(
        pb.RecognizeRequest(audio=clip), metadata=(("x-request-id", "order-66"),)
    )
    assert answer.request_id == "order-66"
    assert dict(call.initial_metadata())["x-request-id"] == "order-66"


def test_a_stream_gives_partial_results_and_then_the_final_one(stub: Any, demo_clips: list[Path]) -> None:
    samples, _ = soundfile.read(demo_clips[0], dtype="int16")
    data = samples.astype("<i2").tobytes()

    def messages() -> Iterator[Any]:
        config = pb.StreamingConfig(
            encoding=pb.AUDIO_FORMAT_PCM_S16LE, options=pb.Options(return_all_emotions=True)
        )
        yield pb.StreamingRecognizeRequest(config=config)
        for at in range(0, len(data), 3_201):
            yield pb.StreamingRecognizeRequest(audio=data[at : at + 3_201])

    *partials, last = list(stub.StreamingRecognize(messages()))
    assert [message.WhichOneof("result") for message in partials] == ["partial"] * len(partials)
    assert len(partials) == int(-(-len(samples) // 16_000))
    assert last.final.duration == pytest.approx(len(samples) / 16_000, abs=1e-3)
    assert last.final.emotion == partials[-1].partial.emotion
    assert sum(score.probability for score in partials[0].partial.scores) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (pb.RecognizeRequest(), "INVALID_ARGUMENT", "empty"),
        (pb.RecognizeRequest(audio=b"no audio at all" * 50), "INVALID_ARGUMENT", "not_audio"),
        (raw(noise(25)), "INVALID_ARGUMENT", "too_long"),
        (raw(noise(0.01)), "INVALID_ARGUMENT", "too_short"),
        (raw(bytes(32_000)), "INVALID_ARGUMENT", "silence"),
        (raw(bytes(32_001)), "INVALID_ARGUMENT", "truncated"),
        (raw(noise(1), sample_rate=3), "INVALID_ARGUMENT", "invalid_parameter"),
        (raw(noise(1), options=pb.Options(vad_threshold=3)), "INVALID_ARGUMENT", "invalid_parameter"),
        (raw(noise(1), options=pb.Options(chunk_size=float("nan"))), "INVALID_ARGUMENT", "invalid_parameter"),
        (raw(noise(1), options=pb.Options(language="klingon")), "INVALID_ARGUMENT", "unknown_language"),
        (pb.RecognizeRequest(audio=noise(1), format=99), "INVALID_ARGUMENT", "unsupported_format"),  # type: ignore[arg-type]
    ],
)
def test_what_is_wrong_is_said_with_a_status_and_a_code(stub: Any, request_: Any, status: str, code: str) -> None:
    assert refusal(lambda: stub.Recognize(request_)) == (status, code)


def test_what_is_wrong_with_a_stream(stub: Any) -> None:
    def sent(*messages: Any) -> tuple[str, str]:
        return refusal(lambda: list(stub.StreamingRecognize(iter(messages))))

    config = pb.StreamingRecognizeRequest(config=pb.StreamingConfig())
    assert sent() == ("INVALID_ARGUMENT", "invalid_request")
    assert sent(pb.StreamingRecognizeRequest(audio=b"xx")) == ("INVALID_ARGUMENT", "invalid_request")
    assert sent(config) == ("INVALID_ARGUMENT", "empty")
    assert sent(config, config) == ("INVALID_ARGUMENT", "invalid_request")
    chunks = pb.StreamingRecognizeRequest(config=pb.StreamingConfig(options=pb.Options(chunk_size=3)))
    assert sent(chunks) == ("FAILED_PRECONDITION", "unsupported_parameter")


def test_a_stream_that_falls_silent_is_ended(serving: Serve) -> None:
    over = threading.Event()

    def messages() -> Iterator[Any]:
        yield pb.StreamingRecognizeRequest(config=pb.StreamingConfig())
        over.wait(300)

    with serving("serve.grpc_port=0", "serve.streams.idle_s=1") as service, open_channel(service) as channel:
        stub = emotion_pb2_grpc.EmotionRecognitionStub(channel)  # type: ignore[no-untyped-call]
        found = refusal(lambda: list(stub.StreamingRecognize(messages())))
        over.set()
    assert found == ("DEADLINE_EXCEEDED", "request_timeout")


def test_health_and_reflection(channel: grpc.Channel) -> None:
    health = health_pb2_grpc.HealthStub(channel)  # type: ignore[no-untyped-call]
    for name in ("", "sv.emotion.v1.EmotionRecognition"):
        answer = health.Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    (listed,) = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([asked]))  # type: ignore[no-untyped-call]
    names = {service.name for service in listed.list_services_response.service}
    assert {"sv.emotion.v1.EmotionRecognition", "grpc.health.v1.Health"} <= names


def test_one_line_a_call(service: Any, stub: Any, clip: bytes) -> None:
    stub.Recognize(pb.RecognizeRequest(audio=clip), metadata=(("x-request-id", "look-for-me"),))
    line = service.request("look-for-me")
    assert line["path"] == "/sv.emotion.v1.EmotionRecognition/Recognize"
    assert line["status"] == "OK"
    assert line["audio_s"] > 0
    assert "inference_ms" in line


def test_keys_rates_and_deadlines(serving: Serve) -> None:
    slow = ("backend=fake", "backend.latency={p50_ms: 1500, p95_ms: 1500}", "serve.grpc_port=0")
    with (
        serving(*slow, "serve.rate_limit=0.001", "serve.rate_burst=1", SV_EVAL_API_KEYS="secret,other") as service,
        open_channel(service) as channel,
    ):
        stub = emotion_pb2_grpc.EmotionRecognitionStub(channel)  # type: ignore[no-untyped-call]
        key, other = ((("authorization", f"Bearer {name}"),) for name in ("secret", "other"))
        assert refusal(lambda: stub.Recognize(raw(noise(1)))) == ("UNAUTHENTICATED", "unauthorized")
        # By a caller of its own: on a busy machine the time may be over before the call is let in and counted.
        status, _ = refusal(lambda: stub.Recognize(raw(noise(1)), metadata=other, timeout=0.3))
        assert status == "DEADLINE_EXCEEDED"
        assert stub.Recognize(raw(noise(1)), metadata=key).emotion
        limited = refusal(lambda: stub.Recognize(raw(noise(1)), metadata=key))
        assert limited == ("RESOURCE_EXHAUSTED", "rate_limited")
        # Nobody is left inside, and nothing is held for them, once the call that was given up is over, too.
        until = time.monotonic() + 300
        while "sv_eval_requests_in_work 0.0" not in (
            metrics := httpx.get(f"{service.url}/metrics", timeout=120).text
        ):
            assert time.monotonic() < until, metrics
            time.sleep(0.05)
        assert "sv_eval_buffered_bytes 0.0" in metrics


def test_more_than_there_is_room_for(serving: Serve, held: Any) -> None:
    limits = ("serve.grpc_port=0", "serve.max_requests=1")
    with serving(*held.backend, *limits, **held.variables) as service, open_channel(service) as channel:
        stub = emotion_pb2_grpc.EmotionRecognitionStub(channel)  # type: ignore[no-untyped-call]
        refused = threading.Semaphore(0)
        calls = [stub.Recognize.future(raw(noise(1))) for _ in range(3)]
        for call in calls:
            call.add_done_callback(lambda _: refused.release())
        # The one that is let in is answered when the others have been refused.
        assert all(refused.acquire(timeout=300) for _ in range(2))
        held.let_go()
        codes = sorted(call.code().name for call in calls)
    assert codes == ["OK", "RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED"]


def test_a_port_that_is_taken(serving: Serve, service: Any) -> None:
    port = service.event("listening")["grpc"].rpartition(":")[2]
    with serving("backend=fake", f"serve.grpc_port={port}", ready=False) as second:
        assert second.process.wait(300) == 2
    said = [line["text"] for line in second.lines if line["event"] == "text"]
    assert len(said) == 1
    assert "serve.grpc_port" in said[0]


def test_the_stages_come_with_the_answer(stub: Any, clip: bytes) -> None:
    _, call = stub.Recognize.with_call(pb.RecognizeRequest(audio=clip))

    stages = dict(call.trailing_metadata())["server-timing"]
    assert "inference;dur=" in stages
    assert "total;dur=" in stages


def test_somebody_who_watches_the_health_does_not_hold_up_the_end(serving: Serve) -> None:
    # It would be held up for an hour, and the test end before.
    with serving("serve.grpc_port=0", "serve.shutdown_s=3600") as service, open_channel(service) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        first = next(watch)
        code = service.stop()
        with pytest.raises(grpc.RpcError) as caught:
            for _ in watch:
                pass

    assert first.status == health_pb2.HealthCheckResponse.SERVING
    assert code == 0
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE  # type: ignore[attr-defined]


def test_a_caller_is_looked_at_before_its_message_is_there_and_waited_for_no_longer_than_a_body(
    serving: Serve, clip: bytes
) -> None:
    ended = threading.Event()

    def silent() -> Iterator[bytes]:
        ended.wait(60)
        yield from ()

    with (
        serving(
            "backend=fake", "serve.grpc_port=0", "serve.limits.body_timeout_s=0.5", SV_EVAL_API_KEYS="right"
        ) as service,
        open_channel(service) as channel,
    ):
        # On the wire it is the method that takes one message; a stub can't leave that one out.
        call = channel.stream_unary("/sv.emotion.v1.EmotionRecognition/Recognize")
        wrong = refusal(lambda: call(silent(), metadata=[("x-api-key", "wrong")], timeout=30))
        late = refusal(lambda: call(silent(), metadata=[("x-api-key", "right")], timeout=30))
        none = refusal(lambda: call(iter(()), metadata=[("x-api-key", "right")], timeout=30))
        ended.set()

    assert wrong == ("UNAUTHENTICATED", "unauthorized")
    assert late[1] == "request_timeout"
    assert none == ("INVALID_ARGUMENT", "invalid_request")


def test_a_message_longer_than_a_recording_may_be_is_not_taken(serving: Serve) -> None:
    limits = ("serve.limits.max_encoded_bytes=200000", "serve.grpc_port=0")
    with serving(*limits) as service, open_channel(service) as channel:
        stub = emotion_pb2_grpc.EmotionRecognitionStub(channel)  # type: ignore[no-untyped-call]
        with pytest.raises(grpc.RpcError) as caught:
            stub.Recognize(raw(noise(20)), timeout=30)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert stub.Recognize(raw(noise(3)), timeout=60).request_id
