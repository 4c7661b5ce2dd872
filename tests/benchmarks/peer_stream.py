"""A streaming service whose delays are known: `peer_stream.py [--partial-ms 40] [--final-ms 300]`.

Every chunk is judged so long after its last sample came, and the final answer follows so long after the end was
told. Prints its port, and at its end, as JSON, how long each final answer really took: its own timers are no better
than the machine's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import time

from aiohttp import WSMsgType, web

RATE_HZ, BYTES = 16_000, 4


class Service:
    """The websocket of this project's service, with planted answers."""

    def __init__(self, partial_s: float, final_s: float) -> None:
        self.partial_s, self.final_s = partial_s, final_s
        self.took_ms: list[float] = []

    async def health(self, request: web.Request) -> web.Response:
        """Ready."""
        return web.json_response({"status": "ok"})

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        """One call."""
        socket = web.WebSocketResponse(max_msg_size=0, compress=False)
        await socket.prepare(request)
        loop, heard, judged, update_s = asyncio.get_running_loop(), 0, 0, 1.0
        pending: list[asyncio.Task[None]] = []

        async def later(due: float, message: dict[str, object]) -> None:
            await asyncio.sleep(due - loop.time())
            await socket.send_json(message)

        def partial(begin: int, end: int) -> dict[str, object]:
            return {"type": "partial", "start": begin / RATE_HZ, "end": end / RATE_HZ, "emotion": "happy"}

        async for message in socket:
            if message.type == WSMsgType.BINARY:
                heard += len(message.data) // BYTES
                while heard - judged >= round(update_s * RATE_HZ):
                    end = judged + round(update_s * RATE_HZ)
                    pending.append(asyncio.create_task(later(loop.time() + self.partial_s, partial(judged, end))))
                    judged = end
                continue
            told = json.loads(message.data)
            if told["type"] == "start":
                update_s = float(told["update_s"])
            elif told["type"] == "end":
                begin = time.perf_counter()
                await asyncio.sleep(self.final_s)
                if heard > judged:
                    await socket.send_json(partial(judged, heard))
                await asyncio.gather(*pending)
                await socket.send_json({"type": "final", "data": {"emotion": "sad", "duration": heard / RATE_HZ}})
                self.took_ms.append(1000 * (time.perf_counter() - begin))
                break
        await socket.close()
        return socket


async def serve(partial_s: float, final_s: float) -> None:
    service, app = Service(partial_s, final_s), web.Application()
    app.router.add_get("/v1/emotion/stream", service.stream)
    app.router.add_get("/health", service.health)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await runner.cleanup()
    print(json.dumps(service.took_ms), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--partial-ms", type=float, default=40.0)
    parser.add_argument("--final-ms", type=float, default=300.0)
    options = parser.parse_args()
    asyncio.run(serve(options.partial_ms / 1000, options.final_ms / 1000))
