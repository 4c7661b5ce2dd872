from __future__ import annotations

import numpy as np
import pytest

from sv_eval.records import Failure, Prediction
from sv_eval.studies.parity.differences import agreement, first_divergence, flipped, margin, score_gap, stage_gap


def said(label: str | None, **scores: float) -> Prediction:
    return Prediction(label=label, scores=scores or None)


def test_equal_answers_agree_exactly() -> None:
    answers = [said("sad", sad=0.9, happy=0.1), said(None)]

    found = agreement(answers, list(answers))

    assert found.identical
    assert (found.n, found.flips, found.words_differ, found.max_dp) == (2, (), 0, 0)


def test_a_flip_is_found_with_its_position_and_gap() -> None:
    one = [said("sad", sad=0.9, happy=0.1), said("sad", sad=0.51, happy=0.49)]
    other = [said("sad", sad=0.8, happy=0.2), said("happy", sad=0.49, happy=0.51)]

    found = agreement(one, other)

    assert found.flips == (1,)
    assert found.max_dp == pytest.approx(0.1)
    assert found.mean_dp == pytest.approx(0.06)
    assert not found.identical


def test_a_failure_is_counted_and_not_compared() -> None:
    found = agreement([said("sad"), Failure(kind="timeout", message="late")], [said("happy"), said("sad")])

    assert (found.n, found.failed, found.flips) == (1, 1, (0,))
    assert not found.identical


def test_other_words_are_no_flip() -> None:
    one, other = Prediction(label="sad", text="good day"), Prediction(label="sad", text="good")

    found = agreement([one], [other])

    assert (found.flips, found.words_differ, found.max_dp) == ((), 1, None)


def test_no_tag_and_no_speech_are_different_answers() -> None:
    assert flipped(Prediction(no_speech=True), said(None))
    assert not flipped(said(None), said(None))


def test_the_gap_counts_an_emotion_that_one_side_does_not_know_as_zero() -> None:
    assert score_gap(said("sad", sad=1.0), said("sad", sad=0.75, angry=0.25)) == 0.25
    assert score_gap(said("sad", sad=1.0), said("sad")) is None


def test_the_margin_is_the_lead_of_the_best() -> None:
    assert margin(said("sad", sad=0.5, happy=0.25, angry=0.25)) == 0.25
    assert margin(said("sad")) is None


def test_arrays_of_other_shapes_are_infinitely_far_apart() -> None:
    assert stage_gap(np.zeros((2, 3)), np.zeros((3, 3))) == float("inf")
    assert stage_gap(np.zeros(0), np.zeros(0)) == 0


def test_the_first_stage_beyond_its_tolerance_is_named() -> None:
    one = {"waveform": np.zeros(4), "features": np.zeros(4), "logits": np.zeros(4)}
    other = {"waveform": np.zeros(4), "features": np.full(4, 1e-4), "logits": np.full(4, 0.5)}

    gaps, first = first_divergence(one, other, {"features": 1e-3, "logits": 1e-2})

    assert first == "logits"
    assert list(gaps) == ["waveform", "features", "logits"]
    assert first_divergence(one, other, {"features": 1e-5, "logits": 1e-2})[1] == "features"
    assert first_divergence(one, one, {})[1] is None
