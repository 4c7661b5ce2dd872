from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sv_eval.scoring.transcript_errors import characters, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello,  WORLD!", "hello world"),
        ("ＨＥＬＬＯ　ｗｏｒｌｄ１２", "hello world12"),
        ("<|zh|><|NEUTRAL|><|Speech|><|woitn|>今天。", "今天"),
        ("＜｜en｜＞hi", "hi"),
        ("fine 😊👍🏽 1️⃣ ❤️", "fine 1"),
        ("don't don’t 'tis rock'n'roll", "dont dont tis rocknroll"),
        ("well-known—so…", "well known so"),
        ("Straße STRASSE", "strasse strasse"),
        ("Caf\u0065\u0301 café", "café café"),
        ("3 three 50%", "3 three 50"),
        ("ﾊﾝｶｸ", "ハンカク"),
        ("co\u00adop zero\u200bwidth", "coop zerowidth"),
        ("हिन्दी भाषा", "हिन्दी भाषा"),
        ("...!?", ""),
        ("a < b | c > d", "a b c d"),
    ],
)
def test_words_are_what_is_compared(text: str, expected: str) -> None:
    assert words(text) == expected


def test_characters_know_no_spaces() -> None:
    assert characters("안녕 하세요, OK!") == "안 녕 하 세 요 o k"


@given(st.text())
def test_normalising_again_changes_nothing(text: str) -> None:
    once = words(text)

    assert words(once) == once
    assert characters(once) == characters(text)


@given(st.text())
def test_nothing_but_letters_digits_and_marks_is_left(text: str) -> None:
    for word in words(text).split(" "):
        assert all(unicodedata.category(letter)[0] in "LNM" for letter in word)


@given(st.text(alphabet=st.characters(categories=("Ll", "Nd")), min_size=1))
def test_case_does_not_matter(text: str) -> None:
    assert words(text.upper()) == words(text.upper().lower())
