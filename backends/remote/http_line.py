"""HTTP: one connection pool, no redirects to elsewhere, every stage timed."""

from __future__ import annotations

import email.utils
import io
import json
import os
import ssl
import time
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp

from backends.remote.dialect import NOTHING_SAID, Dialect, Line, Served
from backends.remote.endpoint import Endpoint
from backends.remote.errors import (
    CONNECT,
    NOT_JSON,
    NOT_UNDERSTOOD,
    REDIRECTED,
    RESET,
    TIMEOUT,
    TLS,
    TRUNCATED,
    WRONG_TYPE,
    RemoteError,
    kind_of_status,
)
from backends.remote.hearing import Heard
from backends.remote.timeline import Timeline, server_timing

_LONGEST_ANSWER = 16 << 20
_REDIRECTS = 3
_ONE_PIECE = 1 << 20
_EXCERPT = 120
_SAFE_TO_FOLLOW = (307, 308)
CURRENT: ContextVar[Timeline | None] = ContextVar("CURRENT", default=None)
"""The timeline of the attempt that this task is making."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpMessage:
    """A request, ready to be sent as often as it takes."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """A whole answer."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def media_type(self) -> str:
        """Such as `application/json`."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def excerpt(self) -> str:
        """Its beginning, for messages."""
        return " ".join(self.body[:2000].decode("utf-8", "replace").split())[:_EXCERPT]

    def json(self) -> Any:
        """The body as JSON; raises RemoteError for anything else."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            if self.media_type in ("text/html", "application/xhtml+xml"):
                raise RemoteError(WRONG_TYPE, f"a web page came instead of an answer ({self.excerpt})") from error
            if self.media_type and "json" not in self.media_type:
                raise RemoteError(
                    WRONG_TYPE, f"{self.media_type} came instead of JSON ({self.excerpt or 'empty'})"
                ) from error
            raise RemoteError(NOT_JSON, f"the answer is no JSON ({self.excerpt or 'it is empty'})") from error


class HttpDialect(Dialect):
    """A dialect of one request and one answer over HTTP."""

    headers: Mapping[str, str] = {"Authorization": "Bearer {api_key}"}
    """Sent with every request; a header whose key is missing is left out."""

    @abstractmethod
    def read(self, reply: HttpReply) -> Heard:
        """What a good answer says; raises RemoteError for a failure that hides in it."""

    def refusal(self, reply: HttpReply) -> RemoteError:
        """The error of an answer with a status of 300 or more."""
        return RemoteError(
            kind_of_status(reply.status),
            f"HTTP {reply.status} {said_in(reply)}".strip(),
            retry_after_s=retry_after_s(reply.headers.get("Retry-After")),
        )

    def silence(self, reply: HttpReply) -> bool:
        """Whether a refusal says that there is no speech in the clip."""
        return False

    async def served(self, line: HttpLine) -> Served:
        """What the service says of its model."""
        return NOTHING_SAID

    def open(self, endpoint: Endpoint) -> Line:
        """A pool of connections."""
        return HttpLine(self, endpoint)


class TimedContext(ssl.SSLContext):
    """Notes when a handshake begins; asyncio calls `wrap_bio` then, in the context of the request's task."""

    def wrap_bio(self, *args: Any, **kwargs: Any) -> Any:
        """What it always was, and the moment."""
        timeline = CURRENT.get()
        if timeline is not None:
            timeline.tls_begin_s = time.perf_counter()
        return super().wrap_bio(*args, **kwargs)


class HttpLine:
    """An aiohttp session to one endpoint."""

    def __init__(self, dialect: HttpDialect, endpoint: Endpoint) -> None:
        self._dialect, self._endpoint = dialect, endpoint
        self._url = endpoint.target
        self._headers = endpoint.authorised({"User-Agent": "sv-eval", **dialect.headers})
        limits = endpoint.connection
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,
                ssl=endpoint.tls_context(TimedContext) if endpoint.secure else True,
                keepalive_timeout=60,
            ),
            timeout=aiohttp.ClientTimeout(
                total=limits.total_s, sock_connect=limits.connect_s, sock_read=limits.read_s
            ),
            trace_configs=[_tracing()],
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=True,
        )

    async def ask(self, message: HttpMessage, timeline: Timeline) -> Heard:
        """Send a message and read the answer."""
        reply = await self.exchange(message, timeline)
        if "Server-Timing" in reply.headers:
            timeline.server_ms = server_timing(reply.headers["Server-Timing"])
        if reply.status >= 300:
            if self._dialect.silence(reply):
                return Heard(no_speech=True)
            raise self._dialect.refusal(reply)
        try:
            return self._dialect.read(reply)
        except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
            raise RemoteError(
                NOT_UNDERSTOOD, f"the answer is not of the expected form ({reply.excerpt})"
            ) from error

    async def served(self) -> Served:
        """What the dialect can find out."""
        return await self._dialect.served(self)

    async def get(self, path: str) -> HttpReply:
        """Another page of the same service. Raises RemoteError."""
        return await self._once("GET", self._endpoint.beside(path), HttpMessage(body=b""), Timeline())

    async def close(self) -> None:
        """Close the pool."""
        await self.session.close()

    async def exchange(self, message: HttpMessage, timeline: Timeline) -> HttpReply:
        """The answer to a message, after redirects within the same host. Raises RemoteError."""
        url = self._url
        for _ in range(_REDIRECTS):
            reply = await self._once(message.method, url, message, timeline)
            if not 300 <= reply.status < 400 or "Location" not in reply.headers:
                return reply
            url = self._followed(url, reply)
        raise RemoteError(REDIRECTED, f"redirected more than {_REDIRECTS} times, last to {url}")

    async def _once(self, method: str, url: str, message: HttpMessage, timeline: Timeline) -> HttpReply:
        CURRENT.set(timeline)
        try:
            async with self.session.request(
                method,
                url,
                data=_sendable(message.body),
                headers={**self._headers, **message.headers},
                allow_redirects=False,
                trace_request_ctx=timeline,
            ) as response:
                timeline.answered_s = time.perf_counter()
                body = await _whole(response)
                timeline.received_s = time.perf_counter()
                return HttpReply(status=response.status, body=body, headers=response.headers)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise self._error(error) from error

    def _followed(self, url: str, reply: HttpReply) -> str:
        place = reply.headers["Location"]
        here, there = urlsplit(url), urlsplit(place)
        if there.hostname not in (None, here.hostname) or (here.scheme == "https" and there.scheme == "http"):
            raise RemoteError(
                REDIRECTED,
                f"HTTP {reply.status} leads to another host or off encryption ({there.scheme}://{there.netloc}), "
                "which is not followed; if that is the right place, give it as backend.url",
            )
        if reply.status not in _SAFE_TO_FOLLOW:
            raise RemoteError(REDIRECTED, f"HTTP {reply.status} leads to {place}; give that as backend.url")
        return place if there.netloc else f"{here.scheme}://{here.netloc}{place}"

    def _error(self, error: BaseException) -> RemoteError:
        where, limits = self._endpoint.address, self._endpoint.connection
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            return RemoteError(CONNECT, f"no connection to {where} within {limits.connect_s:g} s")
        if isinstance(error, TimeoutError):
            read = isinstance(error, aiohttp.SocketTimeoutError)
            limit = f"read_s={limits.read_s:g}" if read else f"total_s={limits.total_s:g}"
            return RemoteError(TIMEOUT, f"no answer from {where} in time (backend.connection.{limit})")
        if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
            return RemoteError(TLS, tls_message(where, error))
        if isinstance(error, aiohttp.ClientConnectorError):
            return RemoteError(CONNECT, f"no connection to {where} ({reason_of(error.os_error)})")
        if isinstance(error, aiohttp.ClientPayloadError):
            return RemoteError(TRUNCATED, f"the answer of {where} broke off")
        if isinstance(error, aiohttp.ClientResponseError):
            return RemoteError(WRONG_TYPE, f"what answers at {where} does not speak HTTP as it should")
        return RemoteError(RESET, f"the connection to {where} broke ({type(error).__name__})")


def reason_of(error: OSError | None) -> str:
    """A system error in few words."""
    if error is None:
        return "unknown reason"
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower()
    return (error.strerror or str(error) or type(error).__name__).lower()


def tls_message(where: str, error: BaseException) -> str:
    """What is wrong with a server's certificate or handshake, and what to do."""
    text = str(error)
    if "certificate verify failed" in text.lower():
        found = text.partition("certificate verify failed: ")[2].partition(" (_ssl")[0] or "not trusted"
        return (
            f"the certificate of {where} is refused ({found.rstrip(']')}); a private authority's goes into "
            "backend.connection.ca_file"
        )
    return f"no encrypted connection to {where}; is it an http:// address? ({' '.join(text.split())[:80]})"


def said_in(reply: HttpReply) -> str:
    """The message in an error's body, wherever services put it; else the body's beginning."""
    try:
        content = json.loads(reply.body)
    except ValueError:
        kind = "a web page" if "html" in reply.media_type else ""
        return f"({kind or reply.excerpt})" if reply.body else ""
    return f"({_message_in(content) or reply.excerpt})"


def _message_in(content: Any) -> str:
    if isinstance(content, str):
        return content[:_EXCERPT]
    if not isinstance(content, Mapping):
        return ""
    for key in ("detail", "error", "message", "msg"):
        found = content.get(key)
        if found:
            text = found if isinstance(found, str) else _message_in(found) or json.dumps(found)
            code = content.get("code")
            return f"{code}: {text}"[:_EXCERPT] if isinstance(code, str) else text[:_EXCERPT]
    return ""


def retry_after_s(value: str | None) -> float | None:
    """The seconds of a Retry-After header (RFC 9110, 10.2.3: seconds or a date); None where it says nothing."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - time.time())


def multipart(
    fields: Iterable[tuple[str, str]], *, name: str, file: bytes, filename: str, media_type: str
) -> HttpMessage:
    """A form with one file (RFC 7578). Names and values are ours or the configuration's, without line breaks."""
    boundary = b"----sv-eval-7c1f0a52b3d94e68"
    while boundary in file:
        boundary += b"x"
    parts = [
        b'--%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
        % (boundary, key.encode(), value.encode())
        for key, value in fields
    ]
    head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: {media_type}'
    body = b"".join([*parts, b"--%b\r\n%b\r\n\r\n" % (boundary, head.encode()), file, b"\r\n--%b--\r\n" % boundary])
    return HttpMessage(body=body, headers={"Content-Type": f"multipart/form-data; boundary={boundary.decode()}"})


def _sendable(body: bytes) -> bytes | io.BytesIO | None:
    """The body as aiohttp wants it; a long one in pieces, so that other requests are served in between."""
    if not body:
        return None
    return io.BytesIO(body) if len(body) > _ONE_PIECE else body


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    """The body, as long as it is of a sane size."""
    length = response.content_length
    if length is not None and length <= _LONGEST_ANSWER:
        return await response.read()
    body = b""
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _LONGEST_ANSWER:
            raise RemoteError(WRONG_TYPE, f"the answer is longer than {_LONGEST_ANSWER >> 20} MiB")
    return body


def _same(trace_request_ctx: Any) -> Any:
    return trace_request_ctx


def _tracing() -> aiohttp.TraceConfig:
    """Hooks that write aiohttp's events into the request's timeline."""
    # Typed for a context of its own making; the request's timeline takes that place.
    config: Any = aiohttp.TraceConfig(trace_config_ctx_factory=cast("Any", _same))
    now = time.perf_counter

    async def connecting(_: Any, timeline: Timeline, __: Any) -> None:
        timeline.connect_s = (now(), 0.0)

    async def connected(_: Any, timeline: Timeline, __: Any) -> None:
        moment = now()
        if timeline.connect_s is not None:
            timeline.connect_s = (timeline.connect_s[0], moment)
        timeline.sending_s = moment

    async def reused(_: Any, timeline: Timeline, __: Any) -> None:
        timeline.sending_s = now()

    async def looking_up(_: Any, timeline: Timeline, __: Any) -> None:
        timeline.dns_s = (now(), 0.0)

    async def looked_up(_: Any, timeline: Timeline, __: Any) -> None:
        if timeline.dns_s is not None:
            timeline.dns_s = (timeline.dns_s[0], now())

    async def sent(_: Any, timeline: Timeline, __: Any) -> None:
        timeline.sent_s = now()

    config.on_connection_create_start.append(connecting)
    config.on_connection_create_end.append(connected)
    config.on_connection_reuseconn.append(reused)
    config.on_dns_resolvehost_start.append(looking_up)
    config.on_dns_resolvehost_end.append(looked_up)
    config.on_request_chunk_sent.append(sent)
    found: aiohttp.TraceConfig = config
    return found
