"""Over TLS: certificates are verified, a private authority can be named, gRPC has its metadata and deadlines."""

from __future__ import annotations

import asyncio
import ssl
import time
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from aiohttp import web

from sv_eval.backend import Answer, Request
from sv_eval.backends.remote.backend import RemoteBackend
from sv_eval.backends.remote.dialects.service import JsonDialect
from sv_eval.backends.remote.dialects.service_grpc import GrpcDialect
from sv_eval.backends.remote.dialects.service_websocket import StreamDialect
from sv_eval.backends.remote.errors import EndpointError
from sv_eval.records import Failure, Prediction
from sv_eval.wire import emotion_pb2 as pb

GOOD = {"success": True, "data": {"emotion": "happy", "text": "x", "confidence": 0.9}, "request_id": "r"}
PATIENT = {"connect_s": 120.0, "read_s": 120.0, "total_s": 300.0, "preflight_s": 120.0}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def certified(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


def test_certificates_are_verified_and_a_private_authority_can_be_named(
    serve: Any, request_: Request, authority: trustme.CA, tmp_path: Path
) -> None:
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    asked: list[str] = []

    async def reply(request: web.Request) -> web.Response:
        await request.read()
        asked.append(request.path)
        return web.json_response(GOOD)

    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/v1/emotion", reply)
    url = serve(app, certified(authority)).address("https", "localhost")

    async def ask(connection: dict[str, Any]) -> Answer:
        settings = {**PATIENT, "preflight": False, "attempts": 1, **connection}
        async with RemoteBackend(url=url, dialect=JsonDialect(), connection=settings) as remote:
            return (await remote.recognize([request_]))[0]

    refused, answer = asyncio.run(ask({})), asyncio.run(ask({"ca_file": str(ca_file)}))

    assert isinstance(refused, Failure)
    assert refused.kind == "tls_error"
    assert "backend.connection.ca_file" in refused.message
    assert isinstance(answer, Prediction)
    assert len(asked) == 1
    assert {"dns", "connect", "tls"} <= set(answer.stages_ms)
    assert answer.stages_ms["tls"] > 0


def test_a_websocket_is_encrypted_likewise(authority: trustme.CA, serve: Any, tmp_path: Path) -> None:
    async def talk(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.data == '{"type": "end"}':
                await socket.send_json({"type": "final", **GOOD})
        return socket

    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    app = web.Application()
    app.router.add_get("/v1/emotion/stream", talk)
    url = serve(app, certified(authority)).address("wss", "localhost")

    async def drive(connection: dict[str, Any]) -> None:
        async with RemoteBackend(url=url, dialect=StreamDialect(), connection={**PATIENT, **connection}) as remote:
            assert remote.info.details["emotion read from"] == "data.emotion"

    asyncio.run(drive({"ca_file": str(ca_file)}))
    with pytest.raises(EndpointError, match="ca_file"):
        asyncio.run(drive({}))


@pytest.fixture
def secure_grpc(authority: trustme.CA) -> Any:
    """Serves gRPC with TLS in the test's own loop; answers happy, and only to the right key."""
    seen: dict[str, Any] = {}

    async def recognise(request: bytes, context: Any) -> bytes:
        metadata = dict(context.invocation_metadata())
        seen["metadata"], seen["left_s"] = metadata, context.time_remaining()
        if metadata.get("authorization") != "Bearer good":
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "no such key", (("code", "unauthorized"),))
        assert pb.RecognizeRequest.FromString(request).audio
        context.set_trailing_metadata((("server-timing", "inference;dur=7.5"),))
        answer: bytes = pb.RecognizeResponse(emotion=pb.EMOTION_HAPPY, confidence=0.8).SerializeToString()
        return answer

    async def start() -> Any:
        handlers = {"Recognize": grpc.unary_unary_rpc_method_handler(recognise)}
        server = grpc.aio.server()
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("sv.emotion.v1.EmotionRecognition", handlers),)
        )
        issued = authority.issue_cert("localhost")
        pair = (issued.private_key_pem.bytes(), b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        port = server.add_secure_port("localhost:0", grpc.ssl_server_credentials([pair]))
        await server.start()
        return server, f"grpcs://localhost:{port}", seen

    return start


def test_grpc_has_tls_metadata_and_deadlines(
    secure_grpc: Any, authority: trustme.CA, tmp_path: Path, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    limits = {**PATIENT, "ca_file": str(ca_file)}

    async def drive() -> None:
        server, url, seen = await secure_grpc()
        monkeypatch.setenv("SV_EVAL_API_KEY", "good")
        async with RemoteBackend(url=url, dialect=GrpcDialect(), connection=limits) as remote:
            begin = time.monotonic()
            (answer,) = await remote.recognize([request_])
            took_s = time.monotonic() - begin
        assert isinstance(answer, Prediction)
        assert (answer.label, answer.confidence) == ("happy", 0.8)
        assert answer.stages_ms["server.inference"] == 7.5
        # What is left of total_s where the call is answered; over the wire it is rounded up.
        assert PATIENT["total_s"] - took_s <= seen["left_s"] < PATIENT["total_s"] + 1.5
        monkeypatch.setenv("SV_EVAL_API_KEY", "bad")
        with pytest.raises(EndpointError, match="check the key"):
            await RemoteBackend(url=url, dialect=GrpcDialect(), connection=limits).__aenter__()
        with pytest.raises(EndpointError, match="ca_file"):
            await RemoteBackend(url=url, dialect=GrpcDialect(), connection=PATIENT).__aenter__()
        await server.stop(0)

    asyncio.run(drive())
