"""A backend in the workers of a Ray cluster, behind the same protocol as one in this process.

The run loop stays the only one: it decodes, keeps the journal, counts failures and shows progress as ever, and
knows the cluster by nothing but how many calls may be open. A worker that is lost is replaced, and what it was
working on goes to another one; such answers are marked as retried and stay out of latency.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from sv_eval.backend import Answer, Backend, BackendInfo, Capabilities, Request
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.errors import BackendLost, ConfigError, InferenceError, ModelError
from sv_eval.records import FailedAttempt, Passage
from sv_eval.run.executors.cluster import OF_THIS_PROCESS, first_line
from sv_eval.run.executors.config import WORKERS, ExecutorConfig
from sv_eval.run.executors.worker import Answered, Opened, Worker, WorkerError

_CLOSING_S = 10.0
_READ_AHEAD = 2
"""Calls that wait in a worker with their clips read, or being read."""
_BACK_OFF_S = 0.5
"""Before the first worker that follows a lost one; doubled before each further."""
_RESTARTS = 3
"""How often one place is given a new worker after it lost one without answering anything in between."""


@dataclass(slots=True)
class _Place:
    """A worker's place in the cluster; a lost worker leaves it to its successor."""

    number: int
    actor: Any
    """None once no worker stays alive here."""
    lost: int = 0
    """Workers lost since the last answer."""
    renewing: asyncio.Lock = field(default_factory=asyncio.Lock)


class RayWorkers:
    """The backend of `settings`, opened in each of several Ray actors."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        here: Backend,
        config: ExecutorConfig,
        limits: AudioLimits | None = None,
    ) -> None:
        """settings: the configuration group `backend`; here: the same backend, built and not opened; limits: what
        clips may be that workers read themselves.
        """
        self._limits = (limits or AudioLimits()) if config.read == WORKERS else None
        self._settings, self._config = dict(settings), config
        self._capabilities = replace(
            here.capabilities, streams=False, traces=(), detects_speech=False, shares_work=False
        )
        self._info: BackendInfo | None = None
        self._ray: Any = None
        self._free: asyncio.Queue[_Place | None] = asyncio.Queue()
        self._places: list[_Place] = []
        self._alive = 0

    @property
    def capabilities(self) -> Capabilities:
        """What the backend can do, with as many calls at once as all workers take."""
        return self._capabilities

    @property
    def info(self) -> BackendInfo:
        """What the first worker says about its backend, and how many of them there are."""
        if self._info is None:
            raise RuntimeError("enter the backend first")
        return self._info

    async def __aenter__(self) -> Self:
        """Join or start the cluster and open a worker in each place; raises what opening the backend here would."""
        self._ray = OF_THIS_PROCESS.join(self._config.address)
        try:
            opened = await self._open_all()
        except BaseException as error:
            await self.__aexit__()
            OF_THIS_PROCESS.leave(lost=isinstance(error, BackendLost))
            raise
        first = opened[0]
        # Whoever reads clips itself has some to read while others are judged.
        each = first.capabilities.max_in_flight + (_READ_AHEAD if self._limits is not None else 0)
        calls = len(opened) * each
        self._capabilities = replace(
            first.capabilities,
            max_in_flight=calls,
            parallel=len(opened) * first.capabilities.parallel,
            streams=False,
            traces=(),
            detects_speech=False,
            shares_work=False,
        )
        details = {**first.info.details, "executor": "ray", "workers": len(opened)}
        # Of a cluster that somebody else started, workers may be on this machine.
        apart = self._config.address is not None
        self._info = replace(first.info, details=details, served_here=first.info.served_here or apart)
        for place in self._places:
            for _ in range(each):
                self._free.put_nowait(place)
        return self

    async def _open_all(self) -> list[Opened]:
        resources = self._ray.cluster_resources()
        gpus = self._config.gpus_per_worker
        if gpus is None:
            gpus = 1.0 if resources.get("GPU", 0) >= 1 else 0.0
        count = self._config.workers or _how_many(resources, self._config.cpus_per_worker, gpus)
        needed = {"CPU": count * self._config.cpus_per_worker, "GPU": count * gpus}
        for name, amount in needed.items():
            if amount > resources.get(name, 0.0):
                raise ConfigError(
                    f"executor.workers={count}: they need {amount:g} {name}s, the cluster has "
                    f"{resources.get(name, 0.0):g}; give fewer workers, or less for each"
                )
        self._actor = self._ray.remote(num_cpus=self._config.cpus_per_worker, num_gpus=gpus)(Worker)
        self._places = [_Place(number, self._actor.remote(self._settings, self._limits)) for number in range(count)]
        opened = await asyncio.gather(*(self._open(place) for place in self._places))
        self._alive = count
        return opened

    async def _open(self, place: _Place) -> Opened:
        try:
            said: Opened | WorkerError = await place.actor.open.remote()
        except self._ray.exceptions.RayError as error:
            raise BackendLost(
                f"worker {place.number} ended while it loaded the model: {first_line(error)}"
            ) from error
        if isinstance(said, WorkerError):
            kinds = {"ModelError": ModelError, "ConfigError": ConfigError}
            raise kinds.get(said.kind, BackendLost)(said.message)
        return said

    async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """One answer for each request, in order, from whichever worker is free."""
        troubles: list[FailedAttempt] = []
        begin_s = time.perf_counter()
        while True:
            place = await self._next()
            actor = place.actor
            try:
                said = await actor.recognize.remote(list(requests))
            except self._ray.exceptions.RayError as error:
                await self._replace(place, actor)
                troubles.append(
                    FailedAttempt(kind="worker_lost", message=f"worker {place.number}: {first_line(error)}")
                )
                if len(troubles) > self._config.retries:
                    raise InferenceError(
                        "worker_lost", f"{len(troubles)} workers were lost over these clips: {troubles[-1].message}"
                    ) from error
                continue
            place.lost = 0
            self._free.put_nowait(place)
            if isinstance(said, WorkerError):
                raise BackendLost(said.message)
            return self._travelled(said, requests, begin_s, tuple(troubles))

    def _travelled(
        self, said: Answered, requests: Sequence[Request], begin_s: float, troubles: tuple[FailedAttempt, ...]
    ) -> list[Answer]:
        """The answers, with the latency that the worker itself saw, or from when they were planned."""
        now = time.perf_counter()
        found: list[Answer] = []
        all_heard = said.heard or (None,) * len(requests)
        for answer, request, heard in zip(said.answers, requests, all_heard, strict=True):
            waited = said.latency_ms if request.planned_s is None else (now - request.planned_s) * 1000
            earlier = answer.passage
            if earlier is not None:
                passage = replace(
                    earlier, attempts=earlier.attempts + len(troubles), troubles=(*troubles, *earlier.troubles)
                )
            else:
                passage = Passage(begin_s=begin_s, latency_ms=waited, attempts=1 + len(troubles), troubles=troubles)
            found.append(replace(answer, passage=replace(passage, heard=heard)))
        return found

    async def _next(self) -> _Place:
        """A worker with a call to spare."""
        place = await self._free.get()
        if place is None:
            self._free.put_nowait(None)
            raise BackendLost("all of the executor's workers are gone and can't be replaced")
        return place

    async def _replace(self, place: _Place, lost: Any) -> None:
        """A new worker where one was lost; the place is given up when none stays alive in it."""
        async with place.renewing:
            # Of several calls that a worker takes along, the first replaces it.
            if place.actor is lost:
                await self._renew(place)
        if place.actor is not None:
            self._free.put_nowait(place)

    async def _renew(self, place: _Place) -> None:
        while place.lost < _RESTARTS:
            place.lost += 1
            self._ray.kill(place.actor)
            # What took a worker away, such as a machine without memory, may be there for a while.
            await asyncio.sleep(_BACK_OFF_S * 2 ** (place.lost - 1))
            place.actor = self._actor.remote(self._settings, self._limits)
            try:
                await self._open(place)
            except (BackendLost, ModelError, ConfigError):
                continue
            return
        place.actor = None
        self._alive -= 1
        if not self._alive:
            # Whoever waits for a free worker must learn of it.
            self._free.put_nowait(None)

    async def __aexit__(self, *reason: object) -> None:
        """Close the workers; leave the cluster that was joined for this run, or stop it if it was started."""
        actors = [place.actor for place in self._places if place.actor is not None]
        closing = [asyncio.ensure_future(actor.close.remote()) for actor in actors]
        if closing:
            await asyncio.wait(closing, timeout=_CLOSING_S)
            for task in closing:
                # A worker that is gone has nothing to release; its error is of no interest any more.
                task.cancel() if not task.done() else task.exception()
        for actor in actors:
            self._ray.kill(actor)
        self._places = []
        OF_THIS_PROCESS.leave()


def _how_many(resources: Mapping[str, float], cpus: float, gpus: float) -> int:
    """One worker for each share of the cluster that one is given, at least one."""
    shares = [resources.get("GPU", 0.0) / gpus] if gpus else [resources.get("CPU", 0.0) / cpus] if cpus else [1.0]
    return max(1, int(min(shares)))
