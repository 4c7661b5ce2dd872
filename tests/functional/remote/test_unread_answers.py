"""An answer that lies unread in this process, because its event loop is busy, is no slower for it."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

from backends.remote.backend import RemoteBackend
from backends.remote.dialect import Dialect
from backends.remote.dialects.service import JsonDialect
from backends.remote.dialects.sherpa_websocket import SherpaWebsocket
from sv_eval.audio.decoding import decode
from sv_eval.backend import Request
from sv_eval.records import Prediction

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux stamps what arrives")

_SERVICE_S, _BUSY_S = 0.1, 0.6
_GOOD = {"success": True, "data": {"emotion": "happy", "text": "x", "confidence": 0.9}, "request_id": "r"}


async def over_http(request: web.Request) -> web.Response:
    await request.read()
    await asyncio.sleep(_SERVICE_S)
    return web.json_response(_GOOD)


async def over_a_websocket(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(max_msg_size=64 << 20)
    await socket.prepare(request)
    await socket.receive()
    await asyncio.sleep(_SERVICE_S)
    await socket.send_str(json.dumps({"text": "x", "emotion": "<|HAPPY|>", "lang": "<|en|>"}))
    # Whoever takes long over the goodbye has answered all the same.
    await socket.receive()
    await asyncio.sleep(_SERVICE_S)
    return socket


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.mark.parametrize(
    ("scheme", "dialect"), [("http", JsonDialect), ("https", JsonDialect), ("ws", SherpaWebsocket)]
)
def test_the_answer_counts_from_when_it_arrived(
    scheme: str, dialect: type[Dialect], serve: Any, authority: trustme.CA, tmp_path: Path, demo_clips: list[Path]
) -> None:
    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/v1/emotion", over_http)
    app.router.add_get("/", over_a_websocket)
    context = None
    if scheme == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    connection = {"preflight": False, "ca_file": str(tmp_path / "ca.pem") if context else None}
    url = (serve(app, context) if context else serve(app)).address(scheme)
    request = Request(clip_id="clip", waveform=decode(demo_clips[0], keep_encoded=True))

    async def drive() -> tuple[Prediction, float]:
        async with RemoteBackend(url=url, dialect=dialect(), connection=connection) as remote:
            asking = asyncio.create_task(remote.recognize([request]))
            # By now it is on its way; the answer comes while nobody here has a turn.
            await asyncio.sleep(_SERVICE_S / 2)
            time.sleep(_BUSY_S)
            free_s = time.perf_counter()
            (answer,) = await asking
        assert isinstance(answer, Prediction), answer
        return answer, free_s

    answer, free_s = asyncio.run(drive())

    assert answer.passage is not None
    assert answer.passage.latency_ms >= _SERVICE_S * 1000
    assert answer.passage.begin_s + answer.passage.latency_ms / 1000 < free_s
