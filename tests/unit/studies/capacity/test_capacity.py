"""Trials and searches on backends in simulated time; whole searches on virtual queues are in test_search.py."""

from __future__ import annotations

import asyncio
import heapq
from typing import Any

import numpy as np
import pytest

from sv_eval.backends.fake import FakeBackend
from sv_eval.data.corpus.reading import dataset_config_from, read_corpus
from sv_eval.errors import ConfigError
from sv_eval.machine.clock import LoopClock, SimulatedLoop
from sv_eval.run.session import Session
from sv_eval.studies.capacity.config import Objective, Search, capacity_config_from
from sv_eval.studies.capacity.outcome import BROKEN, KEPT, MEASURE, UNTOLD, Trial, backlog_growth, judge
from sv_eval.studies.capacity.search import RateSearch, knee_of
from sv_eval.studies.capacity.trial import Bench

WORKERS = 4


def trial(**values: Any) -> Trial:
    plain: dict[str, Any] = {
        "schedule": "poisson", "rate": 10.0, "concurrency": None, "seed": 0, "planned": 1000, "requests": 1000,
        "failed": 0, "sent_per_s": 10.0, "answered_per_s": 10.0, "goodput_per_s": 10.0, "p50_ms": 10.0,
        "p95_ms": 20.0, "p99_ms": 30.0, "backlog_growth": 0.0, "late_p99_ms": 0.1, "uar": 0.5, "compared": 0,
        "changed": 0,
    }  # fmt: skip
    return Trial(**plain | values)


def test_a_trial_is_judged_by_every_part_of_the_objective() -> None:
    objective = Objective(p50_ms=15, p95_ms=25, p99_ms=35)

    def verdict(**values: Any) -> tuple[str, str | None]:
        return judge(trial(**values), objective, max_late_ms=5)

    assert verdict() == (KEPT, None)
    assert verdict(p50_ms=15.1) == (BROKEN, "p50")
    assert verdict(p95_ms=26.0) == (BROKEN, "p95")
    assert verdict(p99_ms=None) == (BROKEN, "p99")
    assert verdict(failed=11) == (BROKEN, "errors")
    assert verdict(backlog_growth=120.0) == (BROKEN, "backlog")
    assert verdict(late_p99_ms=6.0, p95_ms=26.0) == (UNTOLD, "generator")
    assert verdict(late_p99_ms=6.0, p95_ms=32.0) == (BROKEN, "p95")


def test_the_backlog_of_a_queue_in_balance_does_not_grow() -> None:
    draw = np.random.default_rng(0)
    sent_s = np.cumsum(draw.exponential(0.01, 5000))

    assert abs(backlog_growth(sent_s, draw.uniform(10, 30, 5000)) or 0) < 10
    # 20 % more come than are answered.
    assert backlog_growth(sent_s, 200 * (sent_s - sent_s[0])) == pytest.approx(5000 * 0.2 / 1.2, rel=0.05)


def test_the_knee_is_where_throughput_over_time_is_greatest() -> None:
    # Four workers of 20 ms: throughput is 50 a caller up to four, and 200 from there on.
    curve = [
        trial(concurrency=callers, answered_per_s=50.0 * min(callers, WORKERS)) for callers in (1, 2, 4, 8, 16)
    ]

    assert knee_of(curve) == WORKERS


def bench(latency: dict[str, float], objective: Objective, **search: Any) -> Bench:
    backend = FakeBackend(accuracy=0.8, latency=latency, concurrency=WORKERS, clock=LoopClock())
    settings = {"name": "simulated", "kind": "simulated", "split": "all", "simulated": {"n_clips": 2000}}
    corpus = read_corpus(dataset_config_from(settings))
    session = Session(backend, clock=LoopClock(), decode_workers=0)
    return Bench(session=session, corpus=corpus, objective=objective, search=Search(**search))


def truth(services_s: np.ndarray, limit_s: float, share: float) -> float:
    """The highest Poisson rate at which k workers keep the objective, from a long queue by itself."""
    draw = np.random.default_rng(11)
    gaps, drawn = draw.exponential(1.0, 60_000), draw.choice(services_s, 60_000)

    def kept(rate: float) -> bool:
        free, now, took = [0.0] * WORKERS, 0.0, []
        for gap, service in zip(gaps / rate, drawn, strict=True):
            now += gap
            done = max(now, heapq.heappop(free)) + service
            heapq.heappush(free, done)
            took.append(done - now)
        return float(np.quantile(took, share)) <= limit_s

    low, high = 1.0, 2 * WORKERS / float(services_s.mean())
    while high / low > 1.003:
        middle = (low + high) / 2
        low, high = (middle, high) if kept(middle) else (low, middle)
    return low


@pytest.mark.slow
@pytest.mark.parametrize(
    ("latency", "limit_ms"),
    [({"p50_ms": 20.0}, 40.0), ({"p50_ms": 20.0, "p95_ms": 50.0}, 80.0)],
    ids=["constant", "lognormal"],
)
def test_the_known_capacity_of_k_workers_is_found_within_the_interval(
    latency: dict[str, float], limit_ms: float
) -> None:
    here = bench(latency, Objective(p95_ms=limit_ms), trial_s=2.0, tolerance=0.2)
    services = [here.session.backend._latency.quantile_ms(share) / 1000 for share in (np.arange(2000) + 0.5) / 2000]  # type: ignore[attr-defined]
    hunt = RateSearch(search=here.search, allowed=here.objective.allowed, try_rate=here.poisson)

    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        found = runner.run(hunt.find(60.0))

    known = truth(np.array(services), limit_ms / 1000, 0.95)
    assert found.ended_by == "tolerance"
    assert found.low is not None
    assert found.high is not None
    assert found.low <= known <= found.high
    assert found.kept == pytest.approx(known, rel=0.2)
    assert found.saturation is not None
    assert found.kept < found.saturation.high
    assert found.confirmed


def test_a_trial_that_can_no_longer_keep_the_objective_ends_early_and_answers_stay_the_same() -> None:
    here = bench({"p50_ms": 20.0}, Objective(p95_ms=50.0), trial_s=5.0)

    async def both() -> tuple[Trial, Trial]:
        await here.learn_answers(100)
        return await here.poisson(100.0, 0), await here.poisson(400.0, 0)

    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        easy, hard = runner.run(both())

    assert (easy.verdict, easy.requests, easy.planned) == (KEPT, 500, 500)
    assert easy.answered_per_s == pytest.approx(100, rel=0.15)
    assert (easy.compared, easy.changed) == (100, 0)
    assert easy.uar == pytest.approx(0.8, abs=0.05)
    assert hard.verdict == BROKEN
    assert hard.requests < hard.planned


def test_without_a_limit_in_reach_saturation_shows_in_the_backlog() -> None:
    here = bench({"p50_ms": 20.0}, Objective(p95_ms=60_000.0), trial_s=5.0)

    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        found = runner.run(here.poisson(300.0, 0))

    assert (found.verdict, found.why) == (BROKEN, "backlog")


def test_a_trial_that_measures_a_share_does_not_end_because_of_it() -> None:
    here = bench({"p50_ms": 20.0}, Objective(p95_ms=15.0), trial_s=2.0)

    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        found = runner.run(here.poisson(50.0, 0, requests=500, phase=MEASURE))

    assert (found.verdict, found.requests, found.counted) == (BROKEN, 500, 450)
    assert found.over == {"p95": 450, "errors": 0}


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"slo": {"p95_ms": None}}, "slo: give at least one"),
        ({"slo": {"p95_ms": -1.0}}, "slo.p95_ms=-1"),
        ({"slo": {"p99_ms": 100.0}}, "search.min_requests=400: too few for slo.p99_ms; give 736"),
        ({"search": {"trials": 2}}, "trials is at least 6"),
        ({"search": {"max_trial_s": 2}}, "search.max_trial_s=2.0: not below"),
        ({"curve": {"concurrency": [4, 2]}}, "curve.concurrency"),
        ({"curve": {"concurrency": []}}, "search.start_rate"),
        ({"search": {"rate": 3}}, "rate"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        capacity_config_from(settings)
