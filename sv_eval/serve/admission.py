"""What happens to every request before and after a route sees it.

The outermost layer: it names the request, asks for the key, counts what is in work, refuses what is too much,
turns whatever goes wrong into a problem document, and writes the one line in the log.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sv_eval.serve.access import Keyring, RateLimiter, key_in, neighbourhood
from sv_eval.serve.body import Buffered
from sv_eval.serve.meters import ServiceMetrics
from sv_eval.serve.origin import Origins
from sv_eval.serve.reporter import Reporter
from sv_eval.serve.trace import Trace, request_id_from
from sv_eval.wire.problems import ServiceError, problem

PROBLEM_TYPE = "application/problem+json"
OPENAI_PATH = "/v1/audio/"
_OPEN = ("/", "/health", "/health/ready", "/metrics", "/openapi.json", "/docs", "/favicon.ico", "/samples")
_OPEN_BELOW = ("/docs/", "/samples/")
"""What is answered without a key, /docs with all below it: nothing of it costs or tells anything."""
_REFUSED = 4403
_SAFE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
"""What every answer tells a browser, unless a page says more exactly what it needs."""


@dataclass(slots=True, kw_only=True)
class AdmissionControl:
    """What decides who comes in, shared by HTTP and gRPC."""

    keys: Keyring
    limiter: RateLimiter
    wrong_keys: RateLimiter
    """Counts wrong keys by address. A right key is never refused for it, so that nobody can lock others out."""
    origins: Origins
    max_requests: int
    max_streams: int
    """Streams that may be there at once, those included that have not begun to send."""
    meters: ServiceMetrics
    in_work: int = 0
    """Requests that were let in and are not finished."""
    streaming: int = 0
    """Streams likewise; silent ones take no request's place."""

    def admit(self, headers: Callable[[str], str | None], address: str, *, stream: bool = False) -> None:
        """Let a request in, or raise ServiceError; who was let in must `leave`."""
        caller = neighbourhood(address)
        if self.keys:
            caller = self._holder(key_in(headers), caller)
        self.limiter.take(caller)
        if stream and self.streaming >= self.max_streams:
            raise ServiceError("overloaded", f"{self.streaming} streams are there already")
        if not stream and self.in_work >= self.max_requests:
            raise ServiceError("overloaded", f"{self.in_work} requests are in work already")
        self._count(1, stream=stream)

    def leave(self, *, stream: bool = False) -> None:
        """A request is finished."""
        self._count(-1, stream=stream)

    def _holder(self, key: str | None, address: str) -> str:
        holder = self.keys.holder(key)
        if holder is not None:
            return holder
        if key is not None:
            self.wrong_keys.take(address)
        raise ServiceError("unauthorized", "the request carries no key that opens this service")

    def _count(self, change: int, *, stream: bool) -> None:
        if stream:
            self.streaming += change
        else:
            self.in_work += change
        self.meters.set("requests_in_work", self.in_work + self.streaming)


@dataclass(slots=True, kw_only=True)
class AdmissionMiddleware:
    """The layer around an application.

    draining: tells whether the service is about to stop; connections are then closed after their answer.
    """

    app: ASGIApp
    admission: AdmissionControl
    buffered: Buffered
    reporter: Reporter
    draining: Callable[[], bool] = field(default=lambda: False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        trace = Trace(request_id=request_id_from(headers.get("x-request-id")))
        scope.setdefault("state", {})["trace"] = trace
        answer = _Answer(send, trace, self.draining)
        guarded = scope["path"] not in _OPEN and not scope["path"].startswith(_OPEN_BELOW)
        admitted = False
        try:
            if guarded and scope["method"] != "OPTIONS":
                self.admission.origins.check(headers.get)
                self.admission.admit(headers.get, _address(scope))
                admitted = True
            await self.app(scope, receive, answer)
        except ServiceError as error:
            await answer.problem(error, scope["path"])
        except Exception as error:  # noqa: BLE001 - the log has it; nothing of it reaches the caller
            await self._broken(error, trace, answer, scope["path"])
        finally:
            if admitted:
                self.admission.leave()
            self.buffered.release(trace)
            if guarded:
                self._note(scope, trace, answer.status)

    async def _broken(self, error: Exception, trace: Trace, answer: _Answer, path: str) -> None:
        """An error that nobody expected: the log has it whole, the caller gets nothing of it."""
        self.reporter.defect(error, trace)
        await answer.problem(ServiceError("internal", "something went wrong in the service"), path)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        trace = Trace(request_id=request_id_from(headers.get("x-request-id")))
        scope.setdefault("state", {})["trace"] = trace
        status = 101
        # A browser can't put headers on a websocket, so the address may carry the key.
        in_address = QueryParams(scope.get("query_string", b"")).get("api_key")

        def header(name: str) -> str | None:
            return headers.get(name) or (in_address if name == "x-api-key" else None)

        try:
            self.admission.origins.check(headers.get)
            self.admission.admit(header, _address(scope), stream=True)
        except ServiceError as error:
            trace.code, status = error.code.word, error.code.status
            await _refuse(error, trace, scope, receive, send)
            self._note(scope, trace, status)
            return
        try:
            await self.app(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - the log has it; a socket has no answer left to give
            self.reporter.defect(error, trace)
        finally:
            self.admission.leave(stream=True)
            self._note(scope, trace, status)

    def _note(self, scope: Scope, trace: Trace, status: int) -> None:
        path = str(getattr(scope.get("route"), "path", "other"))
        method = scope.get("method", "WS")
        headers = Headers(scope=scope)
        self.reporter.finished(trace, path=path, method=method, status=status, headers=headers)


class _Answer:
    """The way out: adds the headers that every answer has, and remembers whether one was begun."""

    def __init__(self, send: Send, trace: Trace, draining: Callable[[], bool]) -> None:
        self._send, self._trace, self._draining = send, trace, draining
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(raw=message["headers"])
            headers["x-request-id"] = self._trace.request_id
            for name, value in _SAFE.items():
                headers.setdefault(name, value)
            if self._trace.stages_ms:
                headers["server-timing"] = self._trace.server_timing
            if self._draining():
                headers["connection"] = "close"
        await self._send(message)

    async def problem(self, error: ServiceError, path: str) -> None:
        """Answer with an error, unless an answer was begun already."""
        if self.status:
            return
        status, headers, body = problem_answer(error, self._trace, path)
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await self({"type": "http.response.start", "status": status, "headers": raw})
        await self({"type": "http.response.body", "body": body})


def problem_answer(error: ServiceError, trace: Trace, path: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an error, noted in the trace; OpenAI's paths also get what its clients read."""
    trace.code = error.code.word
    members: dict[str, Any] = problem(error, trace.request_id)
    if path.startswith(OPENAI_PATH):
        kind = "invalid_request_error" if error.code.status < 500 else "server_error"
        parameter = error.errors[0].get("parameter") if error.errors else None
        members["error"] = {"message": error.detail, "type": kind, "param": parameter, "code": error.code.word}
    body = json.dumps(members, ensure_ascii=False).encode()
    headers = {"content-type": PROBLEM_TYPE, "content-length": str(len(body)), "cache-control": "no-store"}
    if error.retry_after_s is not None:
        headers["retry-after"] = str(error.retry_after_s)
    if error.code.status == 401:
        headers["www-authenticate"] = "Bearer"
    return error.code.status, headers, body


async def _refuse(error: ServiceError, trace: Trace, scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a websocket: with a problem document where the server can, else by closing it."""
    await receive()
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": _REFUSED, "reason": error.code.word})
        return
    status, headers, body = problem_answer(error, trace, scope["path"])
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "websocket.http.response.start", "status": status, "headers": raw})
    await send({"type": "websocket.http.response.body", "body": body})


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else "local"
