"""The websocket: partial results while the audio comes, then the final one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import soundfile
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

Serve = Callable[..., Any]


@pytest.fixture(scope="module")
def service(serving: Serve) -> Iterator[Any]:
    with serving("serve.streams.max_open=2", "serve.streams.max_duration_s=10") as it:
        yield it


def address(service: Any) -> str:
    return str(service.url.replace("http", "ws", 1)) + "/v1/emotion/stream"


def opened(where: str, **settings: Any) -> Any:
    """A connection, made and kept without hurry."""
    return connect(where, open_timeout=120, close_timeout=120, ping_interval=None, **settings)


def messages(socket: Any) -> Iterator[dict[str, Any]]:
    """What the service says, one after another, however it ends."""
    with suppress(ConnectionClosed):
        while True:
            yield json.loads(socket.recv())


def talk(service: Any, start: Any, pieces: list[bytes | str]) -> list[dict[str, Any]]:
    """Everything that the service says in a conversation."""
    with opened(address(service)) as socket:
        socket.send(start if isinstance(start, str | bytes) else json.dumps(start))
        # It may refuse while we still speak.
        with suppress(ConnectionClosed):
            for piece in pieces:
                socket.send(piece)
        return list(messages(socket))


def pcm(clip: Path, rate_hz: int = 16_000) -> bytes:
    samples, rate = soundfile.read(clip, dtype="int16")
    assert rate == rate_hz
    return bytes(samples.astype("<i2").tobytes())


END = json.dumps({"type": "end"})


def pieces_of(data: bytes, size: int = 3_201) -> list[bytes | str]:
    return [*(data[at : at + size] for at in range(0, len(data), size)), END]


def test_partial_results_come_and_then_the_final_one(service: Any, demo_clips: list[Path]) -> None:
    said = talk(service, {"type": "start", "return_all_emotions": True}, pieces_of(pcm(demo_clips[0])))
    assert [message["type"] for message in said[:2]] == ["ready", "partial"]
    partials = [message for message in said if message["type"] == "partial"]
    final = said[-1]
    assert final["type"] == "final"
    assert final["success"] is True
    assert final["request_id"] == said[0]["request_id"]
    duration = soundfile.info(demo_clips[0]).duration
    assert final["data"]["duration"] == pytest.approx(duration, abs=1e-3)
    assert [round(message["start"], 3) for message in partials] == [float(n) for n in range(len(partials))]
    assert partials[-1]["end"] == pytest.approx(duration, abs=1e-3)
    assert partials[-1]["emotion"] == final["data"]["emotion"]
    assert sum(partials[0]["scores"].values()) == pytest.approx(1, abs=1e-5)
    assert final["data"]["segments"]


def test_float_samples_and_another_rate_give_an_answer(service: Any, demo_clips: list[Path]) -> None:
    import numpy as np
    import soxr

    samples, _ = soundfile.read(demo_clips[0], dtype="float32")
    faster = soxr.resample(samples, 16_000, 48_000).astype(np.float32)
    start = {"type": "start", "encoding": "pcm_f32le", "sample_rate": 48_000, "update_s": 0.5}
    said = talk(service, start, pieces_of(faster.tobytes(), 19_200))
    assert said[-1]["type"] == "final"
    assert said[-1]["data"]["duration"] == pytest.approx(len(samples) / 16_000, abs=1e-2)


@pytest.mark.parametrize(
    ("start", "pieces", "code"),
    [
        ("no json", [], "invalid_request"),
        (b"\0\0", [], "invalid_request"),
        ({"type": "begin"}, [], "invalid_parameter"),
        ({"type": "start", "sample_rate": 1}, [], "invalid_parameter"),
        ({"type": "start", "chunk_size": 3.0}, [], "unsupported_parameter"),
        ({"type": "start", "language": "klingon"}, [], "unknown_language"),
        ({"type": "start"}, [END], "empty"),
        ({"type": "start"}, ["what?"], "invalid_request"),
        ({"type": "start"}, [bytes(32_001), END], "truncated"),
        ({"type": "start"}, [bytes(320_000), bytes(32_000), END], "too_long"),
        ({"type": "start"}, [bytes((1 << 20) + 2), END], "too_large"),
        ({"type": "start"}, [b"RIFF\x24\0\0\0WAVEfmt " + bytes(32_000), END], "unsupported_format"),
        ({"type": "start", "encoding": "pcm_f32le"}, [b"\xff\xff\xff\x7f" * 10, END], "not_audio"),
    ],
)
def test_what_is_wrong_is_said_with_a_code(service: Any, start: Any, pieces: list[Any], code: str) -> None:
    said = talk(service, start, pieces)
    assert said[-1]["type"] == "error"
    assert said[-1]["error"]["code"] == code
    assert said[-1]["error"]["success"] is False


def test_who_goes_on_speaking_is_told_all_the_same(service: Any) -> None:
    # Closing on what it has not read would take back what the service has just said.
    for _ in range(5):
        said = talk(service, {"type": "start"}, [bytes((1 << 20) + 2), *[bytes(1 << 19)] * 8, END])

        assert (said[-1]["type"], said[-1]["error"]["code"]) == ("error", "too_large")


def test_a_message_that_is_too_long_is_what_the_log_says_too(serving: Serve) -> None:
    with serving("serve.streams.max_message_bytes=1000") as small:
        with opened(address(small)) as socket:
            socket.send(json.dumps({"type": "start"}))
            with suppress(ConnectionClosed):
                socket.send(bytes(1002))
            said = list(messages(socket))
            assert (socket.close_code, socket.close_reason) == (1009, "too_large")
        assert said[-1]["error"]["code"] == "too_large"
        assert "1000 bytes" in said[-1]["error"]["detail"]
        logged = small.event("request")
        assert (logged["code"], logged["reason"]) == (
            "too_large",
            "a message was longer than streams.max_message_bytes",
        )
        assert logged["request_id"] == said[-1]["error"]["request_id"]


def test_a_stream_that_falls_silent_is_ended(serving: Serve) -> None:
    with serving("serve.streams.idle_s=1") as service:
        said = talk(service, {"type": "start"}, [])
    assert (said[-1]["type"], said[-1]["error"]["code"]) == ("error", "request_timeout")


def test_more_streams_than_there_is_room_for(service: Any) -> None:
    start = json.dumps({"type": "start"})
    with opened(address(service)) as first, opened(address(service)) as second:
        for socket in (first, second):
            socket.send(start)
            assert json.loads(socket.recv())["type"] == "ready"
            socket.send(bytes(320))
        said = talk(service, {"type": "start"}, [bytes(320)])
        assert said[-1]["error"]["code"] == "overloaded"
        for socket in (first, second):
            socket.send(bytes(32_000))
            socket.send(END)
            assert [message["type"] for message in messages(socket)][-1] in ("final", "error")


def test_a_caller_that_goes_away_leaves_room(service: Any) -> None:
    for _ in range(5):
        with opened(address(service)) as socket:
            socket.send(json.dumps({"type": "start"}))
            ready = json.loads(socket.recv())
            socket.send(bytes(32_000))
        # A line in the log says that the service has noticed; the socket is closed before.
        assert service.request(ready["request_id"])["code"] == "invalid_request"
    said = talk(service, {"type": "start"}, [bytes(32_000), END])
    assert said[-1].get("error", {}).get("code") != "overloaded"


def test_a_key_is_asked_for_before_the_socket_is_opened(serving: Serve) -> None:
    with serving("backend=fake", SV_EVAL_API_KEYS="secret") as service:
        with pytest.raises(InvalidStatus) as caught, opened(address(service)):
            pass
        assert caught.value.response.status_code == 401
        for way in ({"additional_headers": {"x-api-key": "secret"}}, {}):
            where = address(service) + ("" if way else "?api_key=secret")
            with opened(where, **way) as socket:
                socket.send(json.dumps({"type": "start"}))
                said = list(messages(socket))
            assert said[-1]["error"]["code"] == "unsupported_parameter"
        assert "secret" not in json.dumps(service.lines)
