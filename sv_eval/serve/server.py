"""One process of the service: HTTP and gRPC in front of one backend, from start to graceful end."""

from __future__ import annotations

import asyncio
import logging
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from socket import socket
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from sv_eval.backend import Backend
from sv_eval.errors import BackendLost
from sv_eval.serve.access import Keyring, RateLimiter, read_keys
from sv_eval.serve.admission import AdmissionControl
from sv_eval.serve.config import ConnectionLimits, ServeConfig
from sv_eval.serve.connections import HttpConnection, WebsocketConnection
from sv_eval.serve.doors import Doors
from sv_eval.serve.http import create_app
from sv_eval.serve.origin import Origins
from sv_eval.serve.reporter import Reporter
from sv_eval.serve.service import Service
from sv_eval.serve.trace import Trace, request_id_from
from sv_eval.wire.problems import ServiceError

_LOOK_S = 0.02
_WAITING_PER_STREAM = 4
"""Callers that may be connected for each stream that may be open; the others are told that there is no room."""
_OTHER_FILES = 128
"""What a process opens beside its callers' connections, at most."""


class Process:
    """The service in this process.

    tracer: OpenTelemetry's, or None. shared: whether other processes use the same ports.
    """

    def __init__(
        self,
        backend: Backend,
        config: ServeConfig,
        logger: logging.Logger,
        *,
        tracer: Any = None,
        shared: bool = False,
    ) -> None:
        self.config, self._logger = config, logger
        self._stopping: asyncio.Task[None] | None = None
        self.service = Service(backend, config)
        self._admission = AdmissionControl(
            keys=Keyring(read_keys(config.api_keys_file)),
            limiter=RateLimiter(config.rate_limit, config.rate_burst),
            wrong_keys=RateLimiter(config.wrong_key_rate, config.wrong_key_burst),
            origins=Origins.of(config.cors_origins),
            max_requests=config.max_requests,
            max_streams=_WAITING_PER_STREAM * config.streams.max_open,
            meters=self.service.meters,
        )
        reporter = Reporter(logger=logger, meters=self.service.meters, text=config.log_text, tracer=tracer)
        connections = _within_files(config.connections)
        self._grpc: Any = None
        if config.grpc_port is not None:
            from sv_eval.serve.grpc_server import GrpcServer

            self._grpc = GrpcServer(
                self.service, self._admission, reporter, most_connections=connections.max_open, shared=shared
            )
        self._late = shared
        self._doors = Doors(connections, note=_noted(reporter))
        self._http = _HttpServer(create_app(self.service, self._admission, reporter), config, self._doors)

    async def run(self, listener: socket) -> None:
        """Serve until told to stop, then finish what was accepted. Raises what loading the backend raises.

        Where other processes share the ports, this one answers nobody before its model is there: they may be ready.
        """
        self._http.on_signal = self._begin_stop
        if self._late:
            try:
                await self._load()
            except BaseException as error:
                await self._release(error)
                raise
        watching = asyncio.create_task(self._doors.watch())
        serving = asyncio.create_task(self._http.serve(sockets=[listener]))
        opening = asyncio.create_task(self._open(listener))
        try:
            await asyncio.wait({serving, opening}, return_when=asyncio.FIRST_COMPLETED)
            if opening.done() and opening.exception() is not None:
                self._http.should_exit = True
            await serving
            await opening
        finally:
            opening.cancel()
            watching.cancel()
            if self._grpc is not None:
                await self._grpc.stop(self.config.shutdown_s)
            if self._stopping is not None:
                await self._stopping
            await self._release(sys.exception())
            self._logger.info("stopped")

    async def _release(self, error: BaseException | None) -> None:
        """Release the backend; of several errors the first one is told."""
        try:
            await self.service.recognition.close()
        except BackendLost:
            if error is None:
                raise

    async def _open(self, listener: socket) -> None:
        host, port = listener.getsockname()[:2]
        address: dict[str, object] = {"http": f"http://{_bracketed(host)}:{port}"}
        if self._grpc is not None:
            grpc_port = await self._grpc.start(f"{_bracketed(self.config.host)}:{self.config.grpc_port}")
            address["grpc"] = f"{_bracketed(host)}:{grpc_port}"
        self._logger.info("listening", extra={"fields": address})
        if not self._late:
            await self._load()
        self._logger.info("ready", extra={"fields": self._loaded})
        self.service.meters.set("ready", 1)
        if self._grpc is not None:
            await self._grpc.set_ready(True)

    async def _load(self) -> None:
        begin = time.perf_counter()
        await self.service.recognition.open()
        info = self.service.recognition.backend.info
        self._loaded = {
            "backend": info.name,
            "model": info.model,
            "precision": info.precision,
            "device": info.device,
            "load_s": round(time.perf_counter() - begin, 3),
        }

    def _begin_stop(self) -> None:
        self._logger.info("stopping")
        self.service.recognition.draining = True
        self.service.meters.set("ready", 0)
        self._stopping = asyncio.get_running_loop().create_task(self._stop())

    async def _stop(self) -> None:
        """Not ready; then the doors closed; then, once streams are over, the HTTP server told to end."""
        if self._grpc is not None:
            await self._grpc.set_ready(False)
        await asyncio.sleep(self.config.drain_s)
        self._http.close_doors()
        until = time.monotonic() + self.config.shutdown_s
        ending = None if self._grpc is None else asyncio.create_task(self._grpc.stop(self.config.shutdown_s))
        while self.service.streams.open and time.monotonic() < until:
            await asyncio.sleep(_LOOK_S)
        self._http.end_within(until - time.monotonic())
        if ending is not None:
            await ending


class _HttpServer(uvicorn.Server):
    """uvicorn, with an end that begins by not being ready."""

    def __init__(self, app: ASGIApp, config: ServeConfig, doors: Doors) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=partial(HttpConnection, doors=doors),  # type: ignore[arg-type]
                ws=partial(WebsocketConnection, doors=doors),  # type: ignore[arg-type]
                # Whoever may say on whose behalf it asks can pass for anybody: that is nobody unless named.
                proxy_headers=bool(config.trusted_proxies),
                forwarded_allow_ips=list(config.trusted_proxies),
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=max(1, round(config.shutdown_s)),
                ws_max_size=config.streams.max_message_bytes,
                backlog=2048,
            )
        )
        self.on_signal = lambda: None
        self._signalled = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's own signature
        """The first signal begins a graceful end, a second one hurries it."""
        if self._signalled:
            self.should_exit = self.force_exit = True
            return
        self._signalled = True
        # Signal handlers run between any two instructions; the loop runs this when it is safe.
        self._loop.call_soon_threadsafe(self.on_signal)

    async def serve(self, sockets: list[socket] | None = None) -> None:
        """Serve on the sockets until `should_exit`."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def end_within(self, seconds: float) -> None:
        """Finish what is in work, for so many seconds at most."""
        self.config.timeout_graceful_shutdown = max(1, round(seconds))
        self.should_exit = True

    def close_doors(self) -> None:
        """Accept no further connection; those that are open go on."""
        for server in getattr(self, "servers", ()):
            server.close()


def _within_files(limits: ConnectionLimits) -> ConnectionLimits:
    """The limits, with no more connections of HTTP and gRPC together than this process may have files open."""
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)[0], limits.max_open
    return replace(limits, max_open=max(8, min(most, (files - _OTHER_FILES) // 2)))


def _noted(reporter: Reporter) -> Callable[[ServiceError], None]:
    """Tells the log of a connection that was refused before there was a request."""

    def note(error: ServiceError) -> None:
        trace = Trace(request_id=request_id_from(None), code=error.code.word)
        reporter.finished(trace, path="other", method="-", status=error.code.status)

    return note


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
