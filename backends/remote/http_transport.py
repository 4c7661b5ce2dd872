"""HTTP: one connection pool, no redirects to elsewhere, every stage timed."""

from __future__ import annotations

import io
import ssl
from abc import abstractmethod
from collections.abc import Mapping

import aiohttp

from sv_eval.backends.remote.answer_parsing import ParsedAnswer, understood
from sv_eval.backends.remote.connecting import (
    CURRENT,
    TimedConnector,
    TimedContext,
    proxy_message,
    reason_of,
    tls_message,
    tracing,
)
from sv_eval.backends.remote.dialect import NOTHING_SAID, Dialect, ServedModel, Transport
from sv_eval.backends.remote.endpoint import Endpoint
from sv_eval.backends.remote.errors import (
    CONNECT,
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
from sv_eval.backends.remote.http_messages import HttpMessage, HttpReply, retry_after_s, said_in
from sv_eval.backends.remote.inflating import ACCEPTED, inflated
from sv_eval.backends.remote.redirects import allowed, destination, origin_of
from sv_eval.backends.remote.timeline import Timeline, server_timing

_LONGEST_ANSWER = 16 << 20
_REDIRECTS = 3
_ONE_PIECE = 1 << 20
_SAFE_TO_FOLLOW = (307, 308)
_ACCEPTED = 202


class HttpDialect(Dialect):
    """A dialect of one request and one answer over HTTP."""

    headers: Mapping[str, str] = {"Authorization": "Bearer {api_key}"}
    """Sent with every request; a header whose key is missing is left out."""

    @abstractmethod
    def read(self, reply: HttpReply) -> ParsedAnswer:
        """What a good answer says; raises RemoteError for a failure that hides in it."""

    def read_of(self, message: HttpMessage, reply: HttpReply) -> ParsedAnswer:
        """The same, where it matters what was asked."""
        return self.read(reply)

    def refusal(self, reply: HttpReply) -> RemoteError:
        """The error of an answer with a status of 300 or more."""
        return RemoteError(
            kind_of_status(reply.status),
            f"HTTP {reply.status} {said_in(reply)}".strip(),
            retry_after_s=retry_after_s(reply.headers),
        )

    def silence(self, reply: HttpReply) -> bool:
        """Whether a refusal says that there is no speech in the clip."""
        return False

    async def served(self, transport: HttpTransport) -> ServedModel:
        """What the service says of its model."""
        return NOTHING_SAID

    def open(self, endpoint: Endpoint) -> Transport:
        """A pool of connections."""
        return HttpTransport(self, endpoint)


class HttpTransport:
    """An aiohttp session to one endpoint."""

    def __init__(self, dialect: HttpDialect, endpoint: Endpoint) -> None:
        self._dialect, self._endpoint = dialect, endpoint
        self._url = endpoint.target
        plain = {"User-Agent": "sv-eval", "Accept-Encoding": ACCEPTED}
        self._headers = endpoint.authorised({**plain, **dialect.headers})
        self._headers_elsewhere = plain
        self._home, self._allowed = origin_of(self._url), allowed(endpoint.connection.redirects_to)
        limits = endpoint.connection
        self.session = aiohttp.ClientSession(
            connector=TimedConnector(
                limit=0,
                ssl=endpoint.tls_context(TimedContext) if endpoint.secure else True,
                keepalive_timeout=60,
            ),
            timeout=aiohttp.ClientTimeout(
                total=limits.total_s, sock_connect=limits.connect_s, sock_read=limits.read_s
            ),
            trace_configs=[tracing()],
            cookie_jar=aiohttp.DummyCookieJar(),
            # Inflated here, within limits.
            auto_decompress=False,
        )

    async def ask(self, message: HttpMessage, timeline: Timeline) -> ParsedAnswer:
        """Send a message and read the answer."""
        reply = await self.exchange(message, timeline)
        if "Server-Timing" in reply.headers:
            timeline.server_ms = server_timing(reply.headers["Server-Timing"])
        if reply.status == _ACCEPTED:
            place = f" at {reply.headers['Location'][:100]}" if "Location" in reply.headers else ""
            raise RemoteError(
                NOT_UNDERSTOOD,
                f"HTTP 202: the service has taken the job and answers later{place}; what must be fetched "
                "can't be measured, ask it for an answer at once",
            )
        with understood(lambda: reply.excerpt):
            if reply.status < 300:
                return self._dialect.read_of(message, reply)
            if self._dialect.silence(reply):
                return ParsedAnswer(no_speech=True)
            raise self._dialect.refusal(reply)

    async def served(self) -> ServedModel:
        """What the dialect can find out."""
        return await self._dialect.served(self)

    async def get(self, path: str) -> HttpReply:
        """Another page of the same service. Raises RemoteError."""
        return await self._once("GET", self._endpoint.beside(path), HttpMessage(body=b""), Timeline())

    async def close(self) -> None:
        """Close the pool."""
        await self.session.close()

    async def exchange(self, message: HttpMessage, timeline: Timeline) -> HttpReply:
        """The answer to a message, after redirects within the same origin. Raises RemoteError."""
        url = self._url
        for _ in range(_REDIRECTS):
            reply = await self._once(message.method, url, message, timeline)
            if not 300 <= reply.status < 400 or "Location" not in reply.headers:
                return reply
            url = self._followed(url, reply)
        raise RemoteError(REDIRECTED, f"redirected more than {_REDIRECTS} times, last to {url}")

    async def _once(self, method: str, url: str, message: HttpMessage, timeline: Timeline) -> HttpReply:
        CURRENT.set(timeline)
        at_home = origin_of(url) == self._home
        own = self._headers if at_home else self._headers_elsewhere
        said = message.headers if at_home else _described(message.headers)
        try:
            async with self.session.request(
                method,
                url,
                data=_sendable(message.body),
                headers={**own, **said},
                proxy=self._endpoint.connection.proxy,
                allow_redirects=False,
                trace_request_ctx=timeline,
            ) as response:
                timeline.head_came()
                body = await _whole(response)
                timeline.all_came()
                return HttpReply(status=response.status, body=body, headers=response.headers)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise self._error(error) from error

    def _followed(self, url: str, reply: HttpReply) -> str:
        place = destination(url, reply.headers["Location"])
        there = origin_of(place)
        if there != self._home and there not in self._allowed:
            raise RemoteError(
                REDIRECTED,
                f"HTTP {reply.status} leads to another origin ({there}), which is not followed; if that is right, "
                "give it as backend.url, or name it in backend.connection.redirects_to",
            )
        if reply.status not in _SAFE_TO_FOLLOW:
            raise RemoteError(REDIRECTED, f"HTTP {reply.status} leads to {place}; give that as backend.url")
        return place

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
        if isinstance(error, aiohttp.ClientError) and (said := proxy_message(limits.proxy, where, error)):
            return RemoteError(CONNECT, said)
        if isinstance(error, aiohttp.ClientConnectorError):
            return RemoteError(CONNECT, f"no connection to {where} ({reason_of(error.os_error)})")
        if isinstance(error, aiohttp.ClientPayloadError):
            return RemoteError(TRUNCATED, f"the answer of {where} broke off")
        if isinstance(error, aiohttp.ClientResponseError):
            return RemoteError(WRONG_TYPE, f"what answers at {where} does not speak HTTP as it should")
        return RemoteError(RESET, f"the connection to {where} broke ({type(error).__name__})")


def _sendable(body: bytes) -> bytes | io.BytesIO | None:
    """The body as aiohttp wants it; a long one in pieces, so that other requests are served in between."""
    if not body:
        return None
    return io.BytesIO(body) if len(body) > _ONE_PIECE else body


def _described(headers: Mapping[str, str]) -> dict[str, str]:
    """Those headers that say what a body is; any other might be meant for its own service alone."""
    return {name: value for name, value in headers.items() if name.lower() in ("content-type", "accept")}


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    """The body, as long as it is of a sane size, inflated."""
    length = response.content_length
    if length is not None and length <= _LONGEST_ANSWER:
        body = await response.read()
    else:
        pieces, size = [], 0
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > _LONGEST_ANSWER:
                raise RemoteError(WRONG_TYPE, f"the answer is longer than {_LONGEST_ANSWER >> 20} MiB")
            pieces.append(chunk)
        body = b"".join(pieces)
    return inflated(body, response.headers.get("Content-Encoding", ""), _LONGEST_ANSWER)
