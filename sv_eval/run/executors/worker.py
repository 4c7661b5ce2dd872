"""What runs in a worker process: one backend, opened there."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sv_eval.backend import Answer, Backend, BackendInfo, Capabilities, Request
from sv_eval.errors import BackendLost, SvEvalError
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
    """From the batch's arrival in the worker to its answers, milliseconds."""


class Worker:
    """One backend in a process of its own; the class of a Ray actor."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        """settings are those of the configuration group `backend`."""
        self._settings = dict(settings)
        self._backend: Backend | None = None

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
                return Opened(capabilities=backend.capabilities, info=backend.info, pid=os.getpid())
        except SvEvalError as error:
            return WorkerError(kind=type(error).__name__, message=str(error))

    async def recognize(self, requests: Sequence[Request]) -> Answered | WorkerError:
        """The backend's answers; what went wrong inside the call gives a failure for each request."""
        if self._backend is None:
            return WorkerError(kind=BackendLost.__name__, message="the worker's backend is not open")
        begin = time.perf_counter()
        try:
            answers = await Guard(self._backend.recognize).ask(requests)
        except SvEvalError as error:
            return WorkerError(kind=type(error).__name__, message=str(error))
        return Answered(answers=tuple(answers), latency_ms=(time.perf_counter() - begin) * 1000)

    async def close(self) -> None:
        """Release the model."""
        backend, self._backend = self._backend, None
        if backend is not None:
            with around_the_backend("a worker closed it"):
                await backend.__aexit__(None, None, None)
