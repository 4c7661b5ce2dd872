from __future__ import annotations

import numpy as np
import pytest
from scipy.special import bdtr

from sv_eval.scoring.percentiles import bound_ranks, minimum_n, percentile


@pytest.mark.parametrize(("p", "n"), [(0.5, 11), (0.9, 64), (0.95, 130), (0.99, 662), (0.999, 6636)])
def test_minimum_n_is_mlperfs(p: float, n: int) -> None:
    assert minimum_n(p) == n


def test_too_few_values_give_the_reason_and_no_number() -> None:
    found = percentile(np.arange(40.0), 0.95)

    assert (found.value, found.low, found.high) == (None, None, None)
    assert str(found.reason) == "n too small: 40 of 130"


def test_the_point_estimate_is_the_nearest_rank() -> None:
    values = np.random.default_rng(0).permutation(np.arange(1.0, 1001.0))

    assert [percentile(values, p).value for p in (0.5, 0.9, 0.99)] == [500.0, 900.0, 990.0]


@pytest.mark.parametrize(("n", "p"), [(11, 0.5), (130, 0.95), (662, 0.99), (5000, 0.9), (100_000, 0.99)])
def test_bounds_hold_the_percentile_as_often_as_promised_and_no_rank_could_be_nearer(n: int, p: float) -> None:
    low, high = bound_ranks(n, p, 0.95)

    assert low is not None
    assert high is not None
    assert bdtr(high - 1, n, p) - bdtr(low - 1, n, p) >= 0.95
    assert bdtr(high - 1, n, p) - bdtr(low, n, p) < 0.95
    assert bdtr(high - 2, n, p) - bdtr(low - 1, n, p) < 0.95


@pytest.mark.parametrize("p", [0.5, 0.9, 0.95, 0.99])
def test_coverage_is_about_two_points_above_what_is_stated_at_most(p: float) -> None:
    most = 0.98 if p == 0.5 else 0.972  # few values have few ranks: at n = 13 a median's bounds hold it in 97.8 %

    for n in range(minimum_n(p), minimum_n(p) + 3000, 3):
        low, high = bound_ranks(n, p, 0.95)
        if low is not None and high is not None:
            assert 0.95 <= bdtr(high - 1, n, p) - bdtr(low - 1, n, p) <= most, n


def test_a_side_without_an_order_statistic_is_none() -> None:
    found = percentile(np.arange(662.0), 0.99, confidence=0.9999)

    assert found.high is None
    assert found.reason is not None


@pytest.mark.parametrize(("n", "p"), [(1000, 0.5), (1000, 0.95), (2000, 0.99)])
def test_bounds_hold_the_truth_as_often_as_they_say(n: int, p: float) -> None:
    rng = np.random.default_rng(5)
    truth = -np.log(1 - p)

    runs = [percentile(rng.exponential(size=n), p) for _ in range(1000)]

    share = np.mean([(r.low or 0.0) <= truth <= (r.high or np.inf) for r in runs])
    assert 0.945 <= share <= 0.975
