"""Answers that random damage made, each as it was found: one clip's failure, of a kind that says what it was."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from aiohttp import web

from sv_eval.backend import Request
from sv_eval.backends.remote.backend import RemoteBackend
from sv_eval.backends.remote.dialects.service import JsonDialect
from sv_eval.backends.remote.dialects.service_grpc import GrpcDialect, GrpcStreamDialect
from sv_eval.backends.remote.dialects.service_websocket import StreamDialect
from sv_eval.backends.remote.errors import RemoteError
from sv_eval.data.audio.decoding import decode
from sv_eval.records import Failure
from sv_eval.run.guard import Guard
from sv_eval.wire import emotion_pb2 as pb

ONCE = {"attempts": 1, "preflight": False, "total_s": 60.0, "read_s": 60.0}
NAN, INF = float("nan"), float("inf")
Serve = Callable[..., Any]


def request_of(clip: Path) -> Request:
    return Request(clip_id="c", waveform=decode(clip, keep_encoded=True))


async def pieces(request: Request) -> AsyncIterator[Any]:
    yield request.waveform.samples


async def asked(backend: RemoteBackend, clip: Path) -> Any:
    async with backend:
        (answer,) = await Guard(backend.recognize).ask([request_of(clip)])
    return answer


async def streamed(backend: RemoteBackend, clip: Path) -> str:
    async with backend:
        with pytest.raises(RemoteError) as caught:
            await backend.stream(pieces(request_of(clip)), chunk_size=1.0, callback=lambda _: None)
    return caught.value.kind


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, {"success": False, "code": "overloaded", "retry_after_s": {"a": 1}}, "overloaded"),
        (503, {"code": "overloaded", "retry_after_s": "soon"}, "overloaded"),
        (422, {"code": "too_long", "retry_after_s": NAN}, "too_long"),
        (422, {"code": "9" * 5000}, "api_error"),
        (422, {"code": {"a": 1}}, "api_error"),
        (422, {"code": "\ud800"}, "api_error"),
        (200, {"success": True, "data": {"emotion": "happy", "confidence": 93}}, "not_understood"),
        (200, {"success": True, "data": {"emotion": "happy", "confidence": "0.9"}}, "not_understood"),
        (200, {"success": True, "data": {"emotion": "happy", "text": {"a": 1}}}, "not_understood"),
        (200, {"success": True, "data": {"emotion": "happy", "scores": {"happy": None}}}, "not_understood"),
    ],
)
def test_over_http(serve: Serve, clips: list[Path], status: int, body: Any, kind: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response(body, status=status)

    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/v1/emotion", answer)
    backend = RemoteBackend(url=serve(app).address(), dialect=JsonDialect(), connection=ONCE)

    found = asyncio.run(asked(backend, clips[0]))

    assert isinstance(found, Failure)
    assert found.kind == kind


@pytest.mark.parametrize(
    "said",
    [
        {"type": "partial"},
        {"type": "partial", "start": 0, "end": NAN},
        {"type": "final"},
        {"type": "error", "error": "no"},
        {"type": "final", "data": {"emotion": "happy", "text": 5}},
    ],
)
def test_in_a_stream_over_a_websocket(serve: Serve, clips: list[Path], said: Any) -> None:
    async def talk(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=64 << 20)
        await socket.prepare(request)
        async for message in socket:
            if message.type is web.WSMsgType.TEXT and "end" in message.data:
                break
        await socket.send_str(json.dumps(said))
        await socket.close()
        return socket

    app = web.Application()
    app.router.add_get("/v1/emotion/stream", talk)
    backend = RemoteBackend(url=serve(app).address("ws"), dialect=StreamDialect(), connection=ONCE)

    assert asyncio.run(streamed(backend, clips[0])) == "not_understood"


BYTES = {
    "no message": b"\x0a\xff",
    "an end that is no number": pb.StreamingRecognizeResponse(
        partial=pb.PartialResult(start=0, end=NAN)
    ).SerializeToString(),
    "an end beyond all": pb.StreamingRecognizeResponse(partial=pb.PartialResult(end=INF)).SerializeToString(),
}


@pytest.mark.parametrize(
    ("how", "name"),
    [("whole", "no message"), *((how, name) for how in ("as a stream", "streamed") for name in BYTES)],
)
def test_over_grpc(clips: list[Path], how: str, name: str) -> None:
    async def one(_: Any, context: Any) -> bytes:
        return BYTES[name]

    async def many(requests: Any, context: Any) -> AsyncIterator[bytes]:
        async for _ in requests:
            continue
        yield BYTES[name]

    async def work() -> str:
        handlers = {
            "Recognize": grpc.unary_unary_rpc_method_handler(one),
            "StreamingRecognize": grpc.stream_stream_rpc_method_handler(many),
        }
        server = grpc.aio.server()
        service = grpc.method_handlers_generic_handler("sv.emotion.v1.EmotionRecognition", handlers)
        server.add_generic_rpc_handlers((service,))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        dialect = GrpcStreamDialect() if how == "as a stream" else GrpcDialect()
        backend = RemoteBackend(url=f"grpc://127.0.0.1:{port}", dialect=dialect, connection=ONCE)
        try:
            if how == "streamed":
                return await streamed(backend, clips[0])
            found = await asked(backend, clips[0])
            assert isinstance(found, Failure)
            return found.kind
        finally:
            await server.stop(None)

    assert asyncio.run(work()) == "not_understood"
