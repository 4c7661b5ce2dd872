"""What runs in a worker process: one backend, opened there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sv_eval.backend import Answer, Backend, BackendInfo, Capabilities, Request
from sv_eval.data.audio.digest import taught_digests
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.errors import BackendLost, SvEvalError
from sv_eval.records import Heard
from sv_eval.run.executors.reading import Reader
from sv_eval.run.guard import Guard, around_the_backend, check_told


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a worker says once its backend is open."""

    capabilities: Capabilities
    """What the backend can do."""
    info: BackendInfo
    """What a report says about it."""
    pid: int
    """The worker's process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerError:
    """An error of sv_eval's own; errors with more than a message don't travel between processes."""

    kind: str
    """The name of its class."""
    message: str
    """What it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a worker says to a batch."""

    answers: tuple[Answer, ...]
    """In the order of the requests."""
    latency_ms: float
    """From the batch's arrival in the worker, or from when its clips were read, to its answers, milliseconds."""
    heard: tuple[Heard | None, ...] = ()
    """What it found of clips that it read itself, in the order of the requests; empty where it read none."""


class Worker:
    """One backend in a process of its own; the class of a Ray actor."""

    def __init__(self, settings: Mapping[str, Any], limits: AudioLimits | None = None) -> None:
        """settings are those of the configuration group `backend`; limits what clips may be that it reads."""
        self._settings, self._limits = dict(settings), limits
        self._backend: Backend | None = None
        self._reader: Reader | None = None
        self._turns = asyncio.Semaphore(1)

    async def open(self) -> Opened | WorkerError:
        """Load the model."""
        import os

        from sv_eval.config.building import build_backend

        try:
            backend = build_backend(self._settings)
            with around_the_backend("a worker opened it"):
                await backend.__aenter__()
            self._backend = backend
            with around_the_backend("it told a worker of itself"):
                check_told(backend)
                self._prepare_reading(backend)
                return Opened(capabilities=backend.capabilities, info=backend.info, pid=os.getpid())
        except SvEvalError as error:
            return WorkerError(kind=type(error).__name__, message=str(error))

    async def recognize(self, requests: Sequence[Request]) -> Answered | WorkerError:
        """The backend's answers; what went wrong inside the call gives a failure for each request."""
        if self._backend is None:
            return WorkerError(kind=BackendLost.__name__, message="the worker's backend is not open")
        if self._reader is not None and any(request.location is not None for request in requests):
            return await self._read_and_recognize(self._reader, requests)
        return await self._recognize(requests)

    async def _recognize(self, requests: Sequence[Request]) -> Answered | WorkerError:
        if self._backend is None:
            return WorkerError(kind=BackendLost.__name__, message="the worker's backend was closed")
        begin = time.perf_counter()
        try:
            answers = await Guard(self._backend.recognize).ask(requests)
        except SvEvalError as error:
            return WorkerError(kind=type(error).__name__, message=str(error))
        return Answered(answers=tuple(answers), latency_ms=(time.perf_counter() - begin) * 1000)

    async def _read_and_recognize(self, reader: Reader, requests: Sequence[Request]) -> Answered | WorkerError:
        """The answers to what could be read. While one batch is recognised, those behind it are read."""
        read = await reader.read(requests)
        sound = [request for request, _, failure in read if failure is None]
        said: Answered | WorkerError = Answered(answers=(), latency_ms=0.0)
        if sound:
            async with self._turns:
                said = await self._recognize(sound)
        if isinstance(said, WorkerError):
            return said
        answers = iter(said.answers)
        return Answered(
            answers=tuple(next(answers) if failure is None else failure for _, _, failure in read),
            latency_ms=said.latency_ms,
            heard=tuple(heard for _, heard, _ in read),
        )

    def _prepare_reading(self, backend: Backend) -> None:
        if self._limits is None:
            return
        can = backend.capabilities
        self._turns = asyncio.Semaphore(can.max_in_flight)
        self._reader = Reader(
            self._limits, keep_encoded=can.needs_encoded, taught=taught_digests(backend.info.card)
        )

    async def close(self) -> None:
        """Release the model."""
        backend, self._backend = self._backend, None
        if self._reader is not None:
            self._reader.close()
        if backend is not None:
            with around_the_backend("a worker closed it"):
                await backend.__aexit__(None, None, None)
