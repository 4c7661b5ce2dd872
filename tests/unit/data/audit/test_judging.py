"""What counts as a finding, clip facts in hand and no audio at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.audit.facts import AudioFacts, ClipFacts
from sv_eval.data.audit.finding import CODES, Finding
from sv_eval.data.audit.judging import judge
from sv_eval.data.audit.settings import CheckSettings, check_settings_from
from sv_eval.data.audit.splits import families
from sv_eval.data.corpus.card import find_card
from sv_eval.data.corpus.completeness import completeness
from sv_eval.data.corpus.config import dataset_config_from
from sv_eval.data.corpus.schema import Card, Speaker
from sv_eval.data.corpus.synonyms import generic_card
from sv_eval.errors import ConfigError

COMMON = generic_card(dataset_config_from({"name": "mine", "kind": "folder", "root": "."}), "folder")
SOUND = AudioFacts(
    duration_s=2.0, rate_hz=16_000, channels=1, container="wav/pcm_16", loudest_dbfs=-20.0,
    full_scale_share=0.0, longest_run=0, digest=None,
)  # fmt: skip


def clip(path: str, label: str | None = "happy", card: Card = COMMON, **more: Any) -> ClipFacts:
    emotion = None if label is None else card.labels.canonical(label)
    digest = more.pop("digest", path.encode())
    facts = {"id": path, "path": path, "where": path, "label": label, "emotion": emotion}
    return ClipFacts(**{**facts, "audio": replace(SOUND, digest=digest), **more})


def judged(clips: Iterable[ClipFacts], card: Card = COMMON, **settings: Any) -> dict[str, Finding]:
    held = list(clips)
    labels = Counter(one.label for one in held if one.emotion is not None)
    speakers = Counter(one.speaker for one in held if one.speaker is not None)
    whole = completeness(card, labels, speakers)
    findings = judge(held, card, CheckSettings(**settings), AudioLimits(), whole)
    assert len({finding.code for finding in findings}) == len(findings)
    return {finding.code: finding for finding in findings}


def in_splits(**speakers: dict[str, int]) -> list[ClipFacts]:
    """Clips by split and speaker."""
    return [
        clip(f"{split}_{speaker}_{n}", speaker=speaker, splits=(split,))
        for split, counts in speakers.items()
        for speaker, total in counts.items()
        for n in range(total)
    ]


def test_a_speaker_that_slipped_is_an_error_and_shared_ones_are_a_choice() -> None:
    slipped = judged(in_splits(train={"a": 50, "b": 50, "c": 5}, test={"c": 5, "d": 50}))
    chosen = judged(in_splits(train={"a": 50, "b": 50, "c": 5}, test={"a": 50, "b": 50, "d": 5}))

    assert set(slipped) == {"speaker_leak"}
    assert slipped["speaker_leak"].cases == ({"speaker": "c", "splits": {"train": 5, "test": 5}},)
    assert set(chosen) == {"speakers_shared"}
    assert chosen["speakers_shared"].cases == ({"one": "test", "other": "train", "n": 2, "of": 3},)


def test_the_unknown_speaker_is_nobody() -> None:
    assert judged(in_splits(train={"a": 50, "Unknown": 5}, test={"unknown": 5, "d": 50})) == {}


def test_splits_of_two_ways_overlap_and_are_no_leak() -> None:
    ways = [("train", "fold1"), ("train", "fold2"), ("test", "fold1"), ("test", "fold2")]
    clips = [clip(f"{n}", speaker=f"s{n}", splits=way) for n, way in enumerate(ways * 5)]

    assert judged(clips) == {}


def test_folds_and_what_they_leave() -> None:
    held = [("fold1", "fold2_train"), ("fold2", "fold1_train")]

    assert families(("fold1", "fold2", "fold1_train", "fold2_train"), held) == [
        ("fold1", "fold2"),
        ("fold1_train", "fold2_train"),
    ]


def spoken(split: str, texts: Iterable[str]) -> list[ClipFacts]:
    return [clip(f"{split}_{n}", transcript=text, splits=(split,)) for n, text in enumerate(texts)]


def test_sentences_across_splits() -> None:
    own = [f"this sentence has number {n}" for n in range(40)]
    leak = judged(spoken("train", own[:20]) + spoken("test", [*own[20:], "This sentence has  number 3."]))
    design = judged(spoken("train", own[:20]) + spoken("test", own[:15]))
    short = judged(spoken("train", [*own[:20], "oh my god"]) + spoken("test", [*own[20:], "oh my god"]))
    chinese = judged(
        spoken("train", [*own[:20], "我们今天去公园玩吧"]) + spoken("test", [*own[20:], "我们今天去公园玩吧。"])
    )

    assert leak["text_leak"].cases == ({"text": "this sentence has number 3", "splits": {"train": 1, "test": 1}},)
    assert set(design) == {"texts_shared"}
    assert short == {}
    assert set(chinese) == {"text_leak"}


@pytest.mark.parametrize(
    ("other", "code", "differs"),
    [
        ({}, "duplicate", []),
        ({"label": "sad"}, "duplicate_conflict", ["label"]),
        ({"speaker": "b"}, "duplicate_conflict", ["speaker"]),
        ({"label": "sad", "splits": ("test",)}, "duplicate_conflict", ["label", "split"]),
        ({"splits": ("test",)}, "duplicate_leak", ["split"]),
    ],
)
def test_duplicates_weigh_by_what_differs(other: dict[str, Any], code: str, differs: list[str]) -> None:
    first = {"digest": b"same", "speaker": "a", "splits": ("train",)}

    found = judged([clip("x", **first), clip("y", **{**first, **other}), clip("z", splits=("test",))])

    assert found[code].cases[0]["differs"] == differs
    assert [member["id"] for member in found[code].cases[0]["clips"]] == ["x", "y"]
    assert {name for name in found if name.startswith("duplicate")} == {code}


def test_a_folder_that_says_happy_and_a_name_that_says_ang() -> None:
    """The card believed the name; the folder is found by its words, and by the company there."""
    card = find_card("demo")
    names = {"happy": "HAP", "sad": "SAD", "angry": "ANG"}
    clips = [
        clip(f"{folder}/s{n % 4}_{code}_{n}.wav", folder, card=card)
        for folder, code in names.items()
        for n in range(10)
    ]
    clips[3] = clip("happy/s3_ANG_3.wav", "angry", card=card)

    cases = judged(clips, card=replace(card, expected={}))["label_contradicts_path"].cases

    assert [case["id"] for case in cases] == ["happy/s3_ANG_3.wav"]
    assert cases[0]["place"] == "folder"
    assert cases[0]["says"] == "happy"


def test_a_number_that_tells_the_emotion() -> None:
    """No word anywhere: the first half of the numbers is sad, for all speakers."""
    clips = [
        clip(f"{speaker}/x_{n:02d}.wav", "sad" if n < 5 else "happy") for speaker in "abcdefgh" for n in range(10)
    ]
    clips[7] = replace(clips[7], label="sad", emotion="sad")

    cases = judged(clips)["label_contradicts_path"].cases

    assert [(case["id"], case["piece"], case["says"]) for case in cases] == [("a/x_07.wav", "07", "happy")]


def test_a_whole_folder_that_is_mislabelled() -> None:
    clips = [
        clip(f"{folder}/{n}.wav", folder) for folder in ("happy", "angry", "sad", "neutral") for n in range(20)
    ]
    clips = [
        replace(one, label="angry", emotion="angry") if one.path.startswith("happy/") else one for one in clips
    ]

    assert len(judged(clips)["label_contradicts_path"].cases) == 20


@pytest.mark.parametrize(
    "paths",
    [
        # Speakers, takes, and a folder whose name happens to be a word for an emotion.
        [(f"happy_corpus/s{s}/{n}.wav", label) for s in range(6) for n, label in enumerate(["sad", "happy"] * 5)],
        # Conversations in which one emotion prevails.
        [(f"dia{d}/utt{n}.wav", "neutral" if (d + n) % 8 else "angry") for d in range(30) for n in range(10)],
        # A folder per speaker, most of whom have mainly one emotion.
        [(f"s{n % 8}/{n}.wav", ("sad" if n % 2 else "happy") if n % 10 < 7 else "angry") for n in range(240)],
        # Dialogues named after both of their emotions.
        [(f"anger_fear_{n // 10}/{n}_anger_fear.wav", ("anger", "fear")[n % 2]) for n in range(40)]
        + [(f"sad_happy_{n // 10}/{n}_sad_happy.wav", ("sad", "happy")[n % 2]) for n in range(40)],
        [("a.wav", "happy"), ("b.wav", "sad")],
    ],
)  # fmt: skip
def test_paths_that_tell_nothing_of_the_label(paths: list[tuple[str, str]]) -> None:
    assert "label_contradicts_path" not in judged(clip(path, label) for path, label in paths)


def test_emodbs_letters_are_no_words() -> None:
    card = replace(find_card("emodb"), expected={}, speakers={}, splits={})
    names = [
        (f"wav/{s:02d}a0{t}{letter}{v}.wav", letter)
        for s in (3, 8)
        for t in (1, 2)
        for letter in "WFTN"
        for v in "ab"
    ]

    assert judged((clip(path, letter, card=card, speaker=path[4:6]) for path, letter in names), card) == {}


def test_counts_are_told_by_label() -> None:
    card = replace(find_card("demo"), expected={"happy": 3, "sad": 2, "angry": 1})
    found = judged([clip(f"{n}", "happy", card=card) for n in range(3)] + [clip("x", "neutral", card=card)], card)

    assert found["counts_differ"].cases == (
        {"label": "sad", "found": 0, "expected": 2},
        {"label": "angry", "found": 0, "expected": 1},
        {"label": "neutral", "found": 1, "expected": 0},
    )


def test_labels_that_nobody_knows_are_told_at_once() -> None:
    found = judged([clip("a", "happi"), clip("b", "happi"), clip("c", "zzz"), clip("d", "happy")])["unknown_label"]

    assert [(case["label"], case["n"], case["example"]) for case in found.cases] == [
        ("happi", 2, "a"),
        ("zzz", 1, "c"),
    ]
    assert "happy" in found.cases[0]["advice"]


def test_formats_are_odd_where_they_are_few() -> None:
    def of_format(n: int, **how: Any) -> list[ClipFacts]:
        name = f"{how}"
        return [clip(f"{name}{i}", audio=replace(SOUND, digest=f"{name}{i}".encode(), **how)) for i in range(n)]

    odd = judged(of_format(40) + of_format(2, channels=2) + of_format(1, rate_hz=8000))
    mixed = judged(of_format(40) + of_format(20, channels=2) + of_format(20, rate_hz=8000))

    assert len(odd["odd_format"].cases) == 3
    assert mixed == {}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"drift_p": 2}, "check.drift_p is 2: give a number from 0 to 1"),
        ({"shortest_s": 50}, "the longest last"),
        ({"workers": 0}, "give 1 or more"),
        ({"allow": ["silnt"]}, "did you mean silent"),
        ({"silence": -50}, "unknown key 'silence'; did you mean silence_dbfs"),
        ({"silence_dbfs": "loud"}, "should be a number"),
    ],
)
def test_thresholds_that_can_not_be(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words.replace("(", r"\(")):
        check_settings_from(settings)


def test_every_code_is_in_the_help() -> None:
    from sv_eval.cli.corpus import _FOOTER

    assert all(code in _FOOTER for code in CODES)


def test_counts_of_speakers_and_of_an_edition() -> None:
    card = find_card("demo")
    speakers = {"a": Speaker(clips=2), "b": Speaker(clips=1), "c": Speaker()}
    counted = replace(card, expected={"happy": 3}, speakers=speakers)
    editions = replace(card, expected={"happy": 3}, editions={"small": {"happy": 2}})
    clips = [clip("x", card=card, speaker="a"), clip("y", card=card, speaker="b")]

    found = judged(clips, counted)
    small = judged([clip("x", card=card), clip("y", card=card)], editions)

    assert found["speaker_counts_differ"].cases == ({"speaker": "a", "found": 1, "expected": 2},)
    assert found["counts_differ"].values["expected"] == 3
    assert small == {}
