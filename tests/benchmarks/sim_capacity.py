"""Does the capacity's interval hold the truth? `python tests/benchmarks/sim_capacity.py --searches 200`.

Whole searches on virtual queues, in simulated time: six whose capacity is known by a formula or by a long
simulation of their own, and servers that degrade, shed and limit their rate. Every search begins at a seed of its
own, 1000 apart."""

from __future__ import annotations

import argparse
import asyncio
import heapq
import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.studies.capacity.config import Objective, Search
from sv_eval.studies.capacity.found import SearchResult
from sv_eval.studies.capacity.outcome import (
    BRACKET,
    OVERLOAD,
    RUNAWAY,
    Seen,
    Trial,
    growth_allowed,
    judged,
    trial_of,
)
from sv_eval.studies.capacity.search import RateSearch

Floats = NDArray[np.float64]
Answer = Callable[[Floats, np.random.Generator], tuple[Floats, NDArray[np.bool_]]]
"""Latency in seconds of requests that are sent at these moments, and whether each was refused."""
SATURATION = 50.0
"""Requests a second that every queue here can bear."""
TRIAL_S = 1200.0
"""search.max_trial_s: queues near saturation forget slowly."""


@dataclass(slots=True, kw_only=True)
class Server:
    """A virtual server: k workers, one queue, in order of arrival."""

    workers: int
    exponential: bool
    limit_ms: float
    slower: float = 0.0
    """By how much service times grow with every request."""
    room: int | None = None
    """Requests that may wait; more are refused. None: any number."""
    rate_limit: float | None = None
    """Requests a second that are let in, with a burst of ten."""
    served: int = 0

    def answer(self, sent_s: Floats, rng: np.random.Generator) -> tuple[Floats, NDArray[np.bool_]]:
        """Latency in seconds, and whether each was refused."""
        n, mean_s = len(sent_s), self.workers / SATURATION
        services = rng.exponential(mean_s, n) if self.exponential else np.full(n, mean_s)
        services = services * (1 + self.slower * (self.served + np.arange(n)))
        self.served += n
        if self.workers == 1 and self.room is None and self.rate_limit is None:
            return lindley(sent_s, services), np.zeros(n, dtype=bool)
        return self._in_turn(sent_s.tolist(), services.tolist())

    def _in_turn(self, sent_s: list[float], services: list[float]) -> tuple[Floats, NDArray[np.bool_]]:
        free, latency, refused = [0.0] * self.workers, [0.0] * len(sent_s), np.zeros(len(sent_s), dtype=bool)
        tokens, last, inside = 10.0, 0.0, list[float]()
        for place, (now, service) in enumerate(zip(sent_s, services, strict=True)):
            if self.rate_limit is not None:
                tokens, last = min(10.0, tokens + (now - last) * self.rate_limit), now
                if tokens < 1:
                    latency[place], refused[place] = 0.002, True
                    continue
                tokens -= 1
            if self.room is not None:
                while inside and inside[0] <= now:
                    heapq.heappop(inside)
                if len(inside) >= self.room + self.workers:
                    latency[place], refused[place] = 0.002, True
                    continue
            done = max(now, free[0]) + service
            heapq.heapreplace(free, done)
            if self.room is not None:
                heapq.heappush(inside, done)
            latency[place] = done - now
        return np.array(latency), refused


def lindley(sent_s: Floats, services: Floats) -> Floats:
    """Sojourn times of one worker: departures are the running maximum of arrival plus all work since."""
    work = np.cumsum(services)
    begun: Floats = np.maximum.accumulate(sent_s - np.concatenate([[0.0], work[:-1]]))
    return begun + work - sent_s


@dataclass(slots=True, kw_only=True)
class VirtualBench:
    """Trials on a virtual server."""

    answer: Answer
    limit_ms: float
    search: Search
    late_ms: float = 0.0
    """How late the generator is with every request."""
    retried: bool = False
    """Whether a second attempt hides each refusal."""
    sent: int = 0
    seeds: list[int] = field(default_factory=list)

    async def trial(self, rate: float, seed: int, *, requests: int, phase: str) -> Trial:
        """As a Bench's on a real one."""
        rng, objective = np.random.default_rng(seed), Objective(p95_ms=self.limit_ms)
        self.seeds.append(seed)
        sent_s = np.cumsum(rng.exponential(1 / rate, requests))
        latency_s, refused = self.answer(sent_s, rng)
        hopeless = list[str]()
        if phase not in (OVERLOAD, BRACKET):
            most = RUNAWAY * rate * self.limit_ms / 1000 + growth_allowed(requests)
            ends = np.sort(sent_s + latency_s)
            away = np.flatnonzero(np.arange(1, requests + 1) - np.searchsorted(ends, sent_s) > most)
            if len(away):
                hopeless, last = ["backlog"], int(away[0]) + 1
                sent_s, latency_s, refused = sent_s[:last], latency_s[:last], refused[:last]
        self.sent += len(sent_s)
        seen = Seen(
            sent_s=sent_s, latency_ms=1000 * latency_s, failed=refused & (not self.retried), refused=refused,
            attempts=1 + (refused & self.retried).astype(np.int64), late_ms=np.full(len(sent_s), self.late_ms),
            kinds={"overloaded": int(refused.sum())} if refused.any() else {},
        )  # fmt: skip
        found = trial_of(
            seen, objective, settling=int(requests * self.search.settle), planned=requests, schedule="poisson",
            rate=rate, concurrency=None, seed=seed, requests=len(sent_s), uar=None, compared=0, changed=0,
            phase=phase,
        )  # fmt: skip
        return judged(found, objective, hopeless, max_late_ms=5.0)


def searched(server: Server, seed: int, start: float = 10.0) -> tuple[SearchResult, RateSearch, int]:
    """One search, its trials, and how many requests it took."""
    search = Search(seed=seed, max_trial_s=TRIAL_S)
    bench = VirtualBench(answer=server.answer, limit_ms=server.limit_ms, search=search)
    hunt = RateSearch(search=search, allowed=Objective(p95_ms=server.limit_ms).allowed, try_rate=bench.trial)
    return asyncio.run(hunt.find(start)), hunt, bench.sent


def truth(server: Server, requests: int = 4_000_000) -> float:
    """The capacity: of one exponential worker and of four by formula, else by a long simulation."""
    if server.exponential:
        low, high = 1e-3, SATURATION * (1 - 1e-9)
        for _ in range(80):
            middle = (low + high) / 2
            over = _over(middle, server.workers, server.limit_ms / 1000)
            low, high = (middle, high) if over <= 0.05 else (low, middle)
        return low
    gaps, low, high = np.random.default_rng(99).exponential(1.0, requests), 0.2 * SATURATION, SATURATION
    services = np.full(requests // server.workers, server.workers / SATURATION)
    while high / low > 1.0003:
        middle = (low + high) / 2
        sent = np.cumsum(gaps / middle)
        # Constant services of k workers are handed out in turn: each k-th request is one worker's.
        took = np.concatenate([lindley(sent[k :: server.workers], services) for k in range(server.workers)])
        low, high = (middle, high) if float(np.mean(took > server.limit_ms / 1000)) <= 0.05 else (low, middle)
    return low


def _over(rate: float, workers: int, limit_s: float) -> float:
    """P(sojourn > limit) of M/M/k: Erlang's C, and the sum of an exponential wait and service."""
    mu = SATURATION / workers
    load, rho = rate / mu, rate / SATURATION
    terms = [load**k / math.factorial(k) for k in range(workers)]
    last = load**workers / math.factorial(workers) / (1 - rho)
    waits, theta = last / (sum(terms) + last), SATURATION - rate
    plain = math.exp(-mu * limit_s)
    if abs(theta - mu) < 1e-9:
        both = (1 + mu * limit_s) * plain
    else:
        both = (theta * plain - mu * math.exp(-theta * limit_s)) / (theta - mu)
    return (1 - waits) * plain + waits * both


QUEUES: dict[str, dict[str, Any]] = {
    "M/M/1, light": {"workers": 1, "exponential": True, "limit_ms": 120.0},
    "M/M/1, heavy": {"workers": 1, "exponential": True, "limit_ms": 1200.0},
    "M/D/2, light": {"workers": 2, "exponential": False, "limit_ms": 80.0},
    "M/D/2, heavy": {"workers": 2, "exponential": False, "limit_ms": 500.0},
    "M/M/4, light": {"workers": 4, "exponential": True, "limit_ms": 300.0},
    "M/M/4, heavy": {"workers": 4, "exponential": True, "limit_ms": 1500.0},
}
ODD: dict[str, dict[str, Any]] = {
    "degrades": {"workers": 4, "exponential": True, "limit_ms": 400.0, "slower": 3e-6},
    "sheds": {"workers": 4, "exponential": True, "limit_ms": 400.0, "room": 8},
    "limits_rate": {"workers": 4, "exponential": True, "limit_ms": 400.0, "rate_limit": 25.0},
}


@dataclass(slots=True)
class Tally:
    """What many searches found."""

    held: int = 0
    above: int = 0
    bounds_above: int = 0
    known: int = 0
    sent: int = 0
    width: list[float] = field(default_factory=list)
    off: list[float] = field(default_factory=list)
    ended: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)

    def add(self, found: SearchResult, known: float, sent: int) -> None:
        """One more."""
        self.ended[found.ended_by] += 1
        self.words.update(found.findings or ("nothing",))
        self.sent += sent
        if found.kept is None or found.low is None or found.high is None:
            return
        self.known += 1
        self.held += found.low <= known <= found.high
        self.above += found.kept > SATURATION
        self.width.append((found.high - found.low) / 2 / known)
        self.off.append(found.kept / known - 1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--searches", type=int, default=200)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    print("queue         truth    held   above saturation  median half-width  bias    requests  named, ended")
    for name, server in (QUEUES | ODD).items():
        if options.only not in name:
            continue
        begin, tally, known = time.perf_counter(), Tally(), truth(Server(**server)) if name in QUEUES else math.nan
        for number in range(options.searches):
            found, _, sent = searched(Server(**server), 1000 * number)
            tally.add(found, known, sent)
        width, off = (100 * float(np.median(one)) if one else math.nan for one in (tally.width, tally.off))
        print(
            f"{name:13} {known:6.2f}  {tally.held}/{tally.known}  {tally.above}  ±{width:.2f} %  {off:+.2f} %  "
            f"{tally.sent / options.searches:,.0f}  {dict(tally.words)}  {dict(tally.ended)}  "
            f"({time.perf_counter() - begin:.0f} s)"
        )


if __name__ == "__main__":
    main()
