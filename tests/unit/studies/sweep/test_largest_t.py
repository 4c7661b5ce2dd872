"""The largest of many t-statistics, each with its own error, held against independent computations."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from sv_eval.studies.sweep.largest_t import largest_t, shrunk_correlation

Floats = NDArray[np.float64]
SHARES = (0.5, 0.9, 0.95)


def alike(settings: int, correlation: float) -> Floats:
    return (1 - correlation) * np.eye(settings) + correlation


def ones(units: int) -> NDArray[np.int64]:
    return np.ones(units, dtype=np.int64)


def upper_tail(largest: Floats, limit: float) -> float:
    return float((largest >= limit).mean())


@pytest.mark.parametrize("units", [2, 6, 30, 150])
def test_one_setting_has_students_t(units: int) -> None:
    largest = largest_t(np.eye(1), np.full((4, units), 9.0), ones(units), seed=0)

    for share in SHARES:
        limit = stats.t.ppf((1 + share) / 2, units - 1)
        assert upper_tail(largest, limit) == pytest.approx(1 - share, abs=0.008)


@pytest.mark.parametrize("units", [2, 6, 30, 150])
def test_unrelated_settings_have_as_many_chances(units: int) -> None:
    largest = largest_t(np.eye(12), np.full((4, units), 9.0), ones(units), seed=1)

    for share in SHARES:
        limit = stats.t.ppf((1 + share ** (1 / 12)) / 2, units - 1)
        assert upper_tail(largest, limit) == pytest.approx(1 - share, abs=0.008)


@pytest.mark.parametrize("units", [4, 12, 130])
def test_related_settings_have_the_largest_of_their_own_t_tests(units: int) -> None:
    correlation = alike(9, 0.6)
    rng = np.random.default_rng(2)
    drawn = rng.multivariate_normal(np.zeros(9), correlation, size=(4000, units))
    expected = np.abs(stats.ttest_1samp(drawn, 0.0, axis=1).statistic).max(axis=1)

    largest = largest_t(correlation, np.full((3, units), 5.0), ones(units), seed=3)

    for share in SHARES:
        assert upper_tail(largest, float(np.quantile(expected, share))) == pytest.approx(1 - share, abs=0.025)


def test_a_speaker_with_most_of_the_clips_makes_larger_ones_by_chance() -> None:
    clips = np.array([40.0, 10.0, 10.0, 5.0, 5.0, 5.0])
    rng, weight = np.random.default_rng(4), clips / clips.sum()
    value = rng.standard_normal((20_000, len(clips)))
    mean = value @ weight
    without = (mean[:, None] - weight * value) / (1 - weight)
    error = np.sqrt(5 / 6 * ((without - without.mean(axis=1, keepdims=True)) ** 2).sum(axis=1))
    expected = np.abs(mean / error)

    # Speakers have the same shares of every label, whose values are alike in part: that alters nothing.
    largest = largest_t(np.eye(1), np.stack([clips, 2 * clips]), ones(6), seed=5)

    for share in SHARES:
        assert upper_tail(largest, float(np.quantile(expected, share))) == pytest.approx(1 - share, abs=0.012)
    assert np.quantile(largest, 0.95) > 1.2 * stats.t.ppf(0.975, 5)


def test_a_label_of_two_speakers_makes_larger_ones_by_chance() -> None:
    clips = np.full((4, 120), 9.0)
    even = largest_t(np.eye(5), clips, ones(120), seed=6)
    clips[3, 2:] = 0

    rare = largest_t(np.eye(5), clips, ones(120), seed=6)

    assert np.quantile(rare, 0.95) > 3 * np.quantile(even, 0.95)


def test_a_group_of_units_is_as_good_as_each_of_them() -> None:
    clips = np.array([[1.0, 0.0, 3.0], [0.0, 1.0, 2.0]])
    number = np.array([4, 5, 3])
    apart = np.random.default_rng(7).standard_normal((6, 3))

    grouped = largest_t(alike(6, 0.3), clips, number, seed=8, draws=500)
    one_by_one = largest_t(alike(6, 0.3), np.repeat(clips, number, axis=1), ones(12), seed=8, draws=500)

    assert grouped == pytest.approx(one_by_one)
    together = shrunk_correlation(apart, number.astype(np.float64))
    assert together == pytest.approx(shrunk_correlation(np.repeat(apart, number, axis=1), np.ones(12)))


def test_two_units_say_nothing_of_how_alike_settings_are() -> None:
    apart = np.random.default_rng(9).standard_normal((5, 2))

    assert shrunk_correlation(apart, np.ones(2)).tolist() == np.eye(5).tolist()


@pytest.mark.parametrize(("units", "least", "most"), [(4, 0.0, 0.45), (12, 0.3, 0.65), (2000, 0.58, 0.61)])
def test_the_more_units_the_more_their_correlation_is_believed(units: int, least: float, most: float) -> None:
    rng = np.random.default_rng(10)
    found = []
    for _ in range(20):
        apart = rng.multivariate_normal(np.zeros(15), alike(15, 0.6), size=units).T
        found.append(shrunk_correlation(apart, np.ones(units))[~np.eye(15, dtype=bool)].mean())

    assert least < np.mean(found) < most


def test_nothing_to_judge_has_no_largest() -> None:
    assert largest_t(np.zeros((0, 0)), np.ones((2, 3)), ones(3), seed=0).tolist() == [0.0]
