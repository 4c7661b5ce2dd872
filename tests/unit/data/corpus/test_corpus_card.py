"""Cards: what is in the bundled ones, and what a broken one is told."""

from __future__ import annotations

from collections import Counter

import pytest

from sv_eval.config.places import cards_dir
from sv_eval.data.corpus.card import find_card, list_cards
from sv_eval.emotions import EMOTIONS
from sv_eval.errors import CorpusError


@pytest.mark.parametrize("name", list_cards())
def test_bundled_card_is_complete(name):
    card = find_card(name)

    assert card.name == name
    assert card.licence.id
    assert card.source.how
    assert set(card.label_order) <= set(EMOTIONS)
    assert (cards_dir() / name / "README.md").is_file()


def test_bundled_cards_are_listed():
    assert {"demo", "emodb", "esd", "casia", "emobox"} <= set(list_cards())


FINE_WORDS = frozenset(
    "excited calm boredom frustration contempt worry amusement sleepiness playfulness enthusiasm sarcasm "  # noqa: SIM905
    "pleasant_surprise anxiety apology assertiveness concern encouragement pleasure pain disappointment breath "
    "no_agreement other".split()
)
"""What a label outside the seven emotions may mean; merges are keyed by these words."""
PLAIN_WORDS = frozenset("anger disgust fear happiness joy neutral sadness surprise".split())  # noqa: SIM905


def _words_of(name):
    card = find_card(name)
    yield card.words
    yield from (member.words for member in card.members.values() if member.words is not None)


@pytest.mark.parametrize("name", list_cards())
def test_meanings_are_words_of_the_fine_vocabulary(name):
    for words in _words_of(name):
        assert set(words.meanings.values()) <= FINE_WORDS | PLAIN_WORDS
        for raw, emotion in words.map.items():
            meaning = words.meanings.get(raw)
            assert (emotion == "other") == (meaning in FINE_WORDS - {"excited", "pleasant_surprise"}), raw
            if meaning in ("excited", "pleasant_surprise"):
                assert emotion == {"excited": "happy", "pleasant_surprise": "surprised"}[meaning]
                assert raw in words.disputed


def test_emodb_card_tells_the_facts():
    card = find_card("emodb")

    assert card.labels.canonical("A") == "fearful"
    assert card.labels.canonical("a") is None
    assert card.labels.canonical("L") == "other"
    assert "surprised" not in card.label_order
    assert sum(card.expected.values()) == 535
    assert Counter(speaker.sex for speaker in card.speakers.values()) == {"male": 5, "female": 5}
    assert card.speakers["08"].age == 34
    assert card.splits["test"].speakers == ("12", "14", "15", "16")
    assert set(card.splits["train"].speakers) | set(card.splits["test"].speakers) == set(card.speakers)
    assert len(card.transcripts) == 10


def test_card_is_found_by_its_folder(card):
    folder = card()

    assert find_card(str(folder)).title == "My corpus"
    assert find_card(str(folder / "dataset.yaml")).folder == folder


@pytest.mark.parametrize(
    ("name", "message"),
    [("emobd", "did you mean emodb"), ("/no/such/folder", "no dataset.yaml"), ("", "no such card")],
)
def test_card_that_is_not_there(name, message):
    with pytest.raises(CorpusError, match=message):
        find_card(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("languge: de", r"unknown key 'languge'; did you mean language\?"),
        ("language: 7", "language should be text, not 7"),
        ("language: no", "language should be text, not False"),
        ("notes: one", "notes should be a list"),
        ("notes: [1]", r"notes\[0\] should be text"),
        ("expected: {happy: many}", "expected.happy should be a whole number"),
        ("expected: {hapy: 3}", r"expected: 'hapy' isn't defined; did you mean happy\?"),
        ("label_order: [happy, joyful]", "label_order: 'joyful' isn't defined"),
        ("label_order: [happy, happy]", "names an emotion twice"),
        ("speakers: {3: {sex: male}}", "the key 3 isn't text; put it in quotes"),
        ("speakers: {a: {sex: mal}}", r"speakers.a: sex is 'mal'; did you mean male"),
        ("speakers: {a: {}}\nsplits: {x: {speakers: [b]}}", "splits.x.speakers: 'b' isn't defined"),
        ("splits: {x: {}}", "a split needs"),
        ("splits: {all: {values: [x]}}", "'all' is every clip"),
        ("transcripts: {a: b}", "transcripts need a transcript_group"),
        ("transcript_group: text", "transcript_group: 'text' isn't defined"),
        ("language: de\nlanguage: en", "the key 'language' stands in line 8 already"),
        ("folder: /tmp", "unknown key 'folder'"),
        ("title: [", "can't be read as YAML"),
    ],
)
def test_broken_card_is_told_where_and_what(card, text, message):
    folder = card(text)

    with pytest.raises(CorpusError, match=message) as error:
        find_card(str(folder))

    assert str(error.value).startswith(str(folder / "dataset.yaml"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ("kind: patern", r"layout: kind is 'patern'; did you mean pattern\?"),
        ("kind: pattern", "needs a `pattern`"),
        ("kind: pattern, pattern: '('", "no regular expression"),
        ("kind: pattern, pattern: '(?P<label>.)', fields: {speaker: '{who}'}", "group 'who'"),
        ("kind: pattern, pattern: '(?P<label>.)', fields: {speaker: '{label'}", "is broken"),
        ("kind: pattern, pattern: '(?P<label>.)', fields: {speker: '{label}'}", "did you mean speaker"),
        ("kind: pattern, pattern: '(?P<label>.)', values: {gender: {F: female}}", "'gender' is no field"),
        ("", "the key 'kind' is missing"),
    ],
)
def test_broken_layout_is_told(card, layout, message):
    with pytest.raises(CorpusError, match=message):
        find_card(str(card(layout=layout)))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("map: {W: rage}", "'W' leads to 'rage'"),
        ("map: {W: angry}, disputed: {V: why}", "labels.disputed: 'V' isn't defined"),
        ("version: one, map: {W: angry}", "version should be a whole number"),
        ("version: 1", "the key 'map' is missing"),
    ],
)
def test_broken_label_map_is_told(card, labels, message):
    with pytest.raises(CorpusError, match=message):
        find_card(str(card(labels=labels)))


def test_card_of_a_later_form_is_refused(card):
    folder = card()
    path = folder / "dataset.yaml"
    path.write_text(path.read_text().replace("schema_version: 1", "schema_version: 2"))

    with pytest.raises(CorpusError, match="schema_version is 2"):
        find_card(str(folder))


@pytest.mark.parametrize("content", [b"", b"- a\n- b\n", b"\xff\xfe\x00", b"a: &x [*x]\n"])
def test_card_that_is_no_mapping(card, content):
    folder = card()
    (folder / "dataset.yaml").write_bytes(content)

    with pytest.raises(CorpusError, match=r"dataset\.yaml"):
        find_card(str(folder))
