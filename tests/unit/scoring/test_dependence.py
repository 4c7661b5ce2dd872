"""What calls are worth, and whether bounds hold what they promise where calls depend on each other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from sv_eval.scoring.call_sample import CallSample
from sv_eval.scoring.dependence import INDEPENDENT, Dependence, autocorrelation_time, dependence_of, in_time

Floats = NDArray[np.float64]


def autoregression(rng: np.random.Generator, n: int, inherited: float, columns: int = 1) -> Floats:
    """Normal values [n, columns], each inheriting so much of the one before."""
    values = rng.standard_normal((n, columns))
    for at in range(1, n):
        values[at] = inherited * values[at - 1] + np.sqrt(1 - inherited**2) * values[at]
    return values


def ordered(latency_ms: Floats, **more: object) -> CallSample:
    return CallSample(latency_ms=latency_ms, clip=np.arange(len(latency_ms)), in_order=True, **more)  # type: ignore[arg-type]


def share_held(samples: list[CallSample], p: float, truth: float) -> float:
    found = [sample.percentile(p) for sample in samples]
    return float(
        np.mean(
            [(one.low is None or one.low <= truth) and (one.high is None or truth <= one.high) for one in found]
        )
    )


@pytest.mark.parametrize(("inherited", "least"), [(0.0, 0.93), (0.5, 0.92), (0.9, 0.92)])
@pytest.mark.parametrize(("p", "truth"), [(0.5, 1.0), (0.95, np.exp(1.6448536 * 0.3))])
def test_bounds_hold_what_they_promise_however_calls_depend(inherited, least, p, truth):
    latencies = np.exp(0.3 * autoregression(np.random.default_rng(1), 1000, inherited, 300))

    assert share_held([ordered(column) for column in latencies.T], p, truth) >= least


def test_without_an_order_such_bounds_held_half_as_often():
    latencies = np.exp(0.3 * autoregression(np.random.default_rng(1), 1000, 0.9, 100))

    assert share_held([CallSample.of_values(column) for column in latencies.T], 0.5, 1.0) < 0.6


def test_what_creeps_beneath_the_noise_is_found():
    rng = np.random.default_rng(2)
    slow = autoregression(rng, 2000, 0.98, 100)
    latencies = np.exp(0.3 * (np.sqrt(0.2) * slow + np.sqrt(0.8) * rng.standard_normal(slow.shape)))

    assert share_held([ordered(column) for column in latencies.T], 0.5, 1.0) >= 0.85
    assert share_held([CallSample.of_values(column) for column in latencies.T], 0.5, 1.0) < 0.6


@pytest.mark.parametrize("inherited", [0.5, 0.8, 0.9])
def test_the_time_is_that_of_an_autoregression(inherited):
    values = autoregression(np.random.default_rng(3), 50_000, inherited)[:, 0]

    tau, freedom = autocorrelation_time(values)

    assert tau == pytest.approx((1 + inherited) / (1 - inherited), rel=0.1)
    assert freedom is not None
    assert freedom > 100


def test_independent_calls_lose_nothing_in_most_runs():
    rng = np.random.default_rng(4)
    whole = sum(ordered(rng.lognormal(0, 0.3, 500)).dependence(0.5).bounding(500, 0.95) == 500 for _ in range(200))

    assert whole >= 170


def test_the_order_of_long_and_short_clips_is_no_dependence():
    rng = np.random.default_rng(5)
    audio_s = np.sort(rng.uniform(1, 10, 1000))
    latency_ms = 20 * audio_s * rng.lognormal(0, 0.05, 1000)

    assert ordered(latency_ms).dependence(0.5).worth(1000) < 30
    assert ordered(latency_ms, audio_s=audio_s).dependence(0.5).worth(1000) > 700


def test_repeats_of_clips_that_differ_are_worth_the_clips():
    rng = np.random.default_rng(6)
    of_clip = rng.lognormal(3, 0.35, 20)
    sample = CallSample(
        latency_ms=np.tile(of_clip, 40) * rng.lognormal(0, 0.05, 800),
        clip=np.tile(np.arange(20), 40),
        in_order=True,
    )

    assert sample.dependence(0.5).worth(800) == pytest.approx(20, abs=6)
    p95, p99 = sample.percentile(0.95), sample.percentile(0.99)
    assert p95.reason.codes == ("these_clips",)
    assert p95.value is not None
    assert p95.low is p95.high is None
    # Of twenty clips none lies beyond the 99th percentile.
    assert p99.value is None
    assert p99.reason.codes == ("too_few_clips",)
    assert (p95.n, p95.n_calls) == (800, 800)


def test_repeats_of_clips_that_are_alike_are_worth_nearly_all():
    rng = np.random.default_rng(7)
    sample = CallSample(latency_ms=rng.lognormal(3, 0.3, 2000), clip=np.tile(np.arange(50), 40), in_order=True)

    assert sample.percentile(0.95).value is not None
    assert sample.dependence(0.5).worth(2000) > 1200


def test_bounds_over_repeated_clips_hold_what_other_clips_take():
    rng = np.random.default_rng(8)
    held = []
    for _ in range(200):
        of_clip = rng.lognormal(0, 0.35, 60)
        latency_ms = np.tile(of_clip, 10) * rng.lognormal(0, 0.05, 600)
        held.append(CallSample(latency_ms=latency_ms, clip=np.tile(np.arange(60), 10), in_order=True))

    assert share_held(held, 0.5, 1.0) >= 0.92


def test_a_part_takes_what_the_whole_knows_of_time():
    rng = np.random.default_rng(9)
    latencies = np.exp(0.3 * autoregression(rng, 2000, 0.9))[:, 0]
    whole = ordered(latencies)
    few = CallSample(latency_ms=latencies[:40], clip=np.arange(40), in_order=True, whole=whole)

    assert few.dependence(0.5).inflation == whole.dependence(0.5).inflation


@pytest.mark.parametrize(
    "below",
    [np.zeros(0, bool), np.ones(5, bool), np.ones(500, bool), np.zeros(500, bool)],
    ids=["none", "few", "all", "never"],
)
def test_what_does_not_vary_depends_on_nothing(below: NDArray[np.bool_]):
    clip = np.arange(len(below))

    assert dependence_of(below, in_order=True, clip=clip, audio_s=None) == INDEPENDENT
    assert in_time(below, None) == INDEPENDENT


def test_a_single_clip_is_worth_one():
    below = np.random.default_rng(1).random(100) < 0.5

    found = dependence_of(below, in_order=False, clip=np.zeros(100, dtype=np.int64), audio_s=None)

    assert found.worth(100) == pytest.approx(1.0)
    assert found.bounding(100, 0.95) == 1


def test_bounds_of_an_estimate_are_as_wide_as_students_t():
    sure, unsure = Dependence(inflation=2.0), Dependence(inflation=2.0, freedom=5.0)

    assert sure.bounding(400, 0.95) == 200
    # (1.95996 / 2.57058)^2 of the two hundred.
    assert unsure.bounding(400, 0.95) == 116


@pytest.mark.parametrize("make", [lambda: np.full(300, 7.0), lambda: np.repeat([1.0, 9.0], 150)])
def test_ties_are_no_trouble(make: Callable[[], Floats]):
    found = ordered(make()).percentile(0.5)

    assert found.value is not None
