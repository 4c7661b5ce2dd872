"""Making connections, timed: what aiohttp and the TLS handshake tell of them, and what can be wrong."""

from __future__ import annotations

import os
import ssl
import time
from contextvars import ContextVar
from typing import Any, cast

import aiohttp

from sv_eval.backends.remote.arrival import StampedSockets
from sv_eval.backends.remote.timeline import Timeline

CURRENT: ContextVar[Timeline | None] = ContextVar("CURRENT", default=None)
"""The timeline of the attempt that this task is making."""


class TimedContext(ssl.SSLContext):
    """Notes when a handshake begins; asyncio calls `wrap_bio` then, in the context of the request's task."""

    def wrap_bio(self, *args: Any, **kwargs: Any) -> Any:
        """What it always was, and the moment."""
        timeline = CURRENT.get()
        if timeline is not None:
            timeline.tls_begin_s = time.perf_counter()
        return super().wrap_bio(*args, **kwargs)


class TimedConnector(aiohttp.TCPConnector):
    """A pool of connections that tells a request's timeline which socket its answer will come from."""

    def __init__(self, **settings: Any) -> None:
        self._sockets = StampedSockets()
        super().__init__(socket_factory=self._sockets, **settings)

    async def connect(self, *request: Any, **settings: Any) -> Any:
        """A connection for the request, as always."""
        connection = await super().connect(*request, **settings)
        timeline = CURRENT.get()
        if timeline is not None:
            timeline.has(self._sockets.beneath(connection.transport))
        return connection


def _same(trace_request_ctx: Any) -> Any:
    return trace_request_ctx


def tracing() -> aiohttp.TraceConfig:
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


def reason_of(error: OSError | None) -> str:
    """A system error in few words."""
    if error is None:
        return "unknown reason"
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower()
    return (error.strerror or str(error) or type(error).__name__).lower()


def proxy_message(proxy: str | None, where: str, error: aiohttp.ClientError) -> str | None:
    """What is wrong with the proxy on the way; None for an error that is of something else."""
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return f"no connection to the proxy {proxy} ({reason_of(error.os_error)})"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy {proxy} makes no connection to {where} (HTTP {error.status})"
    return None


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
