"""Where the level of a series changed."""

from __future__ import annotations

import numpy as np
import pytest

from sv_eval.studies.history.changes import change_points


def test_a_planted_change_is_found_at_its_place() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0.80, 0.005, 12), rng.normal(0.76, 0.005, 9)])

    (change,) = change_points(values.tolist())

    assert change.place == 12
    assert (change.before, change.after) == (pytest.approx(0.80, abs=0.005), pytest.approx(0.76, abs=0.005))
    assert change.p <= 0.001


def test_several_changes_are_found_in_order() -> None:
    rng = np.random.default_rng(1)
    levels = [0.7] * 10 + [0.75] * 10 + [0.6] * 10
    found = change_points((np.array(levels) + rng.normal(0, 0.004, 30)).tolist())

    assert [one.place for one in found] == [10, 20]
    assert [round(one.after, 2) for one in found] == [0.75, 0.6]


@pytest.mark.parametrize("n", [8, 20, 60])
def test_noise_has_hardly_ever_a_change(n: int) -> None:
    rng = np.random.default_rng(2)

    found = sum(bool(change_points(rng.standard_t(3, n).tolist(), seed=seed)) for seed in range(200))

    # A hundredth is asked for; nine of two hundred are three standard errors above it.
    assert found < 9


def test_an_outlier_is_no_change_for_good() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(0.8, 0.003, 20)
    values[9] = 0.5

    assert change_points(values.tolist()) == ()


@pytest.mark.parametrize("values", [[], [0.5], [0.5, 0.9], [0.1, 0.9, 0.9], [0.8] * 30])
def test_too_few_values_or_all_alike_have_none(values: list[float]) -> None:
    assert change_points(values) == ()


def test_the_same_series_has_the_same_changes() -> None:
    values = np.random.default_rng(4).normal(size=40).tolist()

    assert change_points(values, alpha=0.4) == change_points(values, alpha=0.4)
