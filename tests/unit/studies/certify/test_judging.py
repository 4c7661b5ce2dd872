"""What counts as another answer, and how likely chance alone is to give what was found."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import fisher_exact

from sv_eval.records import Failure, Prediction
from sv_eval.studies.certify.judging import (
    Noise,
    apart,
    gap,
    gap_of,
    least_unheard,
    more_than_allowed,
    more_than_noise,
    noise_of,
    unheard,
    unrelated,
)


def scored(happy: float, text: str = "") -> Prediction:
    label = "happy" if happy >= 0.5 else "sad"
    return Prediction(label=label, scores={"happy": happy, "sad": 1 - happy}, text=text)


def test_scores_are_compared_where_there_are_any_and_close_calls_may_flip() -> None:
    assert gap(scored(0.9), scored(0.6), words=False) == pytest.approx(0.3)
    assert gap(scored(0.501), scored(0.499), words=False) == pytest.approx(0.002)


def test_a_label_that_its_own_scores_contradict_is_another_answer() -> None:
    renamed = Prediction(label="sad", scores={"happy": 0.9, "sad": 0.1})

    assert gap(scored(0.9), renamed, words=False) == 1.0


def test_without_scores_labels_count_and_then_texts() -> None:
    one, other = Prediction(label="sad", text="a"), Prediction(label="sad", text="b")

    assert gap(one, other, words=True) == 0.5
    assert gap(one, other, words=False) == 0.0
    assert gap(one, Prediction(label="angry", text="a"), words=True) == 1.0
    assert gap_of(one, Failure(kind="timeout", message="late"), words=True) is None


def test_texts_are_compared_only_while_they_stay_the_same() -> None:
    first = [scored(0.9, "a"), scored(0.2, "b")]

    assert noise_of(first, [first, first]).words
    assert not noise_of(first, [[scored(0.9, "a"), scored(0.2, "c")]]).words
    assert not noise_of([scored(0.9), scored(0.2)], [[scored(0.9), scored(0.2)]]).words


def test_noise_moves_the_limit_between_its_bounds() -> None:
    def limit(*gaps: float) -> float:
        return Noise(gaps=gaps, scored=True, words=False).off_from

    assert limit(0.0, 0.0) == 0.005
    assert limit(*[0.1] * 20) == pytest.approx(0.2)
    assert limit(*[0.9] * 20) == 0.5
    assert Noise(gaps=(), scored=False, words=True).off_from == 0.5
    assert Noise(gaps=(), scored=False, words=False).off_from == 1.0


def test_noise_that_leads_to_other_clips_answers_is_known() -> None:
    assert Noise(gaps=(0.0, 0.1, 0.31, 0.9), scored=True, words=False).far == 0.5
    assert Noise(gaps=(), scored=True, words=False).far == 0.0


def test_an_answer_is_unrelated_when_it_is_no_nearer_to_its_own_clip() -> None:
    others = [scored(0.05), scored(0.1), scored(0.9)]

    assert unrelated(scored(0.1), scored(0.95), others)
    assert not unrelated(scored(0.7), scored(0.95), others)
    assert not unrelated(scored(0.75), scored(0.95), [scored(0.7)] * 5)
    assert unrelated(Failure(kind="timeout", message="late"), scored(0.1), others) is None


def test_counts_are_held_against_noise_by_fishers_test() -> None:
    expected = fisher_exact([[5, 19], [3, 93]], alternative="greater")[1]

    assert more_than_noise(5, 24, 3, 96) == pytest.approx(expected)
    assert more_than_noise(0, 24, 3, 96) == 1.0


def test_a_share_is_allowed() -> None:
    assert more_than_allowed(1, 24, 0.05) == pytest.approx(1 - 0.95**24)
    assert more_than_allowed(0, 24, 0.05) == 1.0


def test_what_is_less_heard_is_not_unheard() -> None:
    able = [True] * 16

    assert unheard([False] * 16, able) == 0.5**16 == least_unheard(able)
    assert unheard([True] * 4 + [False] * 12, able) == 1.0
    assert unheard([False] * 16, [False] * 16) == 1.0


def test_two_groups_are_told_apart_no_more_often_than_promised() -> None:
    rng = np.random.default_rng(5)
    size, runs = 3, 4000
    promised = 0.1

    found = [
        apart(answers[:size], answers[size:], words=False) <= promised
        for answers in ([scored(float(value)) for value in row] for row in rng.random((runs, 2 * size)))
    ]

    # Three standard errors above what it may be.
    assert np.mean(found) <= promised + 3 * (promised * (1 - promised) / runs) ** 0.5
    assert any(found)


def test_a_difference_that_is_too_small_to_matter_sets_nothing_apart() -> None:
    one, other = [scored(0.9)] * 5, [scored(0.901)] * 5

    assert apart(one, other, words=False) < 0.01
    assert apart(one, other, words=False, least=0.01) == 1.0
