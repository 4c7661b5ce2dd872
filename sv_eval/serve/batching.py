"""Requests from many callers, put together into the calls that a backend is fastest at.

While the backend has nothing to do, a request goes to it at once. While it is busy, requests gather, and the next
call takes the oldest of them with those nearest to it in length, so that little is spent on padding.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from sv_eval.backend import Answer, Request
from sv_eval.errors import SvEvalError
from sv_eval.run.guard import Guard, Recognise
from sv_eval.wire.problems import ServiceError

_MEMORY = 0.1
"""The weight of the newest value in a running mean."""

_MARGIN = 1.25
"""How much slower than so far the backend may become before a request that was accepted misses its deadline."""


def _nothing(_: int) -> None:
    """What is done with a batch's size where nobody counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchingRule:
    """How requests are gathered."""

    max_batch: int
    """The most requests in a call."""
    max_in_flight: int
    """The most calls open at once."""
    busy_from: int = 1
    """From how many open calls on a further one only waits for them."""
    queue_size: int = 64
    """The most requests that wait."""
    max_wait_s: float = 0.005
    """The most that a request waits for company while there is a free call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batched:
    """An answer, and how it came about."""

    answer: Answer
    queue_ms: float
    """Milliseconds between handing in and the call."""
    call_ms: float
    """Milliseconds of the call."""
    batch_size: int
    """How many requests the call held."""


@dataclass(slots=True, eq=False)
class _Waiting:
    request: Request
    since_s: float
    result: asyncio.Future[Batched]

    @property
    def audio_s(self) -> float:
        return self.request.waveform.duration_s


class MicroBatcher:
    """A bounded queue in front of a backend; used from one event loop.

    recognise: the backend's verb. on_batch: told the size of each call that is made. now: the clock, in seconds.
    """

    def __init__(
        self,
        recognise: Recognise,
        rule: BatchingRule,
        *,
        on_batch: Callable[[int], object] = _nothing,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._guard, self.rule, self._on_batch, self._now = Guard(recognise), rule, on_batch, now
        self._queue: list[_Waiting] = []
        self._calls: set[asyncio.Task[None]] = set()
        self._audio_in_flight_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._gap_s = math.inf
        self._arrived_s = -math.inf
        self._finished_s = -math.inf
        self._cost: float | None = None
        self.lost: str | None = None
        """Why the backend is gone; None while it answers."""

    @property
    def depth(self) -> int:
        """How many requests wait."""
        return len(self._queue)

    @property
    def full(self) -> bool:
        """Whether another request would be refused."""
        return len(self._queue) >= self.rule.queue_size

    @property
    def expected_wait_s(self) -> float:
        """Seconds until everything that is here now will be answered, by the pace so far; 0 without one."""
        waiting_s = sum(item.audio_s for item in self._queue)
        return (waiting_s + self._audio_in_flight_s) * (self._cost or 0.0)

    async def submit(self, request: Request, *, within_s: float = math.inf) -> Batched:
        """The answer to one request.

        Raises ServiceError `overloaded` when the queue is full, or when by the pace so far the answer would take
        longer than `within_s`. A caller that is cancelled leaves the queue.
        """
        begin = self._now()
        self._notice_arrival(begin)
        self._check_room(request, within_s)
        result: asyncio.Future[Batched] = asyncio.get_running_loop().create_future()
        item = _Waiting(request, begin, result)
        self._queue.append(item)
        self._pump()
        try:
            return await result
        finally:
            if item in self._queue:
                self._queue.remove(item)

    async def drained(self) -> None:
        """Wait until nothing is queued and no call is open."""
        while self._queue or self._calls:
            await asyncio.wait(self._calls) if self._calls else await asyncio.sleep(0.001)

    def _check_room(self, request: Request, within_s: float) -> None:
        if self.full:
            raise ServiceError(
                "overloaded",
                f"{len(self._queue)} recordings are waiting already",
                retry_after_s=self.expected_wait_s,
            )
        if not self._calls:
            # Nothing is going on: a pace that was measured wrong must not lock everyone out.
            return
        expected_s = _MARGIN * (self.expected_wait_s + request.waveform.duration_s * (self._cost or 0.0))
        if expected_s > within_s:
            raise ServiceError(
                "overloaded",
                f"the answer would take {expected_s:.1f} s, more than the {within_s:.1f} s there are",
                retry_after_s=expected_s - within_s,
            )

    def _notice_arrival(self, now: float) -> None:
        gap = now - self._arrived_s
        self._arrived_s = now
        if math.isfinite(gap):
            self._gap_s = gap if math.isinf(self._gap_s) else self._gap_s + _MEMORY * (gap - self._gap_s)

    def _pump(self) -> None:
        """Make the calls that are due."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._queue and len(self._calls) < self.rule.max_in_flight:
            wait_s = self._wait_s()
            if wait_s > 0:
                self._timer = asyncio.get_running_loop().call_later(wait_s, self._pump)
                return
            self._begin(self._take())

    def _wait_s(self) -> float:
        """How much longer company is worth waiting for, seconds; 0 for not at all."""
        missing = self.rule.max_batch - len(self._queue)
        if len(self._calls) < self.rule.busy_from or missing <= 0:
            return 0.0
        # The wait adapts: as long as a full batch will take to gather, and none when nobody is likely to come.
        longest_s = self.rule.max_wait_s
        wanted_s = 0.0 if self._gap_s > longest_s else min(longest_s, missing * self._gap_s)
        waited_s = self._now() - self._queue[0].since_s
        left_s = wanted_s - waited_s
        return left_s if left_s > 1e-5 else 0.0

    def _take(self) -> list[_Waiting]:
        """The oldest request and those nearest to it in length."""
        oldest = self._queue[0]
        if len(self._queue) <= self.rule.max_batch:
            taken, self._queue = self._queue, []
            return taken
        others = sorted(self._queue[1:], key=lambda item: abs(item.audio_s - oldest.audio_s))
        taken = [oldest, *others[: self.rule.max_batch - 1]]
        chosen = set(map(id, taken))
        self._queue = [item for item in self._queue if id(item) not in chosen]
        return taken

    def _begin(self, batch: list[_Waiting]) -> None:
        now = self._now()
        current = [item for item in batch if not item.result.done()]
        if current:
            self._audio_in_flight_s += sum(item.audio_s for item in current)
            task = asyncio.get_running_loop().create_task(self._call(current, now))
            self._calls.add(task)
            task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        self._pump()

    async def _call(self, batch: list[_Waiting], begin: float) -> None:
        audio_s = sum(item.audio_s for item in batch)
        try:
            self._on_batch(len(batch))
            requests = [item.request for item in batch]
            answers = [answer async for answer, _ in self._guard.each(requests)]
            self.lost = None
        except SvEvalError as error:
            # An error about more than these recordings: the backend itself is gone.
            self.lost = str(error)
            for item in batch:
                _settle(item, ServiceError("not_ready", "the backend does not answer at the moment"))
            return
        finally:
            self._audio_in_flight_s -= audio_s
        now = self._now()
        self._learn_pace(audio_s, begin, now)
        for item, answer in zip(batch, answers, strict=True):
            queue_ms, call_ms = (begin - item.since_s) * 1000, (now - begin) * 1000
            _settle(item, Batched(answer=answer, queue_ms=queue_ms, call_ms=call_ms, batch_size=len(batch)))

    def _learn_pace(self, audio_s: float, begin: float, now: float) -> None:
        """Bring up to date how long the backend works on a second of audio, with calls that overlap."""
        busy_s = now - max(begin, self._finished_s)
        self._finished_s = now
        if audio_s > 0:
            cost = busy_s / audio_s
            self._cost = cost if self._cost is None else self._cost + _MEMORY * (cost - self._cost)


def _settle(item: _Waiting, outcome: Batched | ServiceError) -> None:
    if item.result.done():
        return
    if isinstance(outcome, Batched):
        item.result.set_result(outcome)
    else:
        item.result.set_exception(outcome)
