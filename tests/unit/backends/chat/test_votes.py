"""Several answers to one question: what most of them are decides, and nothing is guessed."""

from __future__ import annotations

import pytest

from sv_eval.backends.chat.protocol import protocol_of
from sv_eval.backends.chat.votes import read_all

LETTERS = protocol_of("letters_en")
ORDER = tuple(LETTERS.options)
NO = "I am sorry, but I can't determine emotions from audio."


@pytest.mark.parametrize(
    ("texts", "emotion", "why"),
    [
        (["A", "A", "B"], ORDER[0], None),
        (["A", "B"], None, "hedged"),
        ([NO, NO, "A"], None, "refused"),
        ([NO, "A"], ORDER[0], None),
        (["?", "?", "?"], None, "unparsed"),
        (["A or B", "A or B", "B"], None, "hedged"),
    ],
)
def test_the_most_frequent_answer_decides(texts: list[str], emotion: str | None, why: str | None) -> None:
    found = read_all(texts, LETTERS, ORDER)

    assert (found.emotion, found.why) == (emotion, why)


def test_scores_are_shares_of_the_answers_that_name_an_emotion() -> None:
    found = read_all(["A", "A", "B", NO, "?"], LETTERS, ORDER)

    assert found.scores is not None
    assert found.scores[ORDER[0]] == pytest.approx(2 / 3)
    assert (found.outside, found.confidence) == (pytest.approx(0.4), 0.4)


def test_one_answer_has_no_votes() -> None:
    assert read_all(["A"], LETTERS, ORDER).scores is None
    assert read_all([""], LETTERS, ORDER, refused=True).why == "refused"
