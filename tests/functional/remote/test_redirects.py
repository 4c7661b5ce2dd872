"""Answers that lead elsewhere: what was asked stays where it was meant for."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from aiohttp import web

from sv_eval.backend import Answer, Request
from sv_eval.backends.remote.backend import RemoteBackend
from sv_eval.backends.remote.dialects.service import JsonDialect
from sv_eval.backends.remote.dialects.service_websocket import StreamDialect
from sv_eval.backends.remote.errors import RemoteError
from sv_eval.backends.remote.inflating import inflated
from sv_eval.records import Failure, Prediction

GOOD = {"success": True, "data": {"emotion": "happy", "text": "x", "confidence": 0.9}, "request_id": "r"}
PATIENT = {"connect_s": 120.0, "read_s": 120.0, "total_s": 300.0, "preflight": False, "attempts": 1}
KEY = "a-key-that-stays"


Answering = Callable[[web.Request], web.StreamResponse]


class Listener:
    """A service that notes who asks, and answers as told."""

    def __init__(
        self, answer: Callable[[web.Request], web.StreamResponse] = lambda _: web.json_response(GOOD)
    ) -> None:
        self.heard: list[tuple[str, dict[str, str], int]] = []

        async def hear(request: web.Request) -> web.StreamResponse:
            body = await request.read()
            self.heard.append((request.path, dict(request.headers), len(body)))
            return answer(request)

        self.app = web.Application(client_max_size=64 << 20)
        self.app.router.add_route("*", "/{path:.*}", hear)


def _saying(text: str, status: int, _: web.Request) -> web.StreamResponse:
    return web.Response(text=text, status=status, content_type="application/json")


def leading(place: str, code: int = 307) -> Listener:
    return Listener(lambda _: web.Response(status=code, headers={"Location": place}))


def ask(url: str, request: Request, dialect: Any = None, **connection: Any) -> Answer:
    remote = RemoteBackend(url=url, dialect=dialect or JsonDialect(), connection={**PATIENT, **connection})

    async def drive() -> Answer:
        async with remote:
            return (await remote.recognize([request]))[0]

    return asyncio.run(drive())


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SV_EVAL_API_KEY", KEY)


@pytest.mark.parametrize(
    "place",
    [
        "http://127.0.0.1:{port}/x",
        "//127.0.0.1:{port}/x",
        "http://localhost:{port}/v1/emotion",
        "https://127.0.0.1:{port}/x",
        "http://user@127.0.0.1:{port}/x",
        "http://{home}@127.0.0.1:{port}/x",
        "\\\\127.0.0.1:{port}\\x",
        "http:\\\\127.0.0.1:{port}/x",
        "ftp://{home}/x",
        "http://[/x",
        "http://{home}:x/",
    ],
)
def test_neither_recording_nor_key_follow_to_another_origin(serve: Any, request_: Request, place: str) -> None:
    other = Listener()
    port = serve(other.app).address().rpartition(":")[2]
    to: list[str] = []
    first = Listener(lambda _: web.Response(status=307, headers={"Location": to[0]}))
    home = serve(first.app).address()
    to.append(place.format(port=port, home=home.removeprefix("http://")))

    answer = ask(home, request_)

    assert isinstance(answer, Failure)
    assert answer.kind == "redirected"
    assert not other.heard


def test_a_place_that_only_looks_like_another_host_stays_at_home(serve: Any, request_: Request) -> None:
    """Glued to the host's name, `@OTHER:PORT/x` led to another host; read as it should be, it is a path."""
    other = Listener()
    port = serve(other.app).address().rpartition(":")[2]
    first = leading(f"@127.0.0.1:{port}/x")

    answer = ask(serve(first.app).address(), request_)

    assert isinstance(answer, Failure)
    assert not other.heard
    assert all("@127.0.0.1" in path for path, *_ in first.heard[1:])


def test_within_the_origin_recording_and_key_follow(serve: Any, request_: Request) -> None:
    there = Listener(
        lambda request: (
            web.json_response(GOOD)
            if request.path == "/new"
            else web.Response(status=308, headers={"Location": "/new"})
        )
    )
    assert isinstance(ask(serve(there.app).address(), request_), Prediction)
    (_, headers, size) = there.heard[1]
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert size > 1000


def test_a_recording_follows_where_the_user_lets_it_and_the_key_does_not(serve: Any, request_: Request) -> None:
    other = Listener()
    elsewhere = serve(other.app).address()
    first = leading(f"{elsewhere}/x")

    answer = ask(serve(first.app).address(), request_, redirects_to=(elsewhere,))

    assert isinstance(answer, Prediction)
    ((_, headers, size),) = other.heard
    assert size > 1000
    assert "Authorization" not in headers
    assert KEY not in json.dumps(headers)
    assert headers["Content-Type"] == "application/json"


def test_a_websocket_s_handshake_takes_the_key_nowhere_else(serve: Any, request_: Request) -> None:
    other = Listener()
    elsewhere = serve(other.app).address()
    first = leading(f"{elsewhere}/x", 302)
    address = serve(first.app).address().replace("http://", "ws://")

    answer = ask(address, request_, StreamDialect())

    assert isinstance(answer, Failure)
    assert answer.kind == "redirected"
    assert not other.heard


def test_proxies_of_the_environment_are_not_used(
    serve: Any, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, there = Listener(), Listener()
    at = serve(proxy.app).address()
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, at)
    assert isinstance(ask(serve(there.app).address(), request_), Prediction)
    assert not proxy.heard


def test_an_answer_that_inflates_beyond_its_limit_is_refused(serve: Any, request_: Request) -> None:
    bomb = gzip.compress(b" " * (1 << 30), 9)
    assert len(bomb) < 1_200_000
    there = Listener(lambda _: web.Response(body=bomb, headers={"Content-Encoding": "gzip"}))

    answer = ask(serve(there.app).address(), request_)

    assert isinstance(answer, Failure)
    assert (answer.kind, "inflates to more than 16 MiB" in answer.message) == ("wrong_content_type", True)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "bare"])
def test_compressed_answers_are_read(serve: Any, request_: Request, coding: str) -> None:
    plain = json.dumps(GOOD).encode()
    bare = zlib.compressobj(wbits=-15)
    body = {
        "gzip": gzip.compress(plain),
        "deflate": zlib.compress(plain),
        "bare": bare.compress(plain) + bare.flush(),
    }[coding]
    said = {"Content-Encoding": "gzip" if coding == "gzip" else "deflate"}
    there = Listener(lambda _: web.Response(body=body, content_type="application/json", headers=said))
    assert isinstance(ask(serve(there.app).address(), request_), Prediction)


@pytest.mark.parametrize(
    ("body", "coding", "kind"),
    [
        (b"x", "br", "wrong_content_type"),
        (b"no gzip", "gzip", "truncated_answer"),
        # The time of packing would be part of the test's name, and another one for each worker.
        (gzip.compress(b"x" * 99, mtime=0)[:-9], "gzip", "truncated_answer"),
    ],
)
def test_codings_that_nobody_asked_for_and_broken_ones_are_errors(body: bytes, coding: str, kind: str) -> None:
    with pytest.raises(RemoteError) as caught:
        inflated(body, coding, 1 << 20)
    assert caught.value.kind == kind


@pytest.mark.parametrize("deep", ["[" * 100_000, '{"data":' * 50_000, '{"data": ' + "[" * 500 + "]" * 500 + "}"])
def test_an_answer_that_nests_without_end_is_an_error_of_the_service(
    serve: Any, request_: Request, deep: str
) -> None:
    for status in (200, 400):
        there = Listener(partial(_saying, deep, status))
        answer = ask(serve(there.app).address(), request_)
        assert isinstance(answer, Failure)
        assert answer.kind in ("not_json", "rejected")
