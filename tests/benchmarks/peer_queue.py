"""A server whose latency is known: k workers, service times drawn from a named distribution with a seed.

It answers like this project's service, and keeps the truth: at `GET /truth` the milliseconds from when each request
had arrived whole to when its answer was written, in order of arrival; `GET /forget` begins anew.

python peer_queue.py WORKERS DISTRIBUTION SEED     constant, lognormal or bimodal; mean 20 ms
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import sys

MEAN_S = 0.02
_BODY = {"success": True, "data": {"emotion": "happy", "text": "x", "confidence": 0.9}, "request_id": "r"}


def service_s(kind: str, draw: random.Random) -> float:
    """One service time, seconds."""
    if kind == "constant":
        return MEAN_S
    if kind == "lognormal":
        sigma = 0.5
        return MEAN_S * math.exp(sigma * draw.gauss(0, 1) - sigma * sigma / 2)
    return 0.01 if draw.random() < 0.8 else 0.06


class Queue(asyncio.Protocol):
    """One connection; all share the workers."""

    def __init__(self, shared: Shared) -> None:
        self._shared, self._held = shared, bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
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
            self._write(json.dumps(self._shared.truth_ms).encode())
        elif path == b"/forget":
            self._shared.truth_ms.clear()
            self._write(b"[]")
        else:
            self._shared.arrived(self)

    def _write(self, body: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._transport.write(head.encode() + body)  # type: ignore[attr-defined]

    def answer(self, body: bytes) -> None:
        self._write(body)


class Shared:
    """The workers, as the moments at which they are free."""

    def __init__(self, workers: int, kind: str, seed: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._free = [0.0] * workers
        self._kind, self._draw = kind, random.Random(seed)
        self._body = json.dumps(_BODY).encode()
        self.truth_ms: list[float] = []

    def arrived(self, caller: Queue) -> None:
        now = self._loop.time()
        worker = min(range(len(self._free)), key=self._free.__getitem__)
        done = max(now, self._free[worker]) + service_s(self._kind, self._draw)
        self._free[worker] = done
        self._loop.call_later(max(0.0, done - now - 0.0015), self._soon, caller, now, done)

    def _soon(self, caller: Queue, begin: float, done: float) -> None:
        # The last 1.5 ms are waited for turn by turn: a timer alone is up to a millisecond late.
        if self._loop.time() < done:
            self._loop.call_soon(self._soon, caller, begin, done)
            return
        caller.answer(self._body)
        self.truth_ms.append((self._loop.time() - begin) * 1000)


async def main() -> None:
    loop = asyncio.get_running_loop()
    shared = Shared(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
    server = await loop.create_server(lambda: Queue(shared), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
