from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sv_eval.emotions import EMOTIONS
from sv_eval.scoring.chance import chance_levels
from sv_eval.scoring.metrics import accuracy, uar

SUPPORT = st.dictionaries(st.sampled_from(EMOTIONS), st.integers(0, 40), min_size=1).filter(
    lambda s: any(s.values())
)


@given(SUPPORT)
def test_the_majority_scores_what_its_answers_score(support: dict[str, int]) -> None:
    levels = chance_levels(support)
    assert levels is not None
    truth = [label for label, n in support.items() for _ in range(n)]
    answers = [levels.majority.label] * len(truth)

    assert levels.majority.accuracy == pytest.approx(accuracy(truth, answers, list(support)))
    assert levels.majority.uar == pytest.approx(uar(truth, answers, list(support)))
    assert levels.majority.uar == pytest.approx(1 / sum(n > 0 for n in support.values()))


@given(SUPPORT)
def test_expected_scores_are_those_of_every_pairing_of_truth_and_draw(support: dict[str, int]) -> None:
    """The expectation over draws, summed out by hand: each clip against each label, weighted with its chance."""
    levels = chance_levels(support)
    assert levels is not None
    total, k = sum(support.values()), sum(n > 0 for n in support.values())
    for rule, chance in (
        ("stratified", {label: n / total for label, n in support.items()}),
        ("uniform", {label: (n > 0) / k for label, n in support.items()}),
    ):
        right = sum(n * chance[label] for label, n in support.items()) / total
        recalls = [chance[label] for label, n in support.items() if n]

        assert getattr(levels, rule).accuracy == pytest.approx(right)
        assert getattr(levels, rule).uar == pytest.approx(sum(recalls) / k)


@settings(max_examples=5)
@given(SUPPORT)
def test_scikit_learns_dummies_score_the_same(support: dict[str, int]) -> None:
    from sklearn.dummy import DummyClassifier
    from sklearn.metrics import accuracy_score

    truth = np.array([label for label, n in support.items() for _ in range(n * 50)])
    levels = chance_levels(support)
    assert levels is not None
    nothing = np.zeros((len(truth), 1))
    for rule, strategy in (("majority", "prior"), ("stratified", "stratified"), ("uniform", "uniform")):
        dummy = DummyClassifier(strategy=strategy, random_state=0).fit(nothing, truth)
        reached = accuracy_score(truth, dummy.predict(nothing))
        room = 0 if rule == "majority" else 5 * 0.5 / len(truth) ** 0.5
        assert abs(reached - getattr(levels, rule).accuracy) <= room + 1e-9


def test_no_clip_has_no_chance_level() -> None:
    assert chance_levels({"happy": 0}) is None
    assert chance_levels({}) is None


def test_of_equally_frequent_emotions_the_first_of_the_seven_is_named() -> None:
    levels = chance_levels({"neutral": 3, "happy": 3, "sad": 1})

    assert levels is not None
    assert levels.majority.label == "happy"
