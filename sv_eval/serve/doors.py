"""The connections that are open: how many there may be, and how long one may keep the service waiting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from sv_eval.serve.config import ConnectionLimits
from sv_eval.wire.problems import ServiceError

_LOOK_S = 0.25


class Guest(Protocol):
    """A connection, as the doors see it."""

    def turn_away(self, error: ServiceError) -> None:
        """Answer with this error, where anything was asked, and close."""

    def cut(self) -> None:
        """Close at once, whatever is left to send."""

    def waits_since(self) -> float | None:
        """Since when it owes the service a request that it has begun or promised; None while it owes nothing."""

    def idle(self) -> bool:
        """Whether nothing is in work for it."""

    def unread(self) -> int:
        """Bytes that were sent to it and that it has not taken."""


class Doors:
    """Lets connections in, and puts out those that keep it waiting.

    note: is told of every connection that was refused, with the reason.
    """

    def __init__(
        self,
        limits: ConnectionLimits,
        *,
        note: Callable[[ServiceError], None] = lambda _: None,
    ) -> None:
        self.limits, self.note = limits, note
        self.now = 0.0
        """Seconds that connections had to do their part; what holds the process up isn't counted against them."""
        self._guests: dict[Guest, None] = {}
        self._unread_since: dict[Guest, float] = {}

    def enter(self, guest: Guest) -> None:
        """Count a connection in. When there are too many, the one that has idled longest goes, or else this one."""
        if len(self._guests) >= self.limits.max_open:
            idle = next((one for one in self._guests if one.idle()), None)
            full = ServiceError("overloaded", f"{len(self._guests)} connections are open already")
            if idle is None:
                guest.turn_away(full)
            else:
                self.leave(idle)
                idle.cut()
        self._guests[guest] = None

    def leave(self, guest: Guest) -> None:
        """Count a connection out."""
        self._guests.pop(guest, None)
        self._unread_since.pop(guest, None)

    def served(self, guest: Guest) -> None:
        """A connection was of use: of those that idle it is now the last to go."""
        if guest in self._guests:
            self._guests[guest] = self._guests.pop(guest)

    async def watch(self) -> None:
        """Look after the connections until cancelled."""
        before = time.monotonic()
        while True:
            await asyncio.sleep(_LOOK_S)
            now = time.monotonic()
            self.look(min(now - before, 2 * _LOOK_S))
            before = now

    def look(self, passed_s: float) -> None:
        """Put out whoever takes too long: over a request's head, or to take what was answered."""
        self.now += passed_s
        now, limits = self.now, self.limits
        for guest in tuple(self._guests):
            since = guest.waits_since()
            if since is not None and now - since > limits.head_timeout_s:
                guest.turn_away(
                    ServiceError("request_timeout", f"no whole request came within {limits.head_timeout_s:g} s")
                )
            if not guest.unread():
                self._unread_since.pop(guest, None)
            elif now - self._unread_since.setdefault(guest, now) > limits.write_timeout_s:
                guest.cut()
