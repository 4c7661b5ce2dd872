"""Is our latency the truth? Percentiles against a server that knows its own, at 20, 50 and 70 % of its capacity.

python tests/benchmarks/bench_truth.py [--requests 2000] [--workers 4]

For each distribution (constant, lognormal, bimodal) and load, open loop (Poisson) and closed loop, the harness
measures a server of k workers, and the server's own record of the same requests is held against it. The goal: p50,
p95 and p99 within 3 % or 0.5 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from backends.remote.backend import RemoteBackend  # noqa: E402
from backends.remote.dialects.service import JsonDialect  # noqa: E402
from sv_eval.records import Clip, Record, Waveform  # noqa: E402
from sv_eval.run.load import load_config_from, plan_load  # noqa: E402
from sv_eval.run.loop import RunLoop  # noqa: E402

MEAN_S = 0.02
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
            loads.append(("closed, 8", {"schedule": "closed", "concurrency": 8}))
            for name, load in loads:
                records = measure(url, options.requests, **load)
                show(kind, name, records, np.array(get(f"{url}/truth")))
            server.kill()


def show(kind: str, name: str, records: list[Record], truth: Any) -> None:
    ours = np.array([record.latency_ms for record in records if record.failure is None])
    assert len(ours) == len(truth) == len(records), (len(ours), len(truth), len(records))
    late = [record.late_ms or 0.0 for record in records]
    cells, within = [], True
    for share in (0.5, 0.95, 0.99):
        a, b = (float(np.quantile(values, share, method="inverted_cdf")) for values in (ours, truth))
        within &= abs(a - b) <= max(0.5, 0.03 * b)
        cells.append(f"{a:7.2f} / {b:7.2f} ms")
    print(f"{kind:13} {name:13} {'  '.join(cells)}  {np.quantile(late, 0.99):6.3f} ms  {'yes' if within else 'NO'}")


if __name__ == "__main__":
    main()
