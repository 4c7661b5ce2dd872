from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sv_eval.backends.sensevoice.answers import AnswerReader, ReducedLogits, collapse, emotion_posteriors
from sv_eval.backends.sensevoice.tokens import TokenVocabulary
from sv_eval.errors import ModelError
from sv_eval.records import Outcome, Prediction

PIECES = [
    "<unk>", "<s>", "</s>", "\u2581good", "\u2581day", "s", "<|en|>", "<|zh|>", "<|Speech|>", "<|BGM|>",
    "<|HAPPY|>", "<|SAD|>", "<|ANGRY|>", "<|NEUTRAL|>", "<|EMO_UNKNOWN|>", "<|woitn|>", "<blank>",
]  # fmt: skip
BLANK = 0


def read(*frames: dict[str, float]) -> Prediction:
    """The prediction for frames given as piece to logit; everything else is far below."""
    vocabulary = TokenVocabulary.from_pieces(PIECES, "test")
    logits: NDArray[np.float32] = np.full((1, len(frames), len(PIECES)), -20, dtype=np.float32)
    for row, frame in zip(logits[0], frames, strict=True):
        for piece, value in frame.items():
            row[PIECES.index(piece)] = value
    reader = AnswerReader(vocabulary)
    return reader.read(ReducedLogits.of(logits, np.array([len(frames)]), reader.emotion_ids))[0]


def says(piece: str) -> dict[str, float]:
    return {piece: 5.0}


def test_an_ordinary_answer_is_read_whole() -> None:
    answer = read(
        says("<|en|>"), says("<|HAPPY|>"), says("<|Speech|>"), says("<|woitn|>"),
        says("\u2581good"), says("<unk>"), says("\u2581day"), says("\u2581day"), says("s"),
    )  # fmt: skip

    assert (answer.label, answer.forced, answer.language, answer.event) == ("happy", "happy", "en", "Speech")
    assert answer.text == "good days"
    assert answer.outcome is Outcome.LABEL


def test_scores_are_the_posterior_at_the_emotion_frame_over_emotions_and_unknown() -> None:
    emotion = {
        "<|HAPPY|>": 2.0,
        "<|SAD|>": 1.0,
        "<|EMO_UNKNOWN|>": 0.0,
        "<|ANGRY|>": -1.0,
        "<|NEUTRAL|>": -2.0,
    }
    answer = read(says("<|en|>"), emotion, says("<|Speech|>"), says("<|woitn|>"))

    weights = np.exp([2.0, 1.0, 0.0, -1.0, -2.0])
    assert answer.scores is not None
    assert sum(answer.scores.values()) == pytest.approx(1)
    assert answer.scores["happy"] == pytest.approx(weights[0] / weights.sum())
    assert answer.scores["unknown"] == pytest.approx(weights[2] / weights.sum())
    assert answer.confidence == answer.scores["happy"]


def test_forced_and_unforced_come_from_one_pass() -> None:
    emotion = {"<|EMO_UNKNOWN|>": 3.0, "<|SAD|>": 2.0, "<|HAPPY|>": 1.0}
    answer = read(says("<|en|>"), emotion, says("<|Speech|>"), says("<|woitn|>"))

    assert (answer.label, answer.forced) == ("unknown", "sad")
    assert answer.outcome is Outcome.UNKNOWN


def test_a_tag_in_another_place_is_found() -> None:
    answer = read(says("<|Speech|>"), says("<unk>"), says("<|SAD|>"), says("<|zh|>"), says("\u2581good"))

    assert (answer.label, answer.language, answer.event) == ("sad", "zh", "Speech")


def test_an_answer_without_an_emotion_is_no_tag_and_never_neutral() -> None:
    answer = read(says("<|en|>"), says("<unk>"), says("<|Speech|>"), says("<|woitn|>"), says("\u2581good"))

    assert answer.label is None
    assert answer.outcome is Outcome.NO_TAG
    assert answer.confidence is None


def test_frames_beyond_a_clip_are_not_read() -> None:
    vocabulary = TokenVocabulary.from_pieces(PIECES, "test")
    logits: Any = np.full((1, 6, len(PIECES)), -20, dtype=np.float32)
    logits[0, :4, PIECES.index("<|HAPPY|>")] = 5
    logits[0, 4:, PIECES.index("\u2581good")] = 5

    reader = AnswerReader(vocabulary)

    assert reader.read(ReducedLogits.of(logits, np.array([4]), reader.emotion_ids))[0].text == ""


def test_repeats_collapse_but_not_across_a_blank() -> None:
    assert collapse(np.array([5, 5, BLANK, 5, 7, 7, BLANK]), BLANK) == [5, 5, 7]


def test_posteriors_of_large_logits_are_finite() -> None:
    posterior = emotion_posteriors(np.array([[1000.0, -1000.0]], dtype=np.float32))

    np.testing.assert_allclose(posterior, [[1, 0]])


def test_a_vocabulary_without_emotions_is_refused() -> None:
    with pytest.raises(ModelError, match="none of SenseVoice's emotion tags"):
        TokenVocabulary.from_pieces(["<unk>", "a"], "other.model")
