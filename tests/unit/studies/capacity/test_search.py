"""Whole searches on virtual queues, whose capacity is known by a formula, in simulated time."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sv_eval.studies.capacity.config import Objective, Search
from sv_eval.studies.capacity.found import SearchResult, deserved
from sv_eval.studies.capacity.outcome import CONFIRM, MEASURE, OVERLOAD, UNTOLD
from sv_eval.studies.capacity.root import Point, drift_of, root_of
from sv_eval.studies.capacity.search import RateSearch
from tests.benchmarks.sim_capacity import SATURATION, Answer, Floats, VirtualBench, lindley


def one_worker(sent_s: Floats, rng: np.random.Generator, slower: float = 1.0) -> tuple[Floats, NDArray[np.bool_]]:
    """Sojourn times of M/M/1 by Lindley's recursion."""
    services = rng.exponential(slower / SATURATION, len(sent_s))
    return lindley(sent_s, services), np.zeros(len(sent_s), dtype=bool)


def searched(answer: Answer = one_worker, limit_ms: float = 120.0, start: float = 10.0, **values: Any) -> Any:
    """What a search finds, its trials, and the bench."""
    own = {name: values.pop(name) for name in ("late_ms", "retried") if name in values}
    bench = VirtualBench(answer=answer, limit_ms=limit_ms, search=Search(**values), **own)
    hunt = RateSearch(search=bench.search, allowed=Objective(p95_ms=limit_ms).allowed, try_rate=bench.trial)
    return asyncio.run(hunt.find(start)), hunt, bench


def of_one_worker(limit_ms: float) -> float:
    """P(sojourn > t) = exp(-(mu - lambda) t)."""
    return SATURATION - math.log(20) / (limit_ms / 1000)


@pytest.mark.parametrize(("limit_ms", "start"), [(120.0, 1.0), (120.0, 200.0), (600.0, 10.0)])
def test_the_interval_holds_the_known_capacity_and_the_objective_s_part_is_named(
    limit_ms: float, start: float
) -> None:
    results = [searched(limit_ms=limit_ms, start=start, seed=1000 * n, max_trial_s=600.0)[0] for n in range(12)]

    known = of_one_worker(limit_ms)
    assert sum(one.low <= known <= one.high for one in results) >= 10
    assert all(one.kept < SATURATION and one.ended_by == "tolerance" and one.part == "p95" for one in results)
    assert all((one.high - one.low) / 2 / one.kept <= 0.051 for one in results)


def test_every_trial_has_moments_of_its_own_and_the_line_goes_through_realised_rates() -> None:
    _, hunt, bench = searched(seed=7)

    assert bench.seeds == list(range(7, 7 + len(hunt.trials)))
    points, trials = hunt.points("p95"), hunt.measured()
    assert [one.rate for one in points] == [one.sent_per_s for one in trials]
    assert any(one.sent_per_s != pytest.approx(one.rate, rel=0.01) for one in trials)


def test_trials_are_as_long_as_the_queue_takes_to_forget() -> None:
    _, light, _ = searched(limit_ms=120.0, tolerance=0.5)
    found, heavy, _ = searched(limit_ms=600.0, tolerance=0.5, max_trial_s=600.0)

    longest = [max(one.requests for one in hunt.measured()) for hunt in (light, heavy)]
    assert longest[1] > 3 * longest[0]
    assert found.relaxation_s * heavy.search.relaxations < longest[1] / found.kept


def test_where_the_queue_forgets_too_slowly_for_the_trials_the_search_says_so() -> None:
    found, _, _ = searched(limit_ms=1200.0, max_trial_s=20.0)

    assert found.ended_by in ("relaxation", "max_trials")


def test_saturation_is_estimated_and_bounds_the_capacity() -> None:
    found, hunt, _ = searched(limit_ms=600.0, max_trial_s=600.0)

    assert found.saturation.low <= SATURATION <= found.saturation.high
    assert found.utilisation == pytest.approx(of_one_worker(600.0) / SATURATION, abs=0.05)
    assert found.kept <= found.saturation.per_s
    assert found.high <= found.saturation.high
    assert [one.phase for one in hunt.trials[-2:]] == [OVERLOAD, CONFIRM]


def test_a_trial_whose_generator_was_late_is_neither_kept_nor_broken() -> None:
    found, hunt, _ = searched(late_ms=6.0)

    assert found == SearchResult(kept=None, ended_by="generator")
    assert [one.verdict for one in hunt.trials] == [UNTOLD] * 3


def test_a_server_that_slows_down_with_every_request_is_named() -> None:
    served = 0

    def slowing(sent_s: Floats, rng: np.random.Generator) -> tuple[Floats, NDArray[np.bool_]]:
        nonlocal served
        served += len(sent_s)
        return one_worker(sent_s, rng, slower=1 + 1.5e-5 * served)

    found, _, _ = searched(slowing)

    assert found.ended_by == "drift"
    assert found.findings == ("degrades",)


def test_a_server_that_was_fast_for_the_trials_only_does_not_pass_its_confirmation() -> None:
    calls = 0

    def for_a_while(sent_s: Floats, rng: np.random.Generator) -> tuple[Floats, NDArray[np.bool_]]:
        nonlocal calls
        calls += 1
        return one_worker(sent_s, rng, slower=1.0 if calls < turning else 1.5)

    turning = 10**9
    _, hunt, _ = searched(for_a_while)
    turning, calls = len(hunt.trials), 0

    found, _, _ = searched(for_a_while)

    assert (found.confirmed, found.ended_by, found.findings) == (False, "drift", ("degrades",))


def full_queue(sent_s: Floats, rng: np.random.Generator, room: int = 5) -> tuple[Floats, NDArray[np.bool_]]:
    """One worker and so many places to wait; who finds none is refused at once."""
    ends, latency, refused = list[float](), np.full(len(sent_s), 0.002), np.zeros(len(sent_s), dtype=bool)
    for place, now in enumerate(sent_s):
        ends = [end for end in ends if end > now]
        if len(ends) > room:
            refused[place] = True
            continue
        ends.append(max(now, ends[-1] if ends else now) + rng.exponential(1 / SATURATION))
        latency[place] = ends[-1] - now
    return latency, refused


def limiter(sent_s: Floats, rng: np.random.Generator, rate: float = 20.0) -> tuple[Floats, NDArray[np.bool_]]:
    """A token bucket before a server with much to spare."""
    tokens, last, refused = 5.0, 0.0, np.zeros(len(sent_s), dtype=bool)
    for place, now in enumerate(sent_s):
        tokens, last = min(5.0, tokens + (now - last) * rate), now
        refused[place] = tokens < 1
        tokens -= not refused[place]
    return np.where(refused, 0.002, rng.uniform(0.01, 0.03, len(sent_s))), refused


@pytest.mark.parametrize(("answer", "named"), [(full_queue, "sheds"), (limiter, "limits_rate")])
def test_who_refuses_is_named_for_what_it_does(answer: Answer, named: str) -> None:
    found, hunt, _ = searched(answer, limit_ms=1000.0, start=5.0)

    assert found.findings == (named,)
    assert found.part == "errors"
    assert next(one for one in hunt.trials if one.phase == OVERLOAD).kinds["overloaded"] > 0


def test_refusals_that_retries_hide_are_counted_all_the_same() -> None:
    found, hunt, _ = searched(full_queue, limit_ms=110.0, start=5.0, retried=True)

    overload = next(one for one in hunt.trials if one.phase == OVERLOAD)
    assert overload.failed == 0
    assert overload.retried == overload.refused > 0
    assert overload.attempts == pytest.approx(1 + overload.refused / overload.requests)
    assert "sheds" in found.findings


def test_a_search_says_why_it_ended_early() -> None:
    def never(sent_s: Floats, rng: np.random.Generator) -> tuple[Floats, NDArray[np.bool_]]:
        return np.ones(len(sent_s)), np.zeros(len(sent_s), dtype=bool)

    assert searched(start=10.0, max_rate=12.0)[0] == SearchResult(kept=12.0, ended_by="max_rate")
    assert searched(never)[0].ended_by == "nothing_kept"
    assert searched(max_trials=4)[0].ended_by == "max_trials"
    assert searched(max_trials=12)[0].ended_by == "max_trials"


def test_bounds_of_a_line_cover_the_truth_with_few_events_and_uneven_trials() -> None:
    held, runs = 0, 300
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        points = [
            Point(rate=rate, share=rng.binomial(80, 1 / (1 + 19 * (40 / rate) ** 12)) / 80, worth=80.0)
            for rate in rng.uniform(36, 44, 12)
        ]
        root = root_of(points, 0.05, confidence=0.95)
        held += root is not None and (root.low or 0.0) <= 40 <= (root.high or math.inf)

    assert held / runs >= 0.93


def test_a_drift_is_told_when_there_is_one_and_seldom_otherwise() -> None:
    def points(seed: int, change: float) -> list[Point]:
        rng = np.random.default_rng(seed)
        rates = 40 * np.exp(0.08 * np.tile([-1, 1], 10))
        capacity = 40 * (1 + change * np.linspace(0, 1, 20))
        shares = rng.binomial(400, 1 / (1 + 19 * (capacity / rates) ** 12)) / 400
        return [Point(rate=float(r), share=float(s), worth=400.0) for r, s in zip(rates, shares, strict=True)]

    served = list(range(20))
    assert sum(drift_of(points(seed, 0.0), served, surely=0.995) is not None for seed in range(200)) <= 5
    found = [drift_of(points(seed, -0.15), served, surely=0.995) for seed in range(50)]
    assert sum(one is not None for one in found) >= 45
    assert np.mean([one for one in found if one is not None]) == pytest.approx(-0.15, abs=0.04)


def test_figures_have_as_many_digits_as_they_deserve() -> None:
    assert deserved(48.0612, 0.7131) == 48.1
    assert deserved(48.0612, 0.1831) == 48.06
    assert deserved(1234.5, 40.0) == 1230.0
    found = SearchResult(kept=48.0612, low=47.31, high=48.9, ended_by="tolerance", confidence=0.95)
    assert [found.to_json()[name] for name in ("low_per_s", "kept_per_s", "high_per_s")] == [47.3, 48.1, 48.9]


def test_only_trials_of_the_measurement_are_points_of_the_line() -> None:
    _, hunt, _ = searched()

    assert {one.phase for one in hunt.measured()} == {MEASURE}
