"""The clock that latency is read from: the wall's, or a simulated one that costs no time."""

from __future__ import annotations

import asyncio
import selectors
import time
from typing import Protocol

_SPIN_S = 0.0015  # asyncio wakes up to a millisecond late; the rest of a wait is spent yielding


class Clock(Protocol):
    """Time in seconds from an arbitrary origin."""

    def now(self) -> float:
        """The time."""

    async def wait_until(self, moment_s: float) -> None:
        """Return when it is `moment_s`."""


class WallClock:
    """The machine's monotonic high-resolution clock."""

    def now(self) -> float:
        """Seconds, `time.perf_counter`."""
        return time.perf_counter()

    async def wait_until(self, moment_s: float) -> None:
        """Return at `moment_s`, within some tens of microseconds on an idle machine."""
        left = moment_s - time.perf_counter()
        if left > _SPIN_S:
            await asyncio.sleep(left - _SPIN_S)
        while time.perf_counter() < moment_s:
            await asyncio.sleep(0)


class SimulatedClock:
    """Stands still until somebody waits, and is then at the moment that was waited for.

    For one waiter at a time, which is what a single-stream run is.
    """

    def __init__(self) -> None:
        self._now_s = 0.0

    def now(self) -> float:
        """Simulated seconds."""
        return self._now_s

    async def wait_until(self, moment_s: float) -> None:
        """Jump to `moment_s`, never back."""
        self._now_s = max(self._now_s, moment_s)


class _Jumping(selectors.DefaultSelector):
    """A selector that lets simulated time jump by what it was to wait for, unless something happens at once."""

    _MOMENT_S = 0.0001

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 100.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        # Not in the selector itself, whose waits are whole milliseconds.
        time.sleep(self._MOMENT_S)
        events = super().select(0)
        if not events:
            self.now_s += timeout
        return events


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next moment that anybody waits for, instead of waiting.

    For any number of waiters: hours of load pass in the time that the work itself takes. Threads live in real time
    and are given a moment of it before each jump.
    """

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Simulated seconds."""
        return self._jumping.now_s

    def advance(self, seconds: float) -> None:
        """Let time go by in which nobody else has a turn, as in code that blocks the loop."""
        self._jumping.now_s += seconds


class LoopClock:
    """The clock of the event loop that it is asked in; with a SimulatedLoop, simulated time for many waiters."""

    def now(self) -> float:
        """The loop's seconds."""
        return asyncio.get_running_loop().time()

    async def wait_until(self, moment_s: float) -> None:
        """Return at `moment_s`."""
        await asyncio.sleep(max(0.0, moment_s - self.now()))
