"""The processes of the service: this one alone, or several behind the same ports."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Any

from sv_eval.config.building import build_backend
from sv_eval.errors import EXIT_PASS, ConfigError, SvEvalError
from sv_eval.machine.process import run_command
from sv_eval.run.event_loop import finished
from sv_eval.serve.config import ServeConfig
from sv_eval.serve.meters import MULTIPROCESS_DIR

_BACKLOG = 2048
_LOOK_S = 0.1
_QUICK_DEATH_S = 10.0
_MOST_QUICK_DEATHS = 3


def run(backend: Mapping[str, Any], config: ServeConfig) -> None:
    """Serve until told to stop. Raises SvEvalError when the service can't begin or can't go on."""
    with _listener(config) as listener:
        if config.workers == 1:
            _run_one(backend, config, listener, shared=False)
        else:
            with tempfile.TemporaryDirectory(prefix="sv_eval_metrics_") as folder, _grpc_port(config) as port:
                os.environ[MULTIPROCESS_DIR] = folder
                _Supervisor(backend, replace(config, grpc_port=port), listener).run()


def _run_one(backend: Mapping[str, Any], config: ServeConfig, listener: socket.socket, *, shared: bool) -> None:
    import uvloop

    from sv_eval.machine.tracing import NAME, open_tracing
    from sv_eval.serve.logs import open_log
    from sv_eval.serve.server import Process

    logger = open_log()
    with open_tracing(config.otel, "serve.otel") as provider:
        tracer = None if provider is None else provider.get_tracer(NAME)
        process = Process(build_backend(backend), config, logger, tracer=tracer, shared=shared)
        finished(process.run(listener), uvloop.new_event_loop)


def _worker(backend: Mapping[str, Any], config: ServeConfig, listener: socket.socket) -> None:
    """What a worker process does."""
    raise SystemExit(run_command(lambda: _run_one(backend, config, listener, shared=True)))


class _Supervisor:
    """Starts the workers, starts another one where one died, and ends them all."""

    def __init__(self, backend: Mapping[str, Any], config: ServeConfig, listener: socket.socket) -> None:
        self._work = (backend, config, listener)
        self._config, self._listener = config, listener
        self._spawning = multiprocessing.get_context("spawn")
        self._workers: list[tuple[BaseProcess, float]] = []
        self._stopping = False
        self._quick_deaths = 0

    def run(self) -> None:
        """Supervise until told to stop. Raises SvEvalError when workers die again and again."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        try:
            self._workers = [self._start() for _ in range(self._config.workers)]
            while not self._stopping:
                time.sleep(_LOOK_S)
                self._replace_dead()
        finally:
            self._end()

    def _start(self) -> tuple[BaseProcess, float]:
        process = self._spawning.Process(target=_worker, args=self._work)
        process.start()
        return process, time.monotonic()

    def _replace_dead(self) -> None:
        for index, (process, since) in enumerate(self._workers):
            if self._stopping or process.is_alive():
                continue
            if process.exitcode not in (EXIT_PASS, None) and process.exitcode > 0:
                # It said itself what is wrong, and another one would find the same.
                raise SvEvalError(f"a worker ended with exit code {process.exitcode}; its reason stands above")
            self._quick_deaths = self._quick_deaths + 1 if time.monotonic() - since < _QUICK_DEATH_S else 0
            if self._quick_deaths > _MOST_QUICK_DEATHS:
                raise SvEvalError("workers die as soon as they are started; see the log above")
            self._forget(process)
            self._workers[index] = self._start()

    def _forget(self, process: BaseProcess) -> None:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(  # type: ignore[no-untyped-call]
            process.pid, os.environ[MULTIPROCESS_DIR]
        )

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _end(self) -> None:
        """Pass the signal on and wait until every worker has finished what it accepted."""
        for process, _ in self._workers:
            if process.is_alive() and process.pid is not None:
                os.kill(process.pid, signal.SIGTERM)
        time.sleep(self._config.drain_s)
        # The workers close theirs; while this one is open, connections would wait in its queue for nobody.
        self._listener.close()
        until = time.monotonic() + 2 * self._config.shutdown_s + 5
        for process, _ in self._workers:
            process.join(max(0.1, until - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()


def _listener(config: ServeConfig) -> socket.socket:
    """The socket that HTTP listens on."""
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    try:
        return socket.create_server((config.host, config.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ConfigError(
            f"serve.host={config.host} serve.port={config.port}: can't listen there ({error.strerror}); "
            "choose another serve.port, or 0 for a free one"
        ) from error


class _grpc_port:  # noqa: N801 - used as a function, in a `with`
    """The port that several processes share for gRPC, kept from others while they start."""

    def __init__(self, config: ServeConfig) -> None:
        self._config = config
        self._holder: socket.socket | None = None

    def __enter__(self) -> int | None:
        if self._config.grpc_port is None:
            return None
        family = socket.AF_INET6 if ":" in self._config.host else socket.AF_INET
        self._holder = socket.socket(family, socket.SOCK_STREAM)
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            self._holder.bind((self._config.host, self._config.grpc_port))
        except OSError as error:
            self._holder.close()
            raise ConfigError(
                f"serve.grpc_port={self._config.grpc_port}: can't listen there ({error.strerror}); choose another, "
                "0 for a free one or null for no gRPC"
            ) from error
        port: int = self._holder.getsockname()[1]
        return port

    def __exit__(self, *reason: object) -> None:
        if self._holder is not None:
            self._holder.close()
