"""The Pareto front, and how surely a setting is on it."""

from __future__ import annotations

import numpy as np
import pytest

from sv_eval.scoring.call_sample import CallSample
from sv_eval.studies.sweep.pareto import drawn_percentile, front_shares, on_front, ratio_with_error


def test_the_front_is_what_a_plain_search_finds() -> None:
    rng = np.random.default_rng(0)
    better, cheaper = rng.integers(0, 12, 60) / 12, rng.integers(0, 12, 60).astype(float)

    held = on_front(better, cheaper)

    for place in range(60):
        beaten = any(
            better[other] >= better[place]
            and cheaper[other] <= cheaper[place]
            and (better[other] > better[place] or cheaper[other] < cheaper[place])
            for other in range(60)
        )
        assert held[place] == (not beaten)


def test_a_setting_without_a_measure_is_not_on_the_front() -> None:
    assert on_front(np.array([0.9, 0.5]), np.array([np.nan, 10.0])).tolist() == [False, True]
    assert on_front(np.array([np.nan, 0.5]), np.array([1.0, 10.0])).tolist() == [False, True]


def test_shares_of_draws_are_those_of_single_draws() -> None:
    rng = np.random.default_rng(1)
    better, cheaper = rng.random((7, 300)), rng.random((7, 300))

    shares = front_shares(better, cheaper)

    single = np.stack([on_front(better[:, draw], cheaper[:, draw]) for draw in range(300)]).mean(axis=0)
    assert shares == pytest.approx(single)


def test_drawn_percentiles_are_distributed_as_those_of_resamples() -> None:
    rng = np.random.default_rng(2)
    values = rng.lognormal(3, 0.5, 150)

    drawn = drawn_percentile(CallSample.of_values(values), 0.95, 20_000, rng)

    resampled = np.sort(rng.choice(values, (20_000, 150)), axis=1)[:, int(np.ceil(0.95 * 150)) - 1]
    for share in (0.05, 0.25, 0.5, 0.75, 0.95):
        near = np.abs(np.quantile(drawn, share) - np.quantile(resampled, share))
        assert near <= np.ptp(np.sort(values)[-20:]) * 0.06
    assert np.isnan(drawn_percentile(CallSample.of_values(np.zeros(0)), 0.95, 3, rng)).all()


def test_the_error_of_a_ratio_is_that_of_its_resamples() -> None:
    rng = np.random.default_rng(3)
    whole = rng.uniform(1, 5, 400)
    part = 0.01 * whole + rng.normal(0, 0.004, 400)

    found = ratio_with_error(part, whole)

    assert found is not None
    places = rng.integers(0, 400, (4000, 400))
    ratios = part[places].sum(axis=1) / whole[places].sum(axis=1)
    assert found[0] == pytest.approx(part.sum() / whole.sum())
    assert found[1] == pytest.approx(ratios.std(), rel=0.1)
    assert ratio_with_error(part[:1], whole[:1]) is None
