"""Relations as data: whole, told in both languages and in the documents, and enough for every planted fault."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sv_eval.backends.faulty.faults import FAULTS
from sv_eval.errors import ConfigError
from sv_eval.reports.certify import CertifyWording
from sv_eval.studies.certify.config import CertifyConfig, certify_config_from
from sv_eval.studies.certify.patterns import PATTERNS, likely_causes
from sv_eval.studies.certify.relation import Rule
from sv_eval.studies.certify.relations import RELATIONS

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "certify.md").read_text(encoding="utf-8")


def test_there_are_enough_of_them_and_each_does_one_thing() -> None:
    assert len(RELATIONS) >= 24
    for relation in RELATIONS.values():
        done = [relation.disguise, relation.way, relation.look]
        assert sum(one is not None for one in done) == 1, relation.name


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_relation_has_words(language: str) -> None:
    words = CertifyWording(language)
    texts = [words.relation(name, part) for name in RELATIONS for part in ("does", "causes")]

    assert all(texts)
    told = set(words._words["certify"]["relations"])
    assert told == set(RELATIONS)
    for pattern in PATTERNS:
        assert words(f"certify.patterns.{pattern.name}")
    for rule in Rule:
        assert words(f"certify.rule.{rule}")


def test_every_fault_is_named_by_a_relation() -> None:
    assert len(FAULTS) >= 30
    for fault in FAULTS.values():
        assert fault.found_by
        assert set(fault.found_by) <= set(RELATIONS), fault.name


def test_the_page_tells_all_relations_as_they_are() -> None:
    words = CertifyWording("en")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE))

    for relation in RELATIONS.values():
        allowed = f"{relation.allowed:.0%}" if relation.rule in (Rule.NEAR, Rule.OWN) else "none"
        needs = ", ".join(relation.needs) or "nothing"
        expected = f"{relation.rule} | {words.relation(relation.name, 'does')} | {allowed} | {needs}"
        assert rows.get(relation.name) == expected


def test_the_page_tells_all_faults_as_they_are() -> None:
    for fault in FAULTS.values():
        names = ", ".join(f"`{name}`" for name in fault.found_by)
        assert f"| `{fault.name}` | {fault.what} | {names} |" in PAGE


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"clips": 3}, "certify.clips=3"),
        ({"repeats": 1}, "certify.repeats"),
        ({"alpha": 0.5}, "certify.alpha=0.5"),
        ({"long_s": 1.0}, "certify.long_s=1"),
        ({"only": ["polarty"]}, "did you mean polarity"),
        ({"skip": ["nothing_like_it"]}, "certify.skip"),
        ({"clipz": 3}, "clipz"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        certify_config_from(settings)


def test_settings_have_their_defaults() -> None:
    assert certify_config_from({"only": ["order"]}) == CertifyConfig(only=("order",))


def test_patterns_are_about_relations_that_there_are() -> None:
    for pattern in PATTERNS:
        assert pattern.broken | pattern.whole | pattern.explains <= set(RELATIONS), pattern.name


@pytest.mark.parametrize(
    ("broken", "causes"),
    [
        (["flac", "ogg", "int24", "float32", "mulaw", "padding"], {"plain_wav": 6}),
        (["flac", "ogg", "webm"], {"packed": 3}),
        (["flac", "int24", "float32", "big_chunk", "extensible"], {"header_skipped": 5}),
        (["order", "callers_8", "pairs", "flac"], {"carried_over": 4}),
        (["pairs", "callers_8", "dual_mono", "left_only"], {"mixed_up": 2, "interleaved": 2}),
        (["head"], {}),
        ([], {}),
    ],
)
def test_broken_relations_together_point_at_one_place(broken: list[str], causes: dict[str, int]) -> None:
    assert {one.name: len(one.explains) for one in likely_causes(broken)} == causes
