"""An answer that lies unread in this process, because its event loop is busy, is no slower for it."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

from sv_eval.backend import Request
from sv_eval.backends.remote.backend import RemoteBackend
from sv_eval.backends.remote.dialect import Dialect
from sv_eval.backends.remote.dialects.service import JsonDialect
from sv_eval.backends.remote.dialects.sherpa_websocket import SherpaWebsocket
from sv_eval.data.audio.decoding import decode
from sv_eval.records import Prediction

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux stamps what arrives"),
    pytest.mark.usefixtures("arrivals_stamped"),
]

_SERVICE_S, _LAY_S = 0.1, 0.2
_PATIENCE_S = 120.0
_GOOD = {"success": True, "data": {"emotion": "happy", "text": "x", "confidence": 0.9}, "request_id": "r"}


class Service:
    """Answers a while after it was allowed to, and tells how far it is."""

    def __init__(self) -> None:
        self.asked, self.allowed, self.answered = threading.Event(), threading.Event(), threading.Event()
        self.app = web.Application(client_max_size=64 << 20)
        self.app.router.add_post("/v1/emotion", self._over_http)
        self.app.router.add_get("/", self._over_a_websocket)

    async def _work(self) -> None:
        self.asked.set()
        while not self.allowed.is_set():
            await asyncio.sleep(0.001)
        await asyncio.sleep(_SERVICE_S)

    async def _over_http(self, request: web.Request) -> web.Response:
        await request.read()
        await self._work()
        response = web.json_response(_GOOD)
        await response.prepare(request)
        await response.write_eof()
        self.answered.set()
        return response

    async def _over_a_websocket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=64 << 20)
        await socket.prepare(request)
        await socket.receive()
        await self._work()
        await socket.send_str(json.dumps({"text": "x", "emotion": "<|HAPPY|>", "lang": "<|en|>"}))
        self.answered.set()
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
    service = Service()
    context = None
    if scheme == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    limits = dict.fromkeys(("connect_s", "read_s", "total_s"), _PATIENCE_S)
    connection = {**limits, "preflight": False, "ca_file": str(tmp_path / "ca.pem") if context else None}
    url = (serve(service.app, context) if context else serve(service.app)).address(scheme)
    request = Request(clip_id="clip", waveform=decode(demo_clips[0], keep_encoded=True))

    async def drive() -> tuple[Prediction, float]:
        async with RemoteBackend(url=url, dialect=dialect(), connection=connection) as remote:
            asking = asyncio.create_task(remote.recognize([request]))
            while not service.asked.is_set():
                await asyncio.sleep(0.001)
            # From here on nobody in this process's loop has a turn: the answer comes, and lies there.
            service.allowed.set()
            assert service.answered.wait(_PATIENCE_S)
            time.sleep(_LAY_S)
            free_s = time.perf_counter()
            (answer,) = await asking
        assert isinstance(answer, Prediction), answer
        return answer, free_s

    answer, free_s = asyncio.run(drive())

    assert answer.passage is not None
    assert answer.passage.latency_ms >= _SERVICE_S * 1000
    assert answer.passage.begin_s + answer.passage.latency_ms / 1000 < free_s
