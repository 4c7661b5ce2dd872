"""Honest callers among hostile ones for a long time, on two workers: memory stays flat, nobody honest is harmed.

    python tests/endurance/soak.py [--minutes 20] [--quiet-s 60] [--seed N]
    (ulimit -n 1024; python tests/endurance/soak.py)                       the same with few files

Starts a service with two workers and its default limits. Honest callers send bundled clips at planned moments, over
HTTP, websocket and gRPC, first by themselves and then beside the hostile conversations of hostile_http.py, silent
connections and half-sent heads, which a process of their own holds at a steady pace. Prints the memory of all
processes of the service (proportional set size, summed) at every tenth of the time. Ends with 1 where the memory at
the end is 5 % above that at half time, an honest caller met an error or the 95th percentile of what the honest
waited is more than twice the quiet one.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import grpc
import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).parent))

import hostile_http as hostile

from sv_eval.data.audio.decoding import decode
from sv_eval.wire import emotion_pb2 as pb
from sv_eval.wire import emotion_pb2_grpc as rpc

_CLIPS = Path(__file__).parents[2] / "datasets" / "demo" / "clips"
_PIECE = 16_000
_PATIENCE_S = 60.0
_HTTP_EVERY_S, _STREAM_EVERY_S, _GRPC_EVERY_S = 0.25, 2.0, 1.0
_CALLERS = 2
"""Honest callers of each kind."""
_RATES = {"http": 16.0, "websocket": 1.0, "grpc": 2.0, "silent": 10.0, "half a head": 10.0}
"""Hostile conversations that begin in a second."""
_LOOK_S = 2.0
Send = Callable[[], Awaitable[float | None]]
"""Asks once. What it gives is the wait where that does not begin at the planned moment."""


@dataclass
class Honest:
    """What honest callers met."""

    waited_s: dict[str, list[float]] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, waited_s: float) -> None:
        """Keep what an answer took since its planned moment."""
        self.waited_s.setdefault(kind, []).append(waited_s)

    def p95_ms(self) -> dict[str, float]:
        """By kind."""
        return {kind: statistics.quantiles(all_s, n=20)[-1] * 1000 for kind, all_s in self.waited_s.items()}


def family(pid: int) -> list[int]:
    """The service's processes."""
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


def memory_mib(pid: int) -> tuple[float, float]:
    """Proportional and resident set size, summed over the service's processes."""
    pss = rss = 0
    for one in family(pid):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{one}/smaps_rollup").read_text(encoding="ascii").splitlines():
                pss += int(line.split()[1]) if line.startswith("Pss:") else 0
                rss += int(line.split()[1]) if line.startswith("Rss:") else 0
    return pss / 1024, rss / 1024


class Callers:
    """Honest ones: each sends at moments planned ahead, so that a slow answer doesn't hide the next one's wait."""

    def __init__(self, ports: dict[str, int], seed: int) -> None:
        self._url, self._ports = f"http://127.0.0.1:{ports['http']}", ports
        self._files = [path.read_bytes() for path in sorted(_CLIPS.glob("*.flac"))]
        self._draw = random.Random(seed)

    async def call(self, seconds: float) -> Honest:
        """Call for so long; what they met."""
        found, tasks = Honest(), []
        async with (
            aiohttp.ClientSession(self._url) as session,
            grpc.aio.insecure_channel(f"127.0.0.1:{self._ports['grpc']}") as channel,
        ):
            stub = rpc.EmotionRecognitionStub(channel)  # type: ignore[no-untyped-call]
            kinds: dict[str, tuple[float, Send]] = {
                "http": (_HTTP_EVERY_S, lambda: self._http(session)),
                "stream": (_STREAM_EVERY_S, lambda: self._stream(session)),
                "grpc": (_GRPC_EVERY_S, lambda: self._grpc(stub)),
            }
            for kind, (every_s, send) in kinds.items():
                for number in range(_CALLERS):
                    first = every_s * (number + self._draw.random()) / _CALLERS
                    tasks.append(asyncio.create_task(self._caller(kind, every_s, first, seconds, send, found)))
            await asyncio.gather(*tasks)
        return found

    async def _caller(
        self, kind: str, every_s: float, first: float, seconds: float, send: Send, found: Honest
    ) -> None:
        begin = time.monotonic()
        for number in range(int((seconds - first) / every_s)):
            planned = begin + first + number * every_s
            await asyncio.sleep(max(0.0, planned - time.monotonic()))
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    late_s = await send()
            except Exception as error:  # noqa: BLE001 - whatever it is, an honest caller met it
                found.errors[f"{kind}: {type(error).__name__}: {str(error)[:200]}"] += 1
            else:
                found.add(kind, time.monotonic() - planned if late_s is None else late_s)

    async def _http(self, session: aiohttp.ClientSession) -> None:
        form = aiohttp.FormData()
        form.add_field("file", self._draw.choice(self._files), filename="a.flac")
        async with session.post("/analyze", data=form) as answer:
            told = await answer.json(content_type=None)
            if answer.status != 200:
                raise RuntimeError(f"{answer.status} {told}")

    async def _grpc(self, stub: rpc.EmotionRecognitionStub) -> None:
        await stub.Recognize(pb.RecognizeRequest(audio=self._draw.choice(self._files)))

    async def _stream(self, session: aiohttp.ClientSession) -> float:
        """The wait is from the end of what was said to the final answer."""
        samples = decode(self._draw.choice(self._files)).samples
        pcm = (samples * 32767).astype(np.int16).tobytes()
        async with session.ws_connect("/v1/emotion/stream") as socket:
            await socket.send_json({"type": "start", "sample_rate": 16000})
            for place in range(0, len(pcm), _PIECE):
                await socket.send_bytes(pcm[place : place + _PIECE])
                await asyncio.sleep(0.02)
            begin = time.monotonic()
            await socket.send_json({"type": "end"})
            async for message in socket:
                told = json.loads(message.data)
                if told["type"] == "final":
                    return time.monotonic() - begin
                if told["type"] == "error":
                    raise RuntimeError(str(told))
        raise RuntimeError("the stream ended without a final answer")


async def _silent(target: hostile.Target, sent: bytes) -> None:
    await hostile._exchanged(target.http, [sent])


async def _plague(target: hostile.Target, seconds: float, seed: int) -> hostile.Found:
    """Hostile conversations, begun at a steady pace, answered or not."""
    found, open_ones, end = hostile.Found(), set[asyncio.Task[None]](), time.monotonic() + seconds
    talks = {"http": hostile.http, "websocket": hostile.websocket, "grpc": hostile.grpcs}

    async def one(kind: str, number: int) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                if kind in talks:
                    await talks[kind](target, random.Random(f"{seed} {kind} {number}"), number, found)
                else:
                    await _silent(target, b"" if kind == "silent" else b"POST /analyze HTTP/1.1\r\nHost: a\r\nX")
                    found.add(kind, "closed", number)
        except TimeoutError:
            found.add(kind, "hang", number, wrong=True)
        except OSError as error:
            found.add(kind, f"no connection ({type(error).__name__})", number, wrong=True)

    async def begun(kind: str, rate: float) -> None:
        begin, number = time.monotonic(), 0
        while time.monotonic() < end:
            task = asyncio.create_task(one(kind, number))
            open_ones.add(task)
            task.add_done_callback(open_ones.discard)
            number += 1
            await asyncio.sleep(max(0.0, begin + number / rate - time.monotonic()))

    await asyncio.gather(*(begun(kind, rate) for kind, rate in _RATES.items()))
    await asyncio.gather(*open_ones)
    return found


def plague(target: hostile.Target, seconds: float, seed: int, told: multiprocessing.Queue[hostile.Found]) -> None:
    """The process of hostile callers; on a machine of few cores, making their lies is to slow nobody down."""
    os.nice(10)
    told.put(asyncio.run(_plague(target, seconds, seed)))


class Service:
    """Two workers, and what their log says of defects."""

    def __init__(self, settings: list[str]) -> None:
        command = [sys.executable, "-P", "-m", "sv_eval.serve", "serve.port=0", "serve.grpc_port=0"]
        self.process = subprocess.Popen([*command, "serve.workers=2", *settings], stderr=subprocess.PIPE, text=True)
        self.defects: Counter[str] = Counter()
        self.ports: dict[str, int] = {}
        self._ready = threading.Semaphore(0)
        threading.Thread(target=self._read, daemon=True).start()
        for _ in range(2):
            if not self._ready.acquire(timeout=120):
                raise SystemExit("the service did not begin")

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if "Traceback" in line or '"defect"' in line:
                self.defects[line.strip()[-300:]] += 1
            if '"listening"' in line:
                event = json.loads(line)
                self.ports = {kind: int(event[kind].rpartition(":")[2]) for kind in ("http", "grpc")}
            if '"ready"' in line:
                self._ready.release()


async def watched(pid: int, seconds: float) -> list[float]:
    """The memory at every tenth of the time: the median of what was seen in the tenth's last quarter."""
    sizes, begin, families = [], time.monotonic(), set[tuple[int, ...]]()
    for tenth in range(1, 11):
        seen: list[tuple[float, float]] = []
        until = begin + tenth * seconds / 10
        while time.monotonic() < until:
            if time.monotonic() > until - seconds / 40:
                seen.append(await asyncio.to_thread(memory_mib, pid))
            families.add(tuple(family(pid)))
            await asyncio.sleep(min(_LOOK_S, seconds / 200))
        pss, rss = (statistics.median(sizes) for sizes in zip(*seen, strict=True))
        sizes.append(pss)
        print(f"  {tenth * 10:3d} %: PSS {pss:.1f} MiB, RSS {rss:.1f} MiB", flush=True)
    print(f"  workers replaced: {len(families) - 1}")
    return sizes


def told(kind: str, honest: Honest) -> None:
    counts = {name: len(all_s) for name, all_s in honest.waited_s.items()}
    p95 = ", ".join(f"{name} {value:.0f} ms of {counts[name]}" for name, value in honest.p95_ms().items())
    print(f"{kind}: p95 {p95}; errors {sum(honest.errors.values())}", flush=True)
    for error, many in honest.errors.most_common(10):
        print(f"  {many} x {error}")


async def soaked(service: Service, asked: argparse.Namespace) -> bool:
    """All of it; whether everything held."""
    callers = Callers(service.ports, asked.seed)
    await callers.call(10.0)
    quiet = await callers.call(asked.quiet_s)
    told("quiet", quiet)
    seconds, spawning = asked.minutes * 60, multiprocessing.get_context("spawn")
    queue = spawning.Queue()
    target = hostile.Target(service.ports["http"], service.ports["grpc"], service.process.pid)
    enemy = spawning.Process(target=plague, args=(target, seconds, asked.seed, queue), daemon=True)
    enemy.start()
    mixed, sizes = await asyncio.gather(callers.call(seconds), watched(service.process.pid, seconds))
    told("among hostile callers", mixed)
    found = await asyncio.to_thread(queue.get, timeout=120)
    for what, many in sorted(found.counts.items()):
        print(f"{many:7} {what}")
    growth = sizes[-1] / sizes[4] - 1
    slower = {kind: mixed.p95_ms()[kind] / value for kind, value in quiet.p95_ms().items()}
    print(f"memory from half time to the end {growth:+.1%}; p95 of the honest against quiet: ", end="")
    print(", ".join(f"{kind} {ratio:.2f}x" for kind, ratio in slower.items()))
    print(f"wrong {len(found.wrong)}, defects {sum(service.defects.values())}")
    for line in (*found.wrong[:20], *service.defects):
        print(line)
    harmed = quiet.errors or mixed.errors or max(slower.values()) > 2
    return not (growth > 0.05 or harmed or found.wrong or service.defects)


def main() -> int:
    """Start the service, let them call, say what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--quiet-s", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    asked, settings = parser.parse_known_args()
    service = Service(settings)
    try:
        good = asyncio.run(soaked(service, asked))
    finally:
        service.process.terminate()
        code = service.process.wait(60)
    print(f"exit code of the service {code}")
    return 0 if good and code == 0 else 1


if __name__ == "__main__":
    raise SystemExit(main())
