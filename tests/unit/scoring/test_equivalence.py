"""Equally good is shown, and agreement is beyond chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from sv_eval.scoring.paired.differences import difference_with
from sv_eval.scoring.paired.equivalence import equivalence_of
from sv_eval.scoring.paired.pairs import Pairs
from sv_eval.scoring.paired.raters import rater_agreement


def pairs_of_answers(before: list[int], after: list[int], reference: list[int] | None = None) -> Pairs:
    n = len(before)
    return Pairs(
        labels=("a", "b", "c"), policy="wrong", clip_ids=tuple(map(str, range(n))),
        reference=np.array(reference or [0] * n), before=np.array(before), after=np.array(after),
        speaker=np.arange(n), n_common=n, n_asked=n, only_before=0, only_after=0, failed_before=0, failed_after=0,
        newly_failed=0, newly_answered=0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "error", "verdict"),
    [(0.0, 0.005, "equivalent"), (0.013, 0.008, "unknown"), (0.03, 0.005, "different"), (-0.03, 0.005, "different"),
     (0.0, 0.02, "unknown"), (0.012, 0.004, "equivalent")],
)  # fmt: skip
def test_two_one_sided_tests(value: float, error: float, verdict: str) -> None:
    difference = difference_with(0.7, 0.7 + value, error, 40, 40.0, "jackknife_t", 0.95)

    found = equivalence_of(difference, 0.02, unchanged=False)

    # As the interval at 90 %: within the margin, or not.
    reach = stats.t.ppf(0.95, 39) * error
    assert (abs(value) + reach < 0.02) == (found.verdict == "equivalent")
    assert found.verdict == verdict
    lower, upper = stats.t.sf((value + 0.02) / error, 39), stats.t.cdf((value - 0.02) / error, 39)
    assert found.p_value == pytest.approx(max(lower, upper), abs=1e-5)


def test_no_clip_that_turned_is_equally_good_and_one_speaker_says_nothing() -> None:
    alone = difference_with(0.7, 0.6, 0.0, 1, 1.0, "jackknife_t", 0.95)

    assert equivalence_of(alone, 0.02, unchanged=False).verdict == "unknown"
    assert equivalence_of(alone, 0.02, unchanged=True).verdict == "equivalent"


def test_a_difference_as_large_as_the_margin_is_hardly_ever_called_none() -> None:
    rng = np.random.default_rng(0)
    called = 0
    for _ in range(2000):
        drawn = rng.normal(0.02, 0.06, 40)
        difference = difference_with(
            0.7, 0.7 + float(drawn.mean()), float(drawn.std(ddof=1) / np.sqrt(40)), 40, 40.0, "jackknife_t", 0.95
        )
        called += equivalence_of(difference, 0.02, unchanged=False).verdict == "equivalent"
    assert called / 2000 < 0.065


@pytest.mark.parametrize("seed", range(5))
def test_kappa_is_that_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before = rng.integers(0, 4, 300)
    after = np.where(rng.random(300) < 0.6, before, rng.integers(0, 4, 300))

    found = rater_agreement(pairs_of_answers(before.tolist(), after.tolist()))

    assert found is not None
    assert found.kappa == pytest.approx(cohen_kappa_score(before, after))
    assert found.observed == pytest.approx(float((before == after).mean()))


def test_ac1_by_hand() -> None:
    # 118 of 125 both "a", 5 and 2 apart, none both "b": Gwet 2008 gives 0.94 where kappa is near zero.
    before = [0] * 118 + [0] * 5 + [1] * 2
    after = [0] * 118 + [1] * 5 + [0] * 2

    found = rater_agreement(pairs_of_answers(before, after))

    assert found is not None
    q = (123 + 120) / 250
    chance = 2 * q * (1 - q)
    assert found.ac1 == pytest.approx((118 / 125 - chance) / (1 - chance))
    assert found.ac1 == pytest.approx(0.94, abs=0.005)
    assert found.kappa == pytest.approx(-0.0234, abs=0.001)


@pytest.mark.parametrize(("before", "after"), [([0, 0], [0, 0]), ([3, 3], [3, 3])])
def test_one_answer_leaves_chance_nothing(before: list[int], after: list[int]) -> None:
    found: Any = rater_agreement(pairs_of_answers(before, after))

    assert (found.observed, found.kappa, found.ac1) == (1.0, None, 1.0)


def test_no_clip_has_no_agreement() -> None:
    assert rater_agreement(pairs_of_answers([], [])) is None
    assert rater_agreement(pairs_of_answers([-1, 0], [0, -1])) is None
