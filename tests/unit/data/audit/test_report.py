"""The report of an audit, in both languages; and what cards say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import reports
from sv_eval.data.audit.audit import audit_corpus
from sv_eval.data.audit.finding import CODES
from sv_eval.data.audit.settings import CheckSettings
from sv_eval.data.corpus.card import find_card, list_cards
from sv_eval.data.corpus.command_words import choices_by_card
from sv_eval.reports.audit import render_audit, summary
from sv_eval.reports.cards import render_card, render_list

WORDS = Path(reports.__file__).parent / "words"


@pytest.fixture(scope="module")
def result(planted: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """An audit that has nearly every finding."""
    corpus = planted.clean(tmp_path_factory.mktemp("planted"))
    for defect in planted.DEFECTS:
        defect(corpus)
    return audit_corpus(corpus.config(), CheckSettings(workers=1)).to_json() | {"overrides": ["check", "a b"]}


def words_of(language: str) -> dict[str, Any]:
    words: dict[str, Any] = yaml.safe_load((WORDS / f"audit_{language}.yaml").read_text(encoding="utf-8"))
    return words


def keys(node: Any, path: str = "") -> set[str]:
    if not isinstance(node, dict):
        return {path + str(sorted(set(re.findall(r"\{(\w+)\}", str(node)))))}
    return {name for key, value in node.items() for name in keys(value, f"{path}.{key}")}


def test_both_languages_have_the_same_words_with_the_same_values() -> None:
    english, chinese = keys(words_of("en")), keys(words_of("zh"))

    assert english == chinese


def test_every_code_has_words() -> None:
    words = words_of("en")

    for part in ("finding", "advice", "case"):
        assert set(words[part]) == set(CODES)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_names_every_finding_and_its_cases(result: dict[str, Any], language: str) -> None:
    text = render_audit(result, language)

    for finding in result["findings"]:
        assert f"`{finding['code']}`" in text
    assert "s1_SAD_2.wav" in text
    assert "s3_HAP_2.wav" in text
    assert "python -m sv_eval.corpus check 'a b'" in text
    assert not re.search(r"\{\w+\}|None|Undefined", text)
    assert re.search("[\u4e00-\u9fff]", text) if language == "zh" else "Failed" in text


def test_a_table_row_has_as_many_cells_as_its_head(result: dict[str, Any]) -> None:
    width = 0
    for line in render_audit(result).splitlines():
        if line.startswith("|"):
            cells = len(re.findall(r"(?<!\\)\|", line))
            width = width or cells
            assert cells == width, line
        else:
            width = 0


def test_the_summary_is_short(result: dict[str, Any]) -> None:
    lines = summary(result).splitlines()

    assert len(lines) < 100
    assert lines[-1].startswith("Failed.")
    assert any(line.startswith("error: ") for line in lines)


def test_words_from_the_corpus_break_no_table(result: dict[str, Any]) -> None:
    case = {"label": "a|b\n<i>{x}", "n": 1, "example": "`c`.wav", "advice": "none"}
    nasty = {"code": "unknown_label", "severity": "error", "allowed": False, "n": 1, "values": {}, "cases": [case]}
    labels = {"a|b\n<i>": {"emotion": None, "n": 1, "expected": None, "audio_s": 0.0}}

    text = render_audit({**result, "findings": [nasty], "labels": labels})

    assert "a\\|b &lt;i&gt;{x}" in text
    assert "| a\\|b &lt;i&gt; |" in text


def test_the_list_has_every_card() -> None:
    text = render_list([find_card(name) for name in list_cards()], choices_by_card())

    assert all(name in text for name in list_cards())
    assert "manifest" in text


def test_a_card_is_shown_whole() -> None:
    text = render_card(find_card("emodb"), "emodb")

    for words in ("CC0-1.0", "boredom", "some fold boredom", "5 female, 5 male", "14 (35)", "Das will sie am",
                  "test", "12, 14, 15, 16", "535", "bilderbar", "Interspeech 2005", "(?P<speaker>"):  # fmt: skip
        assert words in text


@pytest.mark.parametrize("name", list_cards())
def test_every_card_can_be_shown(name: str) -> None:
    assert find_card(name).title.split()[0] in render_card(find_card(name), name)
