"""What the HTTP service costs beside the backend alone, and beside LitServe in front of the same backend.

    python tests/benchmarks/bench_service.py [--model DIR] [--precision int8] [--requests N] [--rounds N]
    pip install aiohttp litserve   the caller and the peer; without LitServe only the service is measured

One caller: the median of a request over HTTP (base64 in JSON, 3 s wav) less that of the backend called in this
process. Sixteen callers: requests a second, against the backend kept full with its own batches. Rounds take turns.
A model of SenseVoice's full size: python -m sv_eval.models build small --onnx --out DIR
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import importlib.util
import io
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import soundfile

from sv_eval.backend import Request
from sv_eval.backends.onnx import OnnxBackend
from sv_eval.records import SAMPLE_RATE_HZ, Waveform

CALLERS = 16
_HERE = Path(__file__).parent


def wav(samples: np.ndarray[Any, np.dtype[np.float32]]) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, SAMPLE_RATE_HZ, format="WAV", subtype="PCM_16")
    return file.getvalue()


def clips(count: int, seconds: float) -> list[np.ndarray[Any, np.dtype[np.float32]]]:
    """Bundled speech, joined and cut to one length."""
    folder = _HERE.parents[1] / "datasets" / "demo" / "clips"
    speech = np.concatenate([soundfile.read(path, dtype="float32")[0] for path in sorted(folder.glob("*.flac"))])
    size = round(seconds * SAMPLE_RATE_HZ)
    return (
        [speech[at : at + size].copy() for at in range(0, count * size, size)]
        if count * size < len(speech)
        else [np.roll(speech, -n * 7919)[:size].copy() for n in range(count)]
    )


async def alone_ms(backend: OnnxBackend, requests: Sequence[Request]) -> list[float]:
    times = []
    for request in requests:
        begin = time.perf_counter()
        await backend.recognize([request])
        times.append((time.perf_counter() - begin) * 1000)
    return times


async def alone_per_s(backend: OnnxBackend, requests: Sequence[Request]) -> float:
    """Requests a second with the backend's own batches, as many calls open as it wants."""
    size = backend.capabilities.max_batch
    waiting = iter([requests[at : at + size] for at in range(0, len(requests), size)])

    async def caller() -> None:
        for batch in waiting:
            await backend.recognize(batch)

    begin = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(backend.capabilities.max_in_flight)))
    return len(requests) / (time.perf_counter() - begin)


async def http(url: str, bodies: Sequence[bytes], callers: int) -> tuple[list[float], float]:
    """Milliseconds of each request, and requests a second."""
    times: list[float] = []
    waiting = iter(bodies)
    headers = {"content-type": "application/json"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=callers), headers=headers) as session:

        async def caller() -> None:
            for body in waiting:
                begin = time.perf_counter()
                async with session.post(url, data=body) as answer:
                    content = await answer.read()
                    assert answer.status == 200, content
                times.append((time.perf_counter() - begin) * 1000)

        begin = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(callers)))
        return times, len(bodies) / (time.perf_counter() - begin)


class Server:
    """A server in a process group of its own, which stands still unless it is asked."""

    def __init__(self, url: str, group: int) -> None:
        self.url, self._group = url, group

    def pause(self) -> None:
        os.killpg(self._group, signal.SIGSTOP)

    def resume(self) -> None:
        os.killpg(self._group, signal.SIGCONT)


@contextmanager
def awake(server: Server) -> Iterator[str]:
    """The server's address, while it runs: a server that idles may poll, and would slow the others."""
    server.resume()
    try:
        yield server.url
    finally:
        server.pause()


@contextmanager
def running(command: list[str], settings: dict[str, Any], path: str) -> Iterator[Server]:
    """A server, started and paused."""
    process = subprocess.Popen(
        [sys.executable, *command],
        env={**os.environ, "SV_EVAL_BENCH": json.dumps(settings)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    url = ""
    for line in process.stderr:
        if '"listening"' in line:
            url = json.loads(line)["http"]
        if '"ready"' in line:
            break
    else:
        raise SystemExit(f"{command} did not start")
    # Unread, its log would fill the pipe and then hold it up.
    threading.Thread(target=lambda: [None for _ in process.stderr], daemon=True).start()
    server = Server(url + path, process.pid)
    server.pause()
    try:
        yield server
    finally:
        server.resume()
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


async def measure(arguments: argparse.Namespace, servers: dict[str, Server]) -> None:
    samples = clips(arguments.requests, arguments.seconds)
    requests = [Request(clip_id=str(n), waveform=Waveform(samples=one)) for n, one in enumerate(samples)]
    bodies = [
        json.dumps({"audio": base64.b64encode(wav(one)).decode(), "format": "wav"}).encode() for one in samples
    ]
    single: dict[str, list[float]] = {}
    rates: dict[str, list[float]] = {}
    backend = OnnxBackend(model=arguments.model, precision=arguments.precision, threads=arguments.threads)
    async with backend:
        await alone_ms(backend, requests[:4])
        for server in servers.values():
            with awake(server) as url:
                await http(url, bodies[:16], CALLERS)
        for _ in range(arguments.rounds):
            single.setdefault("backend alone", []).append(statistics.median(await alone_ms(backend, requests)))
            for name, server in servers.items():
                with awake(server) as url:
                    single.setdefault(name, []).append(statistics.median((await http(url, bodies, 1))[0]))
            rates.setdefault("backend alone", []).append(await alone_per_s(backend, requests))
            for name, server in servers.items():
                with awake(server) as url:
                    rates.setdefault(name, []).append((await http(url, bodies, CALLERS))[1])
    own_ms, own_rate = statistics.median(single["backend alone"]), statistics.median(rates["backend alone"])
    print(f"{'':24}{'1 caller, p50':>16}{'added':>12}{f'{CALLERS} callers':>16}{'of its own':>12}")
    for name in single:
        p50, rate = statistics.median(single[name]), statistics.median(rates[name])
        added = statistics.median(a - b for a, b in zip(single[name], single["backend alone"], strict=True))
        share = statistics.median(a / b for a, b in zip(rates[name], rates["backend alone"], strict=True))
        print(f"{name:24}{p50:>13.2f} ms{added:>9.2f} ms{rate:>14.1f}/s{share:>12.2f}")
    print(f"(backend alone: {own_ms:.2f} ms, {own_rate:.1f} a second; medians of {arguments.rounds} rounds)")


def main() -> None:
    parser = argparse.ArgumentParser(description="The service against the backend alone and LitServe.")
    parser.add_argument("--model", default="bundled")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--requests", type=int, default=160)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    settings = {"model": arguments.model, "precision": arguments.precision, "threads": arguments.threads}
    ours = ["-m", "sv_eval.serve", "serve.port=0", "serve.grpc_port=null", "serve.deadline_s=120"]
    ours += [f"backend.{name}={value}" for name, value in settings.items()]
    if arguments.precision == "int8":
        ours.append("serve.vary_with_batch=true")
    peers = {"service": ours}
    if importlib.util.find_spec("litserve"):
        peers["LitServe"] = [str(_HERE / "peer_litserve.py")]
    print(f"{arguments.model}, {arguments.precision}, {arguments.threads} thread(s), {arguments.seconds:g} s wav")
    with running(ours, settings, "/v1/emotion") as service:
        if "LitServe" not in peers:
            asyncio.run(measure(arguments, {"service": service}))
            return
        with running(peers["LitServe"], settings, "/predict") as peer:
            asyncio.run(measure(arguments, {"service": service, "LitServe": peer}))


if __name__ == "__main__":
    main()
