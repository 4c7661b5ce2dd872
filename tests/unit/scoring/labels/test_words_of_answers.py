"""A recogniser's own words as classes: kept with the answer, and read by the same maps as a corpus's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sv_eval.answer_words import AnswerWords, canonical_of
from sv_eval.config.composing import composed
from sv_eval.emotions import EMOTIONS, OTHER
from sv_eval.errors import ConfigError
from sv_eval.finer_words import FINE
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Clip, Outcome, Prediction, Record
from sv_eval.report.environment import CorpusFacts, CorpusLabels
from sv_eval.scoring.labels.config import LabelsConfig, labels_config_from, labels_config_of, read_label_map
from sv_eval.scoring.labels.relabelling import (
    Relabelling,
    describe,
    refuse_contradictions,
    relabelled,
    relabelling_of,
)

ENTRIES = {"happy": "happy", "sad": "sad", "calm": OTHER, "disappointed": OTHER, "melancholic": OTHER}
WORDS = AnswerWords(
    name="w", entries={"happy": "happy", "sad": "sad", "calm": "calm", "disappointed": "disappointment"}
)


def corpus(entries: Mapping[str, str] = ENTRIES) -> CorpusFacts:
    return CorpusFacts(
        name="c", card=None, title="C", hash="d", split="all", n_clips=1, language=None, licence="CC0-1.0",
        citation=None, label_order=tuple(name for name in EMOTIONS if name in entries.values()),
        label_map=CorpusLabels(name="c", version=1, hash="h", entries=entries),
    )  # fmt: skip


def records(*pairs: tuple[str, str | None], entries: Mapping[str, str] = ENTRIES) -> RunRecords:
    """What was said of clips: the corpus's word and the recogniser's, as a run keeps them."""
    found = []
    for number, (raw, said) in enumerate(pairs):
        meaning = None if said is None else WORDS.meaning(said)
        label = None if meaning is None else canonical_of(meaning)
        prediction = Prediction(label=label, raw_label=said, forced=label if label in EMOTIONS else None)
        clip = Clip(id=f"c{number}", reference=entries[raw], raw_label=raw)
        found.append(Record(clip=clip, outcome=prediction.outcome, prediction=prediction))
    return RunRecords.of_records(found)


def labels(name: str = "sensevoice7", **more: Any) -> LabelsConfig:
    return labels_config_from({**read_label_map(name), **more})


def classes(found: RunRecords) -> list[tuple[str, str]]:
    table = found.answers
    names = table.class_codes
    return [
        (names.references[reference], names.answers[said])
        for reference, said in zip(table.reference, table.predicted, strict=True)
    ]


def plan_of(config: LabelsConfig, entries: Mapping[str, str] = ENTRIES, words: AnswerWords = WORDS) -> Relabelling:
    return relabelling_of(config, corpus(entries), words)


def test_words_that_both_sides_use_are_classes_under_the_native_map() -> None:
    said = records(("disappointed", "disappointed"), ("calm", "calm"), ("calm", "happy"), ("sad", "Disappointed"))
    plan = plan_of(labels("native"))

    assert classes(relabelled(said, plan)) == [
        ("disappointment", "disappointment"), ("calm", "calm"), ("calm", "happy"), ("sad", "disappointment"),
    ]  # fmt: skip
    assert plan.scored == ("happy", "sad", "calm", "disappointment", "melancholic")
    assert set(plan.can_be_said(EMOTIONS, said.answers.said_words) or ()) == {*EMOTIONS, "calm", "disappointment"}
    assert set(plan.can_be_said([*EMOTIONS, "melancholic"]) or ()) == {*EMOTIONS, "melancholic"}


def test_a_merge_holds_for_both_sides() -> None:
    said = records(("calm", "calm"), ("sad", "calm"))
    plan = plan_of(labels(merges={"calm": "sad"}))

    assert classes(relabelled(said, plan)) == [("sad", "sad"), ("sad", "sad")]


def test_a_word_in_no_map_is_no_label_until_somebody_says_what_it_means() -> None:
    said = records(("happy", "feliz"), ("sad", "feliz"), ("happy", None))
    before = plan_of(labels())
    after = plan_of(labels(words={"happy": ["feliz"]}))

    assert [pair[1] for pair in classes(relabelled(said, before))] == ["no_tag"] * 3
    told = describe(before, said.answers).said
    assert [(one.raw, one.word, one.n, one.clips) for one in told or ()] == [("feliz", None, 2, ("c0", "c1"))]
    found = relabelled(said, after)
    assert [pair[1] for pair in classes(found)] == ["happy", "happy", "no_tag"]
    outcomes = list(Outcome)
    assert [outcomes[code] for code in found.answers.outcome] == [Outcome.LABEL, Outcome.LABEL, Outcome.NO_TAG]


def test_a_class_may_hold_finer_words_and_words_of_the_users_own() -> None:
    config = labels_config_from(
        {
            "name": "mine",
            "classes": {"up": ["happy"], "down": ["sad", "disappointment", "blue"]},
            "words": {"blue": ["melancholic", "忧郁"]},
        }
    )
    said = records(("melancholic", "忧郁"), ("disappointed", "sad"), ("happy", "disappointed"), ("calm", "up"))
    plan = plan_of(config)

    assert plan.scored == ("up", "down")
    assert classes(relabelled(said, plan)) == [
        ("down", "down"), ("down", "down"), ("up", "down"), ("other", "no_tag"),
    ]  # fmt: skip


def test_a_word_that_only_the_recogniser_has_is_no_class_of_its_own() -> None:
    entries = {"happy": "happy", "sad": "sad"}
    plan = plan_of(labels("native"), entries)

    assert plan.scored == ("happy", "sad")
    assert classes(relabelled(records(("happy", "disappointed"), entries=entries), plan)) == [("happy", "other")]


def test_a_word_with_two_classes_is_refused_by_name() -> None:
    said = records(("calm", "Calm"))
    elsewhere = replace(WORDS, entries={**WORDS.entries, "calm": "neutral"})

    with pytest.raises(
        ConfigError, match=r"'calm' counts as other where the corpus .* as neutral where the recogn"
    ):
        refuse_contradictions(said.answers, plan_of(labels(), words=elsewhere))
    refuse_contradictions(said.answers, plan_of(labels(words={"neutral": ["calm"]}), words=elsewhere))
    refuse_contradictions(records(("calm", "happy")).answers, plan_of(labels(), words=elsewhere))


def test_codes_of_a_corpus_contradict_nobody() -> None:
    entries = {"F": "happy", "A": "fearful"}
    said = records(("A", "happy"), entries=entries)
    angry = replace(WORDS, entries={**WORDS.entries, "a": "angry"})
    table = replace(said.answers, said_words=("a",))

    refuse_contradictions(table, plan_of(labels(), entries, angry))


def test_the_map_is_kept_with_the_report_and_in_its_hash() -> None:
    config = labels(words={"happy": ["feliz"]})
    kept = describe(plan_of(config), records(("happy", "feliz")).answers)

    assert labels_config_of(kept) == config
    assert config.hash != labels().hash
    assert labels(words={}).hash == labels().hash


def test_signs_of_several_emotions_are_told() -> None:
    words = replace(WORDS, entries={**WORDS.entries, "😊": "happy", "😔": "sad"})
    said = records(("happy", "😊 😔"), ("sad", "😔"))
    told = describe(plan_of(labels(), words=words), said.answers).said

    assert [(one.raw, one.counts_as, one.mixed, one.clips) for one in told or ()] == [
        ("😊 😔", "happy", True, ("c0",))
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"words": {"happy": ["x"], "sad": ["X"]}}, r"'X' stands under happy and under sad"),
        ({"words": {"unknown": ["x"]}}, r"'unknown' can't be a meaning"),
        ({"words": {"a\nb": ["x"]}}, r"can't be a meaning"),
        ({"classes": {"down": ["sad", "gloom"]}}, r"'gloom' is no emotion name; .*labels.words.gloom"),
        ({"classes": {"down": ["sad", "disapointment"]}}, r"did you mean disappointment"),
        ({"classes": {"down": ["sad", "calm"], "up": ["happy", "calm"]}}, r"'calm' is in down and in up"),
        (
            {"classes": {"down": ["sad", "calm"]}, "merges": {"calm": "happy"}},
            r"labels.merges.calm: it is in a class",
        ),
    ],
)
def test_what_cannot_be_is_told(options: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        labels_config_from({"name": "mine", **options})


def test_a_file_of_ones_own_is_laid_into_a_command_line(tmp_path: Path) -> None:
    file = tmp_path / "语音 centre.yaml"
    file.write_text(
        "name: centre\nversion: 3\nclasses: {'not ok': [sad, disappointment], ok: [happy, neutral]}\n"
        "words: {disappointment: ['let down, badly', 失望]}\n",
        encoding="utf-8",
    )
    found = labels_config_from(composed("config", [f"labels={file}"])["labels"])

    assert (found.name, found.version, list(found.classes)) == ("centre", 3, ["not ok", "ok"])
    assert found.words == {"disappointment": ("let down, badly", "失望")}
    assert found.hash == labels_config_from(read_label_map(str(file))).hash


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no such file"),
        ("[1, 2]", "should hold a label map"),
        ("name: x\nclases: {a: [sad]}", "should hold a label map"),
        ("classes: {a: [sad]}\nsynonyms: {}", "synonyms is no part of a label map"),
        ("classes: {a: [sad", "can't be read as YAML"),
    ],
)
def test_a_file_that_is_no_label_map_is_named(tmp_path: Path, content: str | None, message: str) -> None:
    file = tmp_path / "mine.yaml"
    if content is not None:
        file.write_text(content, encoding="utf-8")

    with pytest.raises(ConfigError, match=message) as caught:
        composed("config", [f"labels={file}"])

    assert str(file) in str(caught.value)


def test_every_finer_word_counts_as_its_default() -> None:
    assert {word: canonical_of(word) for word in FINE} == {word: fine.default for word, fine in FINE.items()}
