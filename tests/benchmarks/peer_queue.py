"""A server whose latency is known: k workers, service times drawn from a named distribution with a seed.

It answers like this project's service, and keeps the truth: at `GET /truth` the milliseconds from when each request
had arrived whole, by the kernel's own stamp, to when its answer was handed back to the kernel, in order of arrival;
`GET /forget` begins anew. A stamp that the process took itself would leave out how long it slept on after the
arrival, which is time that a caller waits.

python peer_queue.py WORKERS DISTRIBUTION SEED     constant, lognormal or bimodal; mean 20 ms
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import random
import socket
import struct
import sys
import time

MEAN_S = 0.02
_BODY = {"success": True, "data": {"emotion": "happy", "text": "x", "confidence": 0.9}, "request_id": "r"}
_SO_TIMESTAMPNS = 35
"""Linux: with each read comes the wall clock's time at which its last byte arrived. Python has no name for it."""
_STAMP = struct.Struct("@qq")


def service_s(kind: str, draw: random.Random) -> float:
    """One service time, seconds."""
    if kind == "constant":
        return MEAN_S
    if kind == "lognormal":
        sigma = 0.5
        return MEAN_S * math.exp(sigma * draw.gauss(0, 1) - sigma * sigma / 2)
    return 0.01 if draw.random() < 0.8 else 0.06


class Connection:
    """One caller's connection; all share the workers."""

    def __init__(self, shared: Shared, line: socket.socket) -> None:
        self._shared, self._line, self._held = shared, line, bytearray()
        line.setblocking(False)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(line, self._read)

    def _read(self) -> None:
        try:
            data, notes, _, _ = self._line.recvmsg(1 << 16, 256)
        except BlockingIOError:
            return
        except OSError:
            data, notes = b"", []
        if not data:
            self._loop.remove_reader(self._line)
            self._line.close()
            return
        self._held += data
        end = self._held.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._held[:end]).lower()
        place = head.find(b"content-length:")
        length = int(head[place + 15 :].split(b"\r\n")[0]) if place >= 0 else 0
        if len(self._held) < end + 4 + length:
            return
        del self._held[: end + 4 + length]
        path = head.split(b" ")[1]
        if path == b"/truth":
            self.answer(json.dumps(self._shared.truth_ms).encode())
        elif path == b"/forget":
            self._shared.truth_ms.clear()
            self.answer(b"[]")
        else:
            self._shared.arrived(self, _arrival_s(notes))

    def answer(self, body: bytes) -> None:
        """Write it; small answers fit the kernel's buffer, the truth is written in parts."""
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        rest = head.encode() + body
        with contextlib.suppress(OSError):
            while rest:
                try:
                    rest = rest[self._line.send(rest) :]
                except BlockingIOError:
                    time.sleep(0.001)


def _arrival_s(notes: list[tuple[int, int, bytes]]) -> float:
    """When the kernel had the last byte, on the monotonic clock."""
    now_s = time.monotonic()
    for level, kind, data in notes:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = _STAMP.unpack(data[: _STAMP.size])
            return now_s - max(0.0, (time.time_ns() - seconds * 1_000_000_000 - nanoseconds) / 1e9)
    raise SystemExit("the kernel stamps no arrivals: this needs Linux")


class Shared:
    """The workers, as the moments at which they are free."""

    def __init__(self, workers: int, kind: str, seed: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._free = [0.0] * workers
        self._kind, self._draw = kind, random.Random(seed)
        self._body = json.dumps(_BODY).encode()
        self.truth_ms: list[float] = []

    def arrived(self, caller: Connection, begin: float) -> None:
        """A whole request came at `begin`; its work starts there, or when a worker is free."""
        worker = min(range(len(self._free)), key=self._free.__getitem__)
        done = max(begin, self._free[worker]) + service_s(self._kind, self._draw)
        self._free[worker] = done
        self._loop.call_later(max(0.0, done - self._loop.time() - 0.0015), self._soon, caller, begin, done)

    def _soon(self, caller: Connection, begin: float, done: float) -> None:
        # The last 1.5 ms are waited for turn by turn: a timer alone is up to a millisecond late.
        if self._loop.time() < done:
            self._loop.call_soon(self._soon, caller, begin, done)
            return
        caller.answer(self._body)
        self.truth_ms.append((self._loop.time() - begin) * 1000)


async def main() -> None:
    loop = asyncio.get_running_loop()
    shared = Shared(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as door:
        door.setblocking(False)
        # Connections inherit it: set on them, it would come after their first bytes.
        door.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        print(door.getsockname()[1], flush=True)
        while True:
            line, _ = await loop.sock_accept(door)
            Connection(shared, line)


if __name__ == "__main__":
    asyncio.run(main())
