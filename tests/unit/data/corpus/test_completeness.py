"""Found against expected: labels, speakers, editions, and what a restriction wants."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sv_eval.data.corpus.card import find_card, list_cards
from sv_eval.data.corpus.completeness import completeness


def test_missing_and_extra_are_exact():
    card = find_card("urdu")

    whole = completeness(card, {"A": 100, "h": 99, "N": 101, "S": 100, None: 3}, {"SM1": 400})

    assert (whole.found, whole.expected) == (403, 400)
    assert whole.by_label == {"H": (99, 100), "N": (101, 100)}
    assert whole.by_speaker == {}
    assert not whole.complete


def test_label_that_nobody_expects_is_extra():
    card = find_card("emovdb")
    card = replace(card, expected={"Angry": 1, "Neutral": 2})

    assert completeness(card, {"Angry": 1, "Neutral": 2, "Sleepy": 5}, {}).by_label == {"sleepy": (5, 0)}


@pytest.mark.parametrize(
    ("counts", "edition", "expected"),
    [
        ({"A": 1034, "N": 1018, "S": 360, "W": 199, "H": 198, "F": 29}, "the 2838 clips that EmoBox keeps", 2838),
        ({"A": 1059, "N": 1028, "S": 449, "W": 225, "H": 201, "F": 38}, None, 3000),
        ({"A": 1030, "N": 1018, "S": 360, "W": 199, "H": 198, "F": 29}, "the 2838 clips that EmoBox keeps", 2838),
    ],
)
def test_nearest_edition_is_taken(counts, edition, expected):
    whole = completeness(find_card("shemo"), counts, {})

    assert (whole.edition, whole.expected) == (edition, expected)


def test_corpus_that_grows_is_only_recognised():
    card = find_card("msppodcast")
    known = dict(next(iter(card.editions.values())))

    assert completeness(card, known, {}).edition == "the release of 73042 turns"
    other = completeness(card, {**known, "N": 90_000}, {})
    assert (other.edition, other.expected, other.complete) == (None, None, True)


def test_restriction_wants_its_speakers_only():
    card = find_card("esd")
    speakers = {f"{number:04d}": 1750 for number in range(1, 11)} | {"0003": 1700}

    whole = completeness(card, {"Angry": 17_450}, speakers, {"language": ("zh",)})

    assert (whole.found, whole.expected) == (17_450, 17_500)
    assert whole.by_speaker == {"0003": (1700, 1750)}
    assert whole.by_label == {}


@pytest.mark.parametrize("name", list_cards())
def test_counts_of_a_card_agree_with_each_other(name):
    card = find_card(name)
    by_speaker = [speaker.clips for speaker in card.speakers.values()]
    total = sum(card.expected.values())

    if card.expected and by_speaker and None not in by_speaker:
        assert sum(by_speaker) == total
    parts = {name: rule for name, rule in card.splits.items() if rule.clips is not None}
    for part, rule in parts.items():
        if rule.speakers is not None:
            assert sum(card.speakers[who].clips or 0 for who in rule.speakers) == rule.clips, part
        if rule.not_in is not None and total:
            others = sum(parts[other].clips or 0 for other in rule.not_in)
            assert rule.clips == total - others, part
    for train, test in (("train", "test"), ("speech", "nonspeech")):
        held = [
            parts[part].clips
            for part in parts
            if part in (train, test, "dev", "val", "evaluation", "test1", "test2", "test3")
        ]
        if train in parts and test in parts:
            assert sum(held) == total


def test_counts_follow_the_users_spelling(read, card, sound, tmp_path):
    folder = card(text="expected: {happy: 1, sad: 1}\neditions: {half: {happy: 1}}")
    sound("root/happy/a.wav")
    sound("root/sad/a.wav")

    corpus = read(card=str(folder), root=str(tmp_path / "root"), labels={"SAD": "neutral"})

    assert corpus.completeness.complete
    assert corpus.completeness.expected == 2
