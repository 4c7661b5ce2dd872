"""How many requests are under way at once, and how many begin in a second.

The limit grows while latency holds, and shrinks when it does not or when the server says that it is asked too much:
TCP's congestion window (slow start, additive increase, multiplicative decrease on a refusal), with a delay signal
beside the refusals as TCP Vegas has it.
"""

from __future__ import annotations

import asyncio
from collections import deque

from sv_eval.machine.clock import WallClock

_START = 4
_DECREASE = 0.7
_HELD = 2.0
"""Latency holds while its running mean is at most so many times the best one seen."""
_SMOOTHING = 0.1


class Throttle:
    """At most `most` requests at once; with `adaptive`, as many as the server bears."""

    def __init__(self, most: int, *, adaptive: bool = True) -> None:
        self._most, self._adaptive = most, adaptive
        self._limit = float(min(_START, most) if adaptive else most)
        self._under_way = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._mean_ms: float | None = None
        self._best_ms = 0.0
        self._slow_start = True
        self._not_yet_back = 0
        """How many of those that were under way at the last cut are still to come back."""

    @property
    def limit(self) -> int:
        """How many may be under way now."""
        return max(1, int(self._limit))

    async def acquire(self) -> None:
        """Wait for a place, in order of arrival."""
        if self._under_way < self.limit and not self._waiting:
            self._under_way += 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._leave()
            raise

    def answered(self, latency_ms: float) -> None:
        """Give a place back after an answer that took so long."""
        if self._adaptive:
            self._grow(latency_ms)
        self._leave()

    def failed(self, *, congested: bool) -> None:
        """Give a place back without an answer; congested: the server said that it is asked too much."""
        # What was under way when the limit was cut may be refused as well; that is one sign and not many.
        if self._adaptive and congested and self._not_yet_back <= 0:
            self._limit = max(1.0, self._limit * _DECREASE)
            self._slow_start = False
            self._not_yet_back = self._under_way
        self._leave()

    def _grow(self, latency_ms: float) -> None:
        mean = latency_ms if self._mean_ms is None else self._mean_ms + _SMOOTHING * (latency_ms - self._mean_ms)
        self._best_ms = mean if self._mean_ms is None else min(mean, self._best_ms)
        self._mean_ms = mean
        # A limit that nobody reaches says nothing about what the server bears.
        if self._under_way < self.limit:
            return
        if mean <= _HELD * self._best_ms:
            self._limit = min(float(self._most), self._limit + (1.0 if self._slow_start else 1.0 / self._limit))
            return
        self._slow_start = False
        if self._limit > _START:
            self._limit -= 1.0 / self._limit
        else:
            # So few don't make a server slow: it has become slower by itself.
            self._best_ms = mean

    def _leave(self) -> None:
        self._under_way -= 1
        self._not_yet_back -= 1
        while self._waiting and self._under_way < self.limit:
            place = self._waiting.popleft()
            if not place.done():
                self._under_way += 1
                place.set_result(None)


class RateLimiter:
    """Spaces beginnings out evenly, `rate` a second; None lets everything through."""

    def __init__(self, rate: float | None) -> None:
        self._gap_s = 0.0 if rate is None else 1.0 / rate
        self._next_s = 0.0
        self._clock = WallClock()

    async def turn(self) -> None:
        """Return when the next one may begin."""
        if not self._gap_s:
            return
        now = self._clock.now()
        mine = max(now, self._next_s)
        self._next_s = mine + self._gap_s
        if mine > now:
            await asyncio.sleep(mine - now)
