"""Is our latency the truth? Percentiles against a server that knows its own, at 20, 50 and 70 % of its capacity.

python tests/benchmarks/bench_truth.py [--requests 2000] [--workers 4] [--peers] [--locust PROGRAM]

For each distribution (constant, lognormal, bimodal) and load, open loop (Poisson) and closed loop, the harness
measures a server of k workers, and the server's own record of the same requests is held against it. The goal: p50,
p95 and p99 within 3 % or 0.5 ms. With --peers wrk is asked about the same server, with eight callers, and so is
locust where its program is given (it wants an environment of its own).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

import truth_peers  # noqa: E402

from sv_eval.backends.remote.backend import RemoteBackend  # noqa: E402
from sv_eval.backends.remote.dialects.service import JsonDialect  # noqa: E402
from sv_eval.records import Clip, Record, Waveform  # noqa: E402
from sv_eval.run.load import load_config_from, plan_load  # noqa: E402
from sv_eval.run.loop import RunLoop  # noqa: E402

MEAN_S = 0.02
CALLERS, PEER_S = 8, 10
SILENCE = Waveform(samples=np.zeros(1600, np.float32), encoded=b"x" * 2000, container="wav/pcm_16")


class Source:
    def load(self, clip: Clip, *, keep_encoded: bool = False) -> Waveform:
        return SILENCE


def measure(url: str, requests: int, **load: Any) -> list[Record]:
    """The harness's records of so many requests."""
    records: list[Record] = []

    async def drive() -> None:
        settings = {"preflight": False, "attempts": 1}
        async with RemoteBackend(
            url=url, dialect=JsonDialect(), concurrency=2000, adaptive=False, connection=settings
        ) as remote:
            loop = RunLoop(
                backend=remote,
                source=Source(),
                plan=plan_load(load_config_from(load), remote.capabilities),
                on_record=records.append,
            )
            clips = [Clip(id=f"c{index:06d}") for index in range(requests)]
            await loop.warm_up(clips)
            get(f"{url}/forget")
            await loop.run(clips)

    asyncio.run(drive())
    return records


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.loads(answer.read())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--locust")
    options = parser.parse_args()
    capacity = options.workers / MEAN_S
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
    print(
        "distribution  load           p50 ours / truth     p95                  p99                late p99  within"
    )
    for kind in ("constant", "lognormal", "bimodal"):
        command = [sys.executable, str(HERE / "peer_queue.py"), str(options.workers), kind, "7"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
            url = f"http://127.0.0.1:{int(server.stdout.readline())}"  # type: ignore[union-attr]
            loads: list[tuple[str, dict[str, Any]]] = [
                (f"poisson {share:.0%}", {"schedule": "poisson", "rate": share * capacity, "seed": 3})
                for share in (0.2, 0.5, 0.7)
            ]
            loads.append(("closed, 8", {"schedule": "closed", "concurrency": CALLERS}))
            for name, load in loads:
                records = measure(url, options.requests, **load)
                show(kind, name, records, np.array(get(f"{url}/truth")))
            peers: dict[str, Callable[[], tuple[float, ...]]] = {}
            if options.peers:
                peers["wrk, 8"] = partial(truth_peers.wrk, url, callers=CALLERS, seconds=PEER_S)
            if options.locust:
                peers["locust, 8"] = partial(
                    truth_peers.locust, options.locust, url, callers=CALLERS, seconds=PEER_S
                )
            for name, ask in peers.items():
                get(f"{url}/forget")
                say(kind, name, ask(), percentiles(get(f"{url}/truth")), "")
            server.kill()


def show(kind: str, name: str, records: list[Record], truth: Any) -> None:
    ours = np.array([record.latency_ms for record in records if record.failure is None])
    assert len(ours) == len(truth) == len(records), (len(ours), len(truth), len(records))
    late = [record.late_ms or 0.0 for record in records]
    say(kind, name, percentiles(ours), percentiles(truth), f"{np.quantile(late, 0.99):6.3f} ms")


def percentiles(values: Any) -> tuple[float, ...]:
    """p50, p95 and p99."""
    return tuple(float(np.quantile(values, share, method="inverted_cdf")) for share in (0.5, 0.95, 0.99))


def say(kind: str, name: str, found: tuple[float, ...], truth: tuple[float, ...], late: str) -> None:
    """A line of the table."""
    within = all(abs(a - b) <= max(0.5, 0.03 * b) for a, b in zip(found, truth, strict=True))
    cells = "  ".join(f"{a:7.2f} / {b:7.2f} ms" for a, b in zip(found, truth, strict=True))
    print(f"{kind:13} {name:13} {cells}  {late:9}  {'yes' if within else 'NO'}", flush=True)


if __name__ == "__main__":
    main()
