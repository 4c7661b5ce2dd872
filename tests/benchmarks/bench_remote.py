"""What backend=remote costs itself: against servers that answer at once, beside the bare client in the same run.

python tests/benchmarks/bench_remote.py [--seconds 3] [--rounds 5]

For each way (JSON over HTTP with 60 kB bodies, a chat model's JSON with the same, gRPC with the same audio) and
concurrency (32 and 1) three contestants take turns: the bare client (aiohttp, grpc.aio) sending a finished body,
the backend's `recognize`, which makes its body anew each time, and the whole harness around it (run loop, records
written to disk).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from sv_eval.backend import NO_ADJUSTMENTS, Request  # noqa: E402
from sv_eval.backends.chat.backend import ChatBackend, dialect_of  # noqa: E402
from sv_eval.backends.remote.backend import RemoteBackend  # noqa: E402
from sv_eval.backends.remote.dialects.service import JsonDialect  # noqa: E402
from sv_eval.backends.remote.dialects.service_grpc import GrpcDialect  # noqa: E402
from sv_eval.record_file.journal import Journal  # noqa: E402
from sv_eval.records import Clip, Waveform  # noqa: E402
from sv_eval.run.load import LoadPlan  # noqa: E402
from sv_eval.run.loop import RunLoop  # noqa: E402

FILE_BYTES = 45_000  # 60 kB in base64
ENCODED = np.random.default_rng(0).integers(0, 256, FILE_BYTES, dtype=np.uint8).tobytes()
WAVEFORM = Waveform(samples=np.zeros(22_000, np.float32), encoded=ENCODED, container="wav/pcm_16")
REQUEST = Request(clip_id="clip", waveform=WAVEFORM)


class OneSource:
    """Every clip has the same audio, decoded already."""

    def load(self, clip: Clip, *, keep_encoded: bool = False) -> Waveform:
        return WAVEFORM


@contextmanager
def instant(*arguments: str) -> Any:
    """The port of a server that answers at once."""
    command = [sys.executable, str(HERE / "peer_instant.py"), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        yield int(process.stdout.readline())  # type: ignore[union-attr]
    finally:
        process.kill()
        process.wait()


async def rate(once: Callable[[], Awaitable[Any]], concurrency: int, seconds: float) -> float:
    """Answers a second."""
    count, end = 0, time.perf_counter() + seconds

    async def caller() -> None:
        nonlocal count
        while time.perf_counter() < end:
            await once()
            count += 1

    begin = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(concurrency)))
    return count / (time.perf_counter() - begin)


async def harness_rate(backend: RemoteBackend, concurrency: int, seconds: float, guess: float) -> float:
    """Clips a second of the whole run loop, every record written to a file."""
    clips = [Clip(id=f"clip{index:06d}", reference="angry", speaker="a") for index in range(int(guess * seconds))]
    plan = LoadPlan(batch_size=1, in_flight=concurrency, window=1, warmup_clips=0)
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder)) as journal:
        loop = RunLoop(backend=backend, source=OneSource(), plan=plan, on_record=journal.append)
        begin = time.perf_counter()
        await loop.run(clips)
        return len(clips) / (time.perf_counter() - begin)


async def over(name: str, backend: RemoteBackend, bare: Callable[[], Awaitable[Any]], options: Any) -> None:
    """Measure one way and print it."""

    async def ours() -> None:
        (answer,) = await backend.recognize([REQUEST])
        assert getattr(answer, "label", None) == "angry", answer

    async with backend:
        for concurrency in (32, 1):
            await rate(ours, concurrency, 0.5)
            found: dict[str, list[float]] = {"bare": [], "recognize": [], "harness": []}
            for _ in range(options.rounds):
                found["bare"].append(await rate(bare, concurrency, options.seconds))
                found["recognize"].append(await rate(ours, concurrency, options.seconds))
                guess = found["recognize"][-1]
                found["harness"].append(await harness_rate(backend, concurrency, options.seconds, guess))
            report(name, concurrency, {key: statistics.median(values) for key, values in found.items()})


def report(name: str, concurrency: int, found: dict[str, float]) -> None:
    """One line for each contestant."""
    for key, value in found.items():
        added_ms = (1 / value - 1 / found["bare"]) * 1000 * concurrency
        # At 32 at once the processor is full: what a clip takes of it.
        extra = f"  {added_ms / concurrency:+.2f} ms a clip"
        ratio = value / found["bare"]
        print(f"{name:5} concurrency {concurrency:2}  {key:9} {value:8.0f}/s  {ratio:.2f} of bare{extra}")


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    settings: dict[str, Any] = {"concurrency": 32, "connection": {"preflight": False}}
    with instant() as port:
        url = f"http://127.0.0.1:{port}"
        from sv_eval.backends.remote.sound import Sound

        body = JsonDialect().message(Sound(WAVEFORM, "original"), NO_ADJUSTMENTS).body
        print(f"body {len(body)} bytes")
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def bare() -> None:
                async with session.post(f"{url}/v1/emotion", data=body) as response:
                    await response.read()

            await over("JSON", RemoteBackend(url=url, dialect=JsonDialect(), **settings), bare, options)
    with instant("chat") as port:
        url = f"http://127.0.0.1:{port}"
        backend = ChatBackend(url=url, listening=False, audio="original", **settings)
        message = dialect_of("openai").message(Sound(WAVEFORM, "original"), NO_ADJUSTMENTS)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def bare_chat() -> None:
                async with session.post(f"{url}/v1/chat/completions", data=message.body) as response:
                    await response.read()

            await over("chat", backend, bare_chat, options)
    with instant("grpc") as port:
        message = GrpcDialect().message(Sound(WAVEFORM, "original"), NO_ADJUSTMENTS)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = channel.unary_unary("/sv.emotion.v1.EmotionRecognition/Recognize")

            async def bare_call() -> None:
                await call(message)

            backend = RemoteBackend(url=f"grpc://127.0.0.1:{port}", dialect=GrpcDialect(), **settings)
            await over("gRPC", backend, bare_call, options)


if __name__ == "__main__":
    asyncio.run(main())
