"""Does `sv_eval.capacity` find a capacity that is known? `python tests/benchmarks/bench_capacity.py [--workers 4]`.

A server of k workers with seeded service times (mean 20 ms) in a process of its own; the objective is a 95th
percentile of 50 ms (constant), 80 ms (lognormal) or 120 ms (bimodal). The truth is from a simulation of the same
queue, 400,000 requests a rate. Goal: the interval holds it.
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))
sys.path.insert(0, str(HERE))

from peer_queue import MEAN_S, service_s  # noqa: E402

from sv_eval.backends.remote.backend import RemoteBackend  # noqa: E402
from sv_eval.backends.remote.dialects.service import JsonDialect  # noqa: E402
from sv_eval.data.corpus.reading import dataset_config_from, read_corpus  # noqa: E402
from sv_eval.run.session import Session  # noqa: E402
from sv_eval.studies.capacity.config import Objective, Search  # noqa: E402
from sv_eval.studies.capacity.found import SearchResult  # noqa: E402
from sv_eval.studies.capacity.search import RateSearch  # noqa: E402
from sv_eval.studies.capacity.trial import Bench  # noqa: E402

LIMITS_MS = {"constant": 50.0, "lognormal": 80.0, "bimodal": 120.0}
REQUESTS = 400_000


def truth(kind: str, limit_ms: float, workers: int) -> float:
    """The highest rate, requests a second, at which the simulated queue keeps the objective."""
    draw, gaps = random.Random(5), np.random.default_rng(6).exponential(1.0, REQUESTS)
    services = [service_s(kind, draw) for _ in range(REQUESTS)]

    def p95_ms(rate: float) -> float:
        free, now, took = [0.0] * workers, 0.0, []
        for gap, service in zip(gaps / rate, services, strict=True):
            now += gap
            done = max(now, heapq.heappop(free)) + service
            heapq.heappush(free, done)
            took.append(done - now)
        return 1000 * float(np.quantile(took, 0.95))

    low, high = 1.0, workers / MEAN_S
    while high / low > 1.002:
        middle = (low + high) / 2
        low, high = (middle, high) if p95_ms(middle) <= limit_ms else (low, middle)
    return low


async def find(url: str, limit_ms: float, start: float, trial_s: float) -> tuple[SearchResult, int]:
    corpus = read_corpus(dataset_config_from({"name": "demo", "card": "demo"}))
    settings = {"preflight": False, "attempts": 1}
    async with RemoteBackend(
        url=url, dialect=JsonDialect(), concurrency=2000, adaptive=False, connection=settings
    ) as remote:
        search = Search(trial_s=trial_s, max_trial_s=max(300.0, trial_s))
        bench = Bench(session=Session(remote), corpus=corpus, objective=Objective(p95_ms=limit_ms), search=search)
        await bench.warm_up()
        hunt = RateSearch(search=search, allowed=bench.objective.allowed, try_rate=bench.poisson)
        return await hunt.find(start), len(hunt.trials)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--trial-s", type=float, default=15.0)
    options = parser.parse_args()
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
    print("distribution  p95 objective  found (interval)           truth      off by  trials, ended")
    for kind, limit_ms in LIMITS_MS.items():
        command = [sys.executable, str(HERE / "peer_queue.py"), str(options.workers), kind, "7"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
            url = f"http://127.0.0.1:{int(server.stdout.readline())}"  # type: ignore[union-attr]
            found, trials = asyncio.run(find(url, limit_ms, 0.4 * options.workers / MEAN_S, options.trial_s))
            server.kill()
        known = truth(kind, limit_ms, options.workers)
        off = (found.kept or 0.0) / known - 1
        print(
            f"{kind:13} {limit_ms:8.0f} ms  {found.kept or 0:7.1f}/s ({found.low or 0:.1f} to "
            f"{found.high or 0:.1f})  "
            f"{known:7.1f}/s  {100 * off:+5.1f} %  {trials}, {found.ended_by}"
        )


if __name__ == "__main__":
    main()
