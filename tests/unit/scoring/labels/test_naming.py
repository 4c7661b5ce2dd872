"""Answers of the service in the classes of a label map."""

from __future__ import annotations

import pytest

from sv_eval.answer_words import AnswerWords
from sv_eval.emotions import EMOTIONS
from sv_eval.records import Prediction, Segment
from sv_eval.scoring.labels.config import LabelsConfig, labels_config_from, read_label_map
from sv_eval.scoring.labels.naming import Naming

CENTRE = labels_config_from(
    {
        "name": "centre",
        "classes": {"pleased": ["happy"], "upset": ["angry", "sad", "disappointment"], "calm": ["neutral", "calm"]},
        "words": {"disappointment": ["let down"]},
    }
)
ANSWER = Prediction(
    label="sad", forced="sad", scores={"happy": 0.1, "sad": 0.5, "angry": 0.2, "neutral": 0.1, "unknown": 0.1},
    confidence=0.5, segments=(Segment(start_s=0.0, end_s=1.0, label="fearful"),),
)  # fmt: skip


def test_labels_and_posteriors_are_those_of_the_classes() -> None:
    found = Naming(CENTRE, None).prediction(ANSWER)

    assert (found.label, found.forced) == ("upset", "upset")
    assert found.scores == pytest.approx({"pleased": 0.1, "upset": 0.7, "calm": 0.1, "unknown": 0.1})
    assert found.confidence == pytest.approx(0.7)
    assert found.segments[0].label == "other"


@pytest.mark.parametrize(
    ("raw", "label", "named"),
    [
        ("let down", None, "upset"),
        ("Calm", "other", "calm"),
        ("excited", "happy", "pleased"),
        ("wistful", None, None),
        ("<unk>", "unknown", "unknown"),
    ],
)
def test_a_word_of_the_recognisers_own_is_named_by_what_it_means(
    raw: str, label: str | None, named: str | None
) -> None:
    words = AnswerWords(name="w", entries={"calm": "calm", "excited": "excited", "<unk>": "unknown"})

    assert Naming(CENTRE, words).prediction(Prediction(label=label, raw_label=raw)).label == named


def test_the_seven_emotions_are_left_as_they_are() -> None:
    naming = Naming(LabelsConfig(), None)

    assert naming.prediction(ANSWER) is ANSWER
    assert naming.labels(EMOTIONS) == EMOTIONS


def test_finer_words_may_be_classes_of_their_own() -> None:
    naming = Naming(labels_config_from(read_label_map("native")), None)

    assert naming.prediction(Prediction(label="other", raw_label="disappointed")).label == "disappointment"
    assert naming.labels(["happy", "disappointment", "other"]) == ("happy", "disappointment")
