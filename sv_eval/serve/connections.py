"""uvicorn's connections with the limits that it has not: on heads, on waiting, on answers left unread."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

from sv_eval.serve.admission import problem_answer
from sv_eval.serve.doors import Doors
from sv_eval.serve.trace import Trace, request_id_from
from sv_eval.wire.problems import ServiceError, problem

_SLICE = 4096
"""While a head comes in, so many bytes at a time: a head that is too long is seen before it is whole."""
TOO_BIG = 1009
"""The close code of a message that is too long (RFC 6455)."""
_MOST_UNREAD = 1 << 20
_LINGERS_S = 2.0
"""How long a peer that is being refused may go on speaking."""
_MOST_FRAMES = 4096
_HOST = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]*)(:[0-9]{0,5})?")
_PHRASES = {400: "Bad Request", 408: "Request Timeout", 431: "Request Header Fields Too Large"}


class _Refused(Exception):  # noqa: N818 - it carries an answer through the parser and is no error of ours
    """Ends the parsing of a request that will not be served."""


class HttpConnection(HttpToolsProtocol):
    """A connection that speaks HTTP/1."""

    def __init__(self, *arguments: Any, doors: Doors, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._doors = doors
        self._waiting: float | None = doors.now
        self._in_head, self._asked = True, False
        self._overhead = self._headers_seen = 0
        self._hosts: list[bytes] = []
        self._refusal: ServiceError | None = None

    # What uvicorn calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, where there is room."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._doors.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._doors.leave(self)
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over to a websocket, which comes in by itself."""
        self._doors.leave(self)
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        """Parse what came, and no more of a head than a head may hold."""
        self._asked = True
        if self._waiting is None and self.idle():
            self._waiting = self._doors.now
        at = 0
        while at < len(data) and self.parser is not None and self.transport.get_protocol() is self:
            if self.transport.is_closing():
                return
            end = at + _SLICE if self._in_head else len(data)
            piece = data[at:end] if at or end < len(data) else data
            self._overhead += len(piece)
            super().data_received(piece)
            if self._overhead > self._doors.limits.max_head_bytes and not self.transport.is_closing():
                self._refuse_head("bytes", self._doors.limits.max_head_bytes)
                self.send_400_response("")
            at = end

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head, self._overhead, self._headers_seen = True, 0, 0
        self._hosts = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header is whole; trailers behind the body count, too."""
        self._headers_seen += 1
        if self._headers_seen > self._doors.limits.max_headers:
            self._refuse_head("headers", self._doors.limits.max_headers)
            raise _Refused
        if name.lower() == b"host":
            self._hosts.append(value)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole: refuse what says two things or none of whom it is for (RFC 9112, 3.2)."""
        self._in_head, self._waiting, self._overhead = False, None, 0
        needed = 1 if self.parser.get_http_version() == "1.1" else len(self._hosts[:1])
        if len(self._hosts) != needed or any(_HOST.fullmatch(host.strip()) is None for host in self._hosts):
            self._refusal = ServiceError("invalid_request", "the request needs one Host header with a host's name")
            raise _Refused
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._overhead = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The body is whole."""
        self._in_head, self._overhead = True, 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """A request was answered."""
        self._doors.served(self)
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's own signature
        """Refuse what can't be parsed or is too much."""
        error, self._refusal = self._refusal, None
        self.turn_away(error or ServiceError("invalid_request", "this is not a request as HTTP has them"))

    # What the doors ask.

    def turn_away(self, error: ServiceError) -> None:
        """Answer with an error and close; a peer that never said anything is only closed."""
        if self.transport.is_closing():
            return
        if self._asked and self.idle():
            trace = Trace(request_id=request_id_from(None))
            status, headers, body = problem_answer(error, trace, "")
            lines = [f"HTTP/1.1 {status} {_PHRASES.get(status, 'Service Unavailable')}"]
            lines += [f"{name}: {value}" for name, value in (*headers.items(), ("connection", "close"))]
            self.transport.write("\r\n".join([*lines, "", ""]).encode() + body)
            self._doors.note(error)
        self.transport.close()

    def cut(self) -> None:
        """Close at once."""
        self.transport.abort()

    def waits_since(self) -> float | None:
        """Since when a whole head is awaited."""
        return self._waiting if self.idle() else None

    def idle(self) -> bool:
        """Whether no request is in work."""
        return self.cycle is None or bool(self.cycle.response_complete)

    def unread(self) -> int:
        """What was written and not taken."""
        return self.transport.get_write_buffer_size()

    def _refuse_head(self, what: str, most: int) -> None:
        self._refusal = ServiceError("headers_too_large", f"the request's head has more than {most} {what}")


class WebsocketConnection(WebSocketsSansIOProtocol):
    """A connection that speaks websocket."""

    def __init__(self, *arguments: Any, doors: Doors, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._doors, self._leaving = doors, False
        self._fail = self.conn.fail
        # Its own words are for a machine's log; a caller is told as of every other limit.
        self.conn.fail = self._told  # type: ignore[method-assign]

    def _told(self, code: int, reason: str = "") -> None:
        """Fail the connection; before a close for a message that is too long an error message goes out."""
        if code == TOO_BIG and self.conn.state is State.OPEN:
            error = ServiceError("too_large", f"a message has more than {self.config.ws_max_size} bytes")
            trace = self.scope["state"]["trace"]
            said = {"type": "error", "error": problem(error, trace.request_id)}
            self.conn.send_text(json.dumps(said).encode())
            reason = error.code.word
        self._fail(code, reason)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, where there is room."""
        super().connection_made(transport)
        self._doors.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._doors.leave(self)
        super().connection_lost(exc)

    def handle_parser_exception(self) -> None:
        """Say why the connection fails, and hear the peer out for a moment.

        Closing on bytes that nobody has read resets the connection, which may take back what was just said.
        """
        told = self.conn.close_sent
        if told is not None:
            self.queue.put_nowait({"type": "websocket.disconnect", "code": told.code, "reason": told.reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = self._leaving = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
        # With this set, the end of the conversation closes nothing.
        self.close_timer = self.loop.call_later(_LINGERS_S, self.transport.close)

    def data_received(self, data: bytes) -> None:
        """Take what came, unless the peer floods: with pings whose answers it leaves, or with empty fragments."""
        if self._leaving:
            return
        if self.unread() > _MOST_UNREAD or len(self.frames) > _MOST_FRAMES:
            self.cut()
            return
        super().data_received(data)

    def send_receive_event_to_app(self) -> None:
        """Hand a message on; text that is none ends the connection, and is no error of ours for the log."""
        if self.curr_msg_data_type == "text":
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.frames = []
                self.conn.fail(1007, "text is UTF-8")
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    def turn_away(self, error: ServiceError) -> None:  # noqa: ARG002 - there is no answer before the handshake
        """Close."""
        self.cut()

    def cut(self) -> None:
        """Close at once."""
        self.transport.abort()

    def waits_since(self) -> float | None:
        """A stream watches by itself how its messages come."""
        return None

    def idle(self) -> bool:
        """A stream is always at work."""
        return False

    def unread(self) -> int:
        """What was written and not taken."""
        return self.transport.get_write_buffer_size()
