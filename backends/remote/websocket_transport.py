"""Websockets: a connection for each clip, made before the clock of its latency starts."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import aiohttp

from sv_eval.backends.remote.answer_parsing import ParsedAnswer, understood
from sv_eval.backends.remote.connecting import (
    CURRENT,
    TimedConnector,
    TimedContext,
    proxy_message,
    reason_of,
    tls_message,
)
from sv_eval.backends.remote.dialect import NOTHING_SAID, Dialect, ServedModel, Transport
from sv_eval.backends.remote.endpoint import Endpoint
from sv_eval.backends.remote.errors import (
    CONNECT,
    NOT_FOUND,
    NOT_JSON,
    REDIRECTED,
    RESET,
    TIMEOUT,
    TLS,
    UNAUTHORIZED,
    WRONG_TYPE,
    RemoteError,
    kind_of_status,
)
from sv_eval.backends.remote.redirects import destination, origin_of
from sv_eval.backends.remote.timeline import Timeline
from sv_eval.config.foreign_json import read_json

_PIECE_BYTES = 64 << 10
_LONGEST_MESSAGE = 16 << 20


class Socket:
    """An open websocket that is to be talked to in turns."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, where: str, read_s: float) -> None:
        self._socket, self._where, self._read_s = socket, where, read_s

    async def send(self, message: str | bytes) -> None:
        """Send one message; bytes go out in pieces of a size that every server takes."""
        try:
            if isinstance(message, str):
                await self._socket.send_str(message)
                return
            for begin in range(0, len(message), _PIECE_BYTES):
                await self._socket.send_bytes(message[begin : begin + _PIECE_BYTES])
        except (aiohttp.ClientError, OSError) as error:
            raise RemoteError(RESET, f"the connection to {self._where} broke") from error

    async def receive(self) -> str | bytes:
        """The next message. Raises RemoteError when there is none."""
        try:
            async with asyncio.timeout(self._read_s):
                message = await self._socket.receive()
        except TimeoutError as error:
            raise RemoteError(
                TIMEOUT, f"no answer from {self._where} in time (backend.connection.read_s={self._read_s:g})"
            ) from error
        if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            content: str | bytes = message.data
            return content
        said = ", ".join(str(part) for part in (self._socket.close_code, message.extra) if part)
        raise RemoteError(
            RESET, f"{self._where} closed the connection without an answer{f' ({said})' if said else ''}"
        )

    async def receive_json(self) -> Any:
        """The next message as JSON; raises RemoteError, kind `not_json`, with its beginning."""
        message = await self.receive()
        try:
            return read_json(message)
        except ValueError as error:
            shown = message if isinstance(message, str) else message.decode("utf-8", "replace")
            raise RemoteError(
                NOT_JSON, f"the answer is no JSON ({' '.join(shown.split())[:80] or 'empty'})"
            ) from error


class WebsocketDialect(Dialect):
    """A dialect of one conversation for each clip."""

    headers: Mapping[str, str] = {"Authorization": "Bearer {api_key}"}
    """Sent with the handshake; a header whose key is missing is left out."""
    subprotocols: tuple[str, ...] = ()
    """Those that the handshake offers."""

    @abstractmethod
    async def converse(self, socket: Socket, message: Any, timeline: Timeline) -> ParsedAnswer:
        """Send the message and read the answer; note in `timeline` when the last of it was sent and received."""

    def open(self, endpoint: Endpoint) -> Transport:
        """A session that connects when it is asked."""
        return WebsocketTransport(self, endpoint)


class WebsocketTransport:
    """Makes a connection for each clip."""

    def __init__(self, dialect: WebsocketDialect, endpoint: Endpoint) -> None:
        self._dialect, self._endpoint = dialect, endpoint
        self._headers = endpoint.authorised({"User-Agent": "sv-eval", **dialect.headers})
        self._session = aiohttp.ClientSession(
            connector=TimedConnector(limit=0, ssl=endpoint.tls_context(TimedContext) if endpoint.secure else True),
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[_staying(endpoint)],
        )

    async def ask(self, message: Any, timeline: Timeline) -> ParsedAnswer:
        """Connect, converse, hang up."""
        async with Conversation(self, timeline) as socket:
            with understood():
                return await self._dialect.converse(socket, message, timeline)

    async def served(self) -> ServedModel:
        """Websockets say nothing of their model."""
        return NOTHING_SAID

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()

    async def connect(self, timeline: Timeline) -> aiohttp.ClientWebSocketResponse:
        """A connection, timed. Raises RemoteError."""
        limits, where = self._endpoint.connection, self._endpoint.address
        CURRENT.set(timeline)
        begin = time.perf_counter()
        try:
            async with asyncio.timeout(limits.connect_s):
                socket = await self._session.ws_connect(
                    self._endpoint.target,
                    headers=self._headers,
                    protocols=self._dialect.subprotocols,
                    max_msg_size=_LONGEST_MESSAGE,
                    compress=0,
                    proxy=self._endpoint.connection.proxy,
                )
        except aiohttp.WSServerHandshakeError as error:
            raise _refused(error, where) from error
        except TimeoutError as error:
            raise RemoteError(CONNECT, f"no connection to {where} within {limits.connect_s:g} s") from error
        except aiohttp.ClientSSLError as error:
            raise RemoteError(TLS, tls_message(where, error)) from error
        except (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError) as error:
            raise RemoteError(CONNECT, proxy_message(limits.proxy, where, error) or str(error)) from error
        except aiohttp.ClientConnectorError as error:
            raise RemoteError(CONNECT, f"no connection to {where} ({reason_of(error.os_error)})") from error
        except (aiohttp.ClientError, OSError) as error:
            raise RemoteError(RESET, f"the connection to {where} broke ({type(error).__name__})") from error
        timeline.sending_s = time.perf_counter()
        timeline.connect_s = (begin, timeline.sending_s)
        return socket

    @property
    def endpoint(self) -> Endpoint:
        """Where it leads."""
        return self._endpoint


class Conversation:
    """A connection for the length of a block, which may take `total_s` from when it stands."""

    def __init__(self, transport: WebsocketTransport, timeline: Timeline, *, total_s: float | None = None) -> None:
        self._transport, self._timeline = transport, timeline
        limits = transport.endpoint.connection
        self._total_s = limits.total_s if total_s is None else total_s
        self._limit = asyncio.timeout(None)

    async def __aenter__(self) -> Socket:
        """Connect."""
        self._socket = await self._transport.connect(self._timeline)
        endpoint = self._transport.endpoint
        self._limit = asyncio.timeout(self._total_s)
        await self._limit.__aenter__()
        return Socket(self._socket, endpoint.address, endpoint.connection.read_s)

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Hang up, without waiting for the other side's goodbye longer than a moment."""
        try:
            await self._limit.__aexit__(kind, error, trace)
        except TimeoutError as late:
            raise RemoteError(
                TIMEOUT,
                f"no answer from {self._transport.endpoint.address} in time ({self._total_s:g} s)",
            ) from late
        finally:
            begin_s = time.perf_counter()
            await self._hang_up()
            self._timeline.outside_s += time.perf_counter() - begin_s

    async def _hang_up(self) -> None:
        try:
            async with asyncio.timeout(1.0):
                await self._socket.close()
        except TimeoutError:
            pass


def _staying(endpoint: Endpoint) -> aiohttp.TraceConfig:
    """Hooks that let a handshake be redirected within its origin alone: the key goes along."""
    home = origin_of(endpoint.target)

    async def redirected(_: Any, __: Any, answer: aiohttp.TraceRequestRedirectParams) -> None:
        place = answer.response.headers.get("Location") or answer.response.headers.get("URI") or ""
        there = origin_of(destination(str(answer.url), place))
        if there != home:
            raise RemoteError(
                REDIRECTED,
                f"HTTP {answer.response.status} leads to another origin ({there}), which is not followed; if "
                "that is right, give it as backend.url",
            )

    config: aiohttp.TraceConfig = aiohttp.TraceConfig()
    config.on_request_redirect.append(redirected)
    return config


def _refused(error: aiohttp.WSServerHandshakeError, where: str) -> RemoteError:
    # Many servers say 403 to a path that they have no websocket at.
    found = kind_of_status(error.status) if error.status >= 300 else WRONG_TYPE
    kind = NOT_FOUND if error.status == 403 else found
    if kind == UNAUTHORIZED:
        return RemoteError(kind, f"HTTP {error.status} when connecting to {where}")
    return RemoteError(
        kind, f"{where} does not open a websocket at {error.request_info.real_url.path} (HTTP {error.status})"
    )
