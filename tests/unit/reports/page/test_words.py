"""Every word of a page is there in each language, with the same values to be set in."""

from __future__ import annotations

import re
from pathlib import Path

import sv_eval.reports.page
from sv_eval.reports.page.contents import words_of
from sv_eval.reports.page.findings import LANGUAGES
from sv_eval.reports.page.words import page_words

FRONT = Path(sv_eval.reports.page.__file__).parent / "front" / "src"


def values_in(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_both_languages_have_the_same_words() -> None:
    one, other = (page_words(name) for name in LANGUAGES)

    assert list(one) == list(other)
    groups = [key for key in one if not isinstance(one[key], str)]
    assert [key for key in groups if list(one[key]) != list(other[key])] == []
    assert [key for key in one if key not in groups and values_in(one[key]) != values_in(other[key])] == []


def test_what_the_program_says_has_words_and_what_has_words_is_said() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in FRONT.glob("*.js"))
    asked = set(re.findall(r"""\bt\(["'](\w+)["']""", sources))
    known = set(page_words("en"))

    assert sorted(asked - known) == []


def test_the_emotions_and_facts_of_the_report_are_among_them() -> None:
    words = [words_of(name) for name in LANGUAGES]

    assert words[0]["emotions"]["happy"] == "happy"
    assert words[0]["emotions"].keys() == words[1]["emotions"].keys()
    assert words[0]["facts"].keys() == words[1]["facts"].keys()
