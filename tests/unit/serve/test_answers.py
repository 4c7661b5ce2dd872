"""What a recogniser said, in the words of the wire."""

from __future__ import annotations

import pytest

from sv_eval.backend import StreamUpdate
from sv_eval.records import Prediction, Segment
from sv_eval.scoring.decisions import Decisions
from sv_eval.scoring.labels.config import LabelsConfig
from sv_eval.scoring.labels.naming import Naming
from sv_eval.serve.answers import emotion_data, stream_partial
from sv_eval.wire.messages import EmotionData, Options

PLAIN = Decisions(Naming(LabelsConfig(), None), None, None)
SCORES = {"happy": 0.3, "sad": 0.1, "unknown": 0.6}
DECLINED = Prediction(label="unknown", forced="happy", scores=SCORES, confidence=0.6, text="hm", language="en")


def data(prediction: Prediction, **options: bool) -> EmotionData:
    decided = PLAIN.prediction(prediction)
    return emotion_data(decided, duration_s=1.5, model="m", options=Options(**options))  # type: ignore[arg-type]


def test_the_plain_answer_holds_no_more_than_was_asked_for() -> None:
    answer = data(DECLINED)
    assert (answer.emotion, answer.confidence, answer.duration) == ("unknown", 0.6, 1.5)
    assert set(answer.model_dump(exclude_unset=True)) == {
        "text", "emotion", "confidence", "duration", "language", "event", "model",
    }  # fmt: skip


def test_scores_come_when_they_are_asked_for() -> None:
    assert data(DECLINED, return_all_emotions=True).scores == SCORES


def test_with_unknown_banned_the_rest_is_the_whole() -> None:
    answer = data(DECLINED, ban_unknown=True, return_all_emotions=True)
    assert answer.emotion == "happy"
    assert answer.confidence == pytest.approx(0.75)
    assert answer.scores == {"happy": 0.75, "sad": 0.25}


def test_without_a_tag_there_is_no_emotion_unless_one_must_be_named() -> None:
    untagged = Prediction(label=None, forced="sad", scores=SCORES)
    assert data(untagged).emotion is None
    assert data(untagged).confidence is None
    assert data(untagged, ban_unknown=True).emotion == "sad"


def test_a_backend_that_gives_no_posterior_is_not_made_to_have_one() -> None:
    bare = Prediction(label="sad", confidence=None, scores=None)
    answer = data(bare, return_all_emotions=True, ban_unknown=True)
    assert (answer.emotion, answer.confidence, answer.scores) == ("sad", None, None)
    assert data(Prediction(label="unknown"), ban_unknown=True).emotion is None


def test_everything_on_unknown_leaves_nothing_to_share_out() -> None:
    sure = Prediction(label="unknown", forced="sad", scores={"sad": 0.0, "unknown": 1.0})
    answer = data(sure, ban_unknown=True, return_all_emotions=True)
    assert (answer.emotion, answer.confidence, answer.scores) == ("sad", None, None)


def test_segments_follow_the_same_wishes() -> None:
    pieces = (Segment(start_s=0.0, end_s=1.0, label="unknown", scores=SCORES, text="a"),)
    cut = Prediction(label="unknown", forced="happy", scores=SCORES, segments=pieces)
    (plain,) = data(cut).segments or []
    (banned,) = data(cut, ban_unknown=True, return_all_emotions=True).segments or []
    assert (plain.emotion, plain.scores) == ("unknown", None)
    assert (banned.emotion, banned.scores) == ("happy", {"happy": 0.75, "sad": 0.25})


def test_a_partial_result_names_nothing_before_there_is_something() -> None:
    update = StreamUpdate(start_s=0, end_s=1, label=None, scores=None, chunk_scores=None, compute_ms=1)
    partial = stream_partial(update, PLAIN.update(update), Options(ban_unknown=True, return_all_emotions=True))
    assert (partial.emotion, partial.confidence, partial.scores) == (None, None, None)


def test_a_partial_result_with_unknown_banned() -> None:
    update = StreamUpdate(
        start_s=0, end_s=1, label="unknown", scores=SCORES, chunk_scores=SCORES, compute_ms=1, text="a"
    )
    partial = stream_partial(update, PLAIN.update(update), Options(ban_unknown=True, return_all_emotions=True))
    assert (partial.emotion, partial.confidence, partial.text) == ("happy", 0.75, "a")
    assert partial.chunk_scores == {"happy": 0.75, "sad": 0.25}
