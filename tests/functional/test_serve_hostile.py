"""Callers that mean no good, each as it was seen to do harm."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

Serve = Callable[..., Any]
PATIENCE_S = 120
FAKE = "backend=fake"


@pytest.fixture(scope="module")
def service(serving: Serve) -> Iterator[Any]:
    with serving(
        "serve.connections.head_timeout_s=1",
        "serve.connections.max_open=20",
        "serve.streams.idle_s=2",
        "serve.rate_limit=1000",
        "serve.rate_burst=1000",
        SV_EVAL_API_KEYS="right",
    ) as it:
        yield it


def address(service: Any) -> tuple[str, int]:
    return "127.0.0.1", int(service.url.rpartition(":")[2])


def said(service: Any, sent: bytes) -> bytes:
    """All that comes back until the service closes the connection."""
    with socket.create_connection(address(service), timeout=PATIENCE_S) as peer:
        try:
            peer.sendall(sent)
            found = b""
            while piece := peer.recv(65536):
                found += piece
        except ConnectionError:
            pass
    return found


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


HEALTH = b"GET /health HTTP/1.1\r\nConnection: close\r\n"


@pytest.mark.parametrize("hosts", [b"", b"Host: a\r\nHost: a\r\n", b"Host: a\r\nHost: b\r\n", b"Host: [\r\n"])
def test_http_1_1_needs_one_host(service: Any, hosts: bytes) -> None:
    answer = said(service, HEALTH + hosts + b"\r\n")
    assert status(answer) == 400
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "invalid_request"


def test_one_host_is_enough_and_http_1_0_needs_none(service: Any) -> None:
    assert status(said(service, HEALTH + b"Host: a\r\n\r\n")) == 200
    assert status(said(service, b"GET /health HTTP/1.0\r\n\r\n")) == 200


@pytest.mark.parametrize(
    "head",
    [
        b"Host: a\r\n" + b"".join(b"a%d: b\r\n" % number for number in range(200)),
        b"Host: a\r\na: " + b"b" * 300_000,
        b"Host: a\r\n" + b"a" * 300_000,
    ],
)
def test_a_head_beyond_its_limit_is_refused_while_it_comes(service: Any, head: bytes) -> None:
    answer = said(service, HEALTH + head)
    assert not answer or status(answer) == 431


def test_a_foreign_host_is_not_named_in_an_answer(service: Any) -> None:
    answer = said(service, b"GET /docs/static HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
    assert status(answer) == 404
    assert b"evil" not in answer


@pytest.mark.parametrize("sent", [b"", HEALTH + b"Hos", b"\r\n", b"POST / HTTP/1.1\r\nHost: a\r\n"])
def test_silence_and_half_a_head_are_closed(service: Any, sent: bytes) -> None:
    answer = said(service, sent)
    assert not answer or status(answer) == 408


def test_silent_connections_do_not_keep_others_out(service: Any) -> None:
    silent = [socket.create_connection(address(service)) for _ in range(60)]
    try:
        assert httpx.get(f"{service.url}/health", timeout=PATIENCE_S).status_code == 200
    finally:
        for peer in silent:
            peer.close()


def test_wrong_keys_are_counted_by_address_whatever_they_claim(service: Any) -> None:
    with httpx.Client(base_url=service.url, timeout=PATIENCE_S) as api:
        seen = Counter(
            api.get("/v1/models", headers={"X-API-Key": f"{n}", "X-Forwarded-For": f"192.0.2.{n}"}).status_code
            for n in range(100)
        )
        assert set(seen) == {401, 429}
        assert seen[429] > 50
        assert api.get("/v1/models", headers={"X-API-Key": "right"}).status_code == 200


def test_the_rate_is_counted_by_connection_unless_a_proxy_is_trusted(serving: Serve) -> None:
    rates = ("serve.rate_limit=0.001", "serve.rate_burst=3")

    def answers(*more: str) -> list[int]:
        with serving(FAKE, *rates, *more) as service, httpx.Client(base_url=service.url) as api:
            return [
                api.get("/v1/models", headers={"X-Forwarded-For": f"192.0.2.{n}"}).status_code for n in range(5)
            ]

    assert answers() == [200, 200, 200, 429, 429]
    assert answers("serve.trusted_proxies=[127.0.0.1]") == [200] * 5


def test_pages_from_elsewhere_may_neither_post_nor_stream(service: Any) -> None:
    foreign = {"Origin": "https://evil.example", "X-API-Key": "right"}
    answer = httpx.post(f"{service.url}/analyze", files={"file": b"x"}, headers=foreign, timeout=PATIENCE_S)
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")
    stream = service.url.replace("http", "ws") + "/v1/emotion/stream"
    with pytest.raises(InvalidStatus, match="403"):
        connect(stream, additional_headers=foreign)
    own = {"Origin": service.url, "X-API-Key": "right"}
    with connect(stream, additional_headers=own) as peer:
        peer.send(json.dumps({"type": "start"}))
        assert json.loads(peer.recv())["type"] == "ready"


def _trickle(peer: Any) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        peer.send(b"\0\0")
        time.sleep(0.2)


def test_a_stream_of_a_few_bytes_loses_its_place(service: Any) -> None:
    stream = service.url.replace("http", "ws") + "/v1/emotion/stream"
    with connect(stream, additional_headers={"X-API-Key": "right"}) as peer:
        peer.send(json.dumps({"type": "start"}))
        assert json.loads(peer.recv())["type"] == "ready"
        with pytest.raises(ConnectionClosed) as caught:
            _trickle(peer)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.reason == "request_timeout"


@pytest.mark.parametrize("text", ["[" * 100_000, '{"type":' * 2000, '{"type": "end"' + " " * 100_000 + "}"])
def test_a_text_that_nests_without_end_is_an_error_of_the_caller(service: Any, text: str) -> None:
    stream = service.url.replace("http", "ws") + "/v1/emotion/stream"
    with connect(stream, additional_headers={"X-API-Key": "right"}) as peer:
        peer.send(json.dumps({"type": "start"}))
        assert json.loads(peer.recv())["type"] == "ready"
        peer.send(text)
        assert json.loads(peer.recv())["error"]["code"] in ("invalid_request", "too_large")


def test_pages_say_what_a_browser_may_do_with_them(service: Any) -> None:
    for path in ("/", "/docs", "/health", "/nothing"):
        headers = httpx.get(service.url + path, timeout=PATIENCE_S).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "default-src 'none'" in headers["content-security-policy"]


def test_a_worker_that_comes_back_meets_nobody_before_it_is_ready(serving: Serve) -> None:
    with serving(FAKE, "serve.workers=2") as service:
        service.events("ready", 2)
        seen: Counter[int] = Counter()
        killed = 0
        until = time.monotonic() + PATIENCE_S
        while len(ready := service.events("ready", 2)) < 4 and time.monotonic() < until:
            if killed < len(ready) - 1:
                os.kill(ready[killed]["pid"], signal.SIGKILL)
                killed += 1
            for _ in range(20):
                try:
                    seen[httpx.get(f"{service.url}/health/ready", timeout=PATIENCE_S).status_code] += 1
                except httpx.TransportError:
                    seen[0] += 1
                time.sleep(0.005)
    assert killed
    assert len(ready) >= 4, "a worker did not come back"
    assert seen[503] == 0, seen
    assert seen[200] > 20, seen


def _resident_bytes(pid: int) -> int:
    import psutil

    return int(psutil.Process(pid).memory_info().rss)


NOTHINGS = b"[" + b"1," * 6_000_000 + b"1]"
COSTLY = {
    "twelve megabytes of items": (b'{"items":' + NOTHINGS + b"}", "application/json"),
    "as many unknown options": (b"{" + b'"a":1,' * 2_000_000 + b'"a":1}', "application/json"),
    "as many strings": (b'{"items":[' + b'"",' * 4_000_000 + b'""]}', "application/json"),
    "depth": (b'{"items":' + b"[" * 12_000_000, "application/json"),
    "a number": (b'{"items":[' + b"1" * 12_000_000 + b"]}", "application/json"),
    "blanks": (b" " * 12_000_000, "application/json"),
    "form fields": (
        b"".join(b'--x\r\nContent-Disposition: form-data; name="%d"\r\n\r\n\r\n' % n for n in range(200_000)),
        "multipart/form-data; boundary=x",
    ),
    "a form field's headers": (b"--x\r\n" + b"a: b\r\n" * 2_000_000, "multipart/form-data; boundary=x"),
    "almost boundaries": (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + b"\r\n--" * 3_000_000,
        "multipart/form-data; boundary=x",
    ),
}


@pytest.mark.parametrize("name", COSTLY)
def test_a_body_that_costs_more_than_it_weighs_is_refused_before_it_does(service: Any, name: str) -> None:
    body, media = COSTLY[name]
    path = "/v1/emotion/batch" if "json" in media else "/analyze"
    before = _resident_bytes(service.process.pid)
    answer = httpx.post(
        service.url + path,
        content=body,
        headers={"X-API-Key": "right", "Content-Type": media},
        timeout=PATIENCE_S,
    )
    grown = _resident_bytes(service.process.pid) - before
    assert answer.status_code in (400, 422)
    assert answer.json()["code"] in ("invalid_request", "invalid_parameter")
    assert len(answer.content) < 10_000
    assert grown < 8 * len(body) + (32 << 20)


def test_a_batch_that_is_a_little_too_long_is_told_how_many_it_may_hold(service: Any) -> None:
    items = [{"audio": "AA=="}] * 33
    answer = httpx.post(
        f"{service.url}/v1/emotion/batch", json={"items": items}, headers={"X-API-Key": "right"}, timeout=PATIENCE_S
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter")
    assert "32 is the most" in answer.json()["detail"]


@pytest.mark.parametrize("method", ["Recognize", "StreamingRecognize"])
def test_bytes_that_are_no_message_are_an_error_of_the_caller(serving: Serve, method: str) -> None:
    with serving(FAKE, "serve.grpc_port=0") as service:
        with grpc.insecure_channel(service.event("listening")["grpc"]) as channel:
            call = channel.stream_stream(f"/sv.emotion.v1.EmotionRecognition/{method}")
            with pytest.raises(grpc.RpcError) as caught:
                list(call(iter([b"\xff\xff"]), timeout=PATIENCE_S))
        assert not [line for line in service.lines if line["event"] in ("defect", "text")]
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert dict(caught.value.trailing_metadata())["code"] == "invalid_request"
