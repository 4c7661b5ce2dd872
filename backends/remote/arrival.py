"""When bytes arrived: the kernel's stamp, and not the moment at which this process came round to reading them.

A process with many requests under way reads an answer when its event loop has a turn for it, half a millisecond
late when it is busy. That is no time of the service. Linux stamps each packet (`SO_TIMESTAMPNS`, socket(7)) and
hands the stamp over with the bytes; elsewhere, and under event loops that read without Python, there is none.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
import time
from typing import Any
from weakref import WeakValueDictionary

_SO_TIMESTAMPNS = 35
"""asm-generic/socket.h; Python has no name for it."""
_STAMP = struct.Struct("@qq")
"""A timespec: seconds and nanoseconds of the wall clock."""
_NOTES_BYTES = 64
_AT_ONCE_S = 0.0001
"""Two clocks that are read one after the other are read at once when no more lies between."""
_TRIES = 5
_STAMPS = sys.platform == "linux" and struct.calcsize("@l") == _STAMP.size // 2


class StampedSocket(socket.socket):
    """A socket that notes when what it read last had arrived."""

    arrived_s: float | None = None
    """On the clock of `time.perf_counter`; None where the kernel gave no stamp."""

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """What was always read, and its stamp."""
        data, notes, _, _ = self.recvmsg(size, _NOTES_BYTES, flags)
        self._note(notes)
        return data

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """What was always read, and its stamp."""
        view = memoryview(buffer)
        count, notes, _, _ = self.recvmsg_into([view[:nbytes] if nbytes else view], _NOTES_BYTES, flags)
        self._note(notes)
        return count

    def _note(self, notes: list[tuple[int, int, bytes]]) -> None:
        self.arrived_s = None
        for level, kind, data in notes:
            if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(data) >= _STAMP.size:
                seconds, nanoseconds = _STAMP.unpack(data[: _STAMP.size])
                now_s, wall_ns = _both_clocks()
                ago_ns = wall_ns - (seconds * 1_000_000_000 + nanoseconds)
                # The wall clock may be set meanwhile; nothing arrives after it was read.
                self.arrived_s = now_s - max(0, ago_ns) / 1e9


def _both_clocks() -> tuple[float, int]:
    """The moment on the clock of `time.perf_counter`, seconds, and on the wall's, nanoseconds.

    On a busy machine another process may have its turn between the two readings: then they are taken again.
    """
    for _ in range(_TRIES):
        begin_s, wall_ns, end_s = time.perf_counter(), time.time_ns(), time.perf_counter()
        if end_s - begin_s <= _AT_ONCE_S:
            break
    return end_s, wall_ns


class StampedSockets:
    """Makes the sockets of a connection pool, and finds the one beneath a transport."""

    def __init__(self) -> None:
        self._made: WeakValueDictionary[int, StampedSocket] = WeakValueDictionary()

    def __call__(self, address: tuple[Any, ...]) -> socket.socket:
        """A socket for an entry of `socket.getaddrinfo`."""
        family, kind, protocol = address[:3]
        if not _STAMPS:
            return socket.socket(family, kind, protocol)
        made = StampedSocket(family, kind, protocol)
        with contextlib.suppress(OSError):
            # Before it connects: set later, the first answer would come without.
            made.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._made[made.fileno()] = made
        return made

    def beneath(self, transport: asyncio.BaseTransport | None) -> StampedSocket | None:
        """The socket that a transport reads from; None where it is none of these."""
        sock = None if transport is None else transport.get_extra_info("socket")
        return None if sock is None else self._made.get(sock.fileno())
