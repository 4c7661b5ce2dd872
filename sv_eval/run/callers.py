"""Requests by a plan of moments, or by callers who wait: the schedules that a queue can build up under.

A backend takes `in_flight` calls at once; who finds no place waits in front of it, and that wait is latency: it is
what a caller would feel.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from sv_eval.errors import BackendLost
from sv_eval.machine.clock import Clock
from sv_eval.run.prefetch import Decoded

_LEAD_S = 0.05
"""Between the beginning and the first planned moment: time to decode what is asked for first."""
_MOST_AHEAD_S = 0.002
"""What making a request ready may take at most for its turn to begin earlier; beyond it something else is slow."""
_SLICE_S = 0.2
"""The longest wait without a look at whether the run was stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueClip:
    """A clip whose turn has come."""

    item: Decoded
    """The clip."""
    planned_s: float
    """When it was to be sent, on the run's clock; latency counts from here."""
    turn_s: float | None = None
    """When the generator came to it; None where nothing was planned."""
    late_ms: float | None = None
    """How much later that was than it should have been."""
    call: int | None = None
    """The number of the query that it belongs to; None for one of its own."""
    waits: bool = False
    """Whether its caller asks as soon as it can, so that nothing is waited for but the answer."""


class LeadTime:
    """Learns how long it takes from a request's turn until its first byte goes out.

    Encoding, headers and the client library's own work lie in between: half a millisecond that is no latency of the
    service. Known from the requests before, it can be begun earlier, so that the byte goes out when planned.
    """

    _KEPT, _FEWEST = 25, 8
    _SHARE = 0.75
    """Of the requests before, those that were ready in the lead. One that is ready early counts from then, one that
    is ready late counts from its plan: what is a little too long costs nothing but a request's moment."""

    def __init__(self) -> None:
        self._last_s: deque[float] = deque(maxlen=self._KEPT)

    def took(self, seconds: float) -> None:
        """Take in one request's time; what can't be preparation alone is left out."""
        if 0 < seconds <= _MOST_AHEAD_S:
            self._last_s.append(seconds)

    @property
    def lead_s(self) -> float:
        """The upper quartile of the last requests, seconds; 0 until there are some."""
        if len(self._last_s) < self._FEWEST:
            return 0.0
        return sorted(self._last_s)[int(self._SHARE * len(self._last_s))]


Send = Callable[[DueClip], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class Callers:
    """Sends clips; errors of one request end the run once the others are finished."""

    clock: Clock
    """What moments are read from."""
    stop: asyncio.Event
    """Set it to begin nothing more."""
    lead_time: LeadTime = field(default_factory=LeadTime)
    """How long requests take to be made ready; those with a plan are begun so much earlier."""
    _errors: list[BaseException] = field(default_factory=list)
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    async def by_plan(self, stream: AsyncIterator[Decoded], arrivals: Iterator[float], send: Send) -> None:
        """Send each clip at its planned moment, whether or not others have been answered."""
        begin_s = self.clock.now() + _LEAD_S
        async for item in stream:
            planned_s = begin_s + next(arrivals)
            begun_s = planned_s - self.lead_time.lead_s
            await self._wait_until(begun_s)
            if self.stop.is_set() or self._errors:
                break
            turn_s = self.clock.now()
            late_ms = (turn_s - begun_s) * 1000
            self._begin(send(DueClip(item=item, planned_s=planned_s, turn_s=turn_s, late_ms=late_ms)))
        await self._finish()

    async def by_callers(
        self, stream: AsyncIterator[Decoded], send: Send, *, callers: int, think_s: float = 0.0
    ) -> None:
        """Let so many callers take clips in turn; each waits for its answer, thinks, and takes the next."""
        taking = asyncio.Lock()

        async def one() -> None:
            while not self.stop.is_set() and not self._errors:
                async with taking:
                    item = await anext(stream, None)
                if item is None:
                    return
                await send(DueClip(item=item, planned_s=self.clock.now(), waits=True))
                if think_s:
                    await self._wait_until(self.clock.now() + think_s)

        for _ in range(callers):
            self._begin(one())
        await self._finish()

    async def by_queries(self, stream: AsyncIterator[Decoded], send: Send, *, size: int) -> None:
        """Send `size` clips together, and the next ones when the last of them is answered."""
        query, held = 0, []
        async for item in stream:
            held.append(item)
            if len(held) == size:
                await self._together(held, query, send)
                query, held = query + 1, []
            if self.stop.is_set() or self._errors:
                held = []
                break
        if held:
            await self._together(held, query, send)
        await self._finish()

    async def _together(self, items: list[Decoded], query: int, send: Send) -> None:
        planned_s = self.clock.now()
        for item in items:
            self._begin(send(DueClip(item=item, planned_s=planned_s, call=query)))
        await asyncio.gather(*self._open, return_exceptions=True)

    def _begin(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._open.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Future[None]) -> None:
        self._open.discard(task)
        if task.cancelled():
            # Nobody here cancels a call: the plug-in did, and its clip would be lost without a word.
            self._errors.append(BackendLost("a call to the backend was cancelled from within"))
        elif (error := task.exception()) is not None:
            self._errors.append(error)

    async def _finish(self) -> None:
        await asyncio.gather(*self._open, return_exceptions=True)
        if self._errors:
            raise self._errors[0]

    async def _wait_until(self, moment_s: float) -> None:
        while not self.stop.is_set() and (left_s := moment_s - self.clock.now()) > 0:
            await self.clock.wait_until(moment_s if left_s <= _SLICE_S else self.clock.now() + _SLICE_S)
