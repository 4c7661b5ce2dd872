from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sv_eval.config.places import conf_dir
from sv_eval.emotions import EMOTIONS, OTHER, REFERENCE_LABELS
from sv_eval.errors import ConfigError
from sv_eval.finer_words import FINE
from sv_eval.record_file.class_codes import SEVEN
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Clip, Failure, Outcome, Prediction, Record
from sv_eval.report.environment import CorpusFacts, CorpusLabels, Environment
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.labels.comparing import moved, scores_under
from sv_eval.scoring.labels.config import LabelsConfig, labels_config_from, list_label_maps, read_label_map
from sv_eval.scoring.labels.relabelling import check_scored, describe, relabelled, relabelling_of

IEMOCAP: Mapping[str, str] = {
    "neu": "neutral", "ang": "angry", "sad": "sad", "hap": "happy", "exc": "happy", "fru": "other", "xxx": "other",
}  # fmt: skip
MEANINGS: Mapping[str, str] = {"exc": "excited", "fru": "frustration", "xxx": "no_agreement", "hap": "happiness"}


EnvironmentOf = Callable[..., Environment]


def corpus(entries: Mapping[str, str] = IEMOCAP, meanings: Mapping[str, str] = MEANINGS) -> CorpusFacts:
    return CorpusFacts(
        name="c", card=None, title="C", hash="d", split="all", n_clips=1, language=None, licence="CC0-1.0",
        citation=None, label_order=tuple(name for name in EMOTIONS if name in entries.values()),
        label_map=CorpusLabels(name="c", version=1, hash="h", entries=entries, meanings=meanings),
    )  # fmt: skip


@pytest.fixture
def environment(environment_of: EnvironmentOf) -> Environment:
    """Of a run over the corpus, with a recogniser of all seven emotions."""
    return environment_of(dataset=corpus())


def record(
    name: str, raw: str | None, reference: str | None, answer: str | None, forced: str | None = None
) -> Record:
    clip = Clip(id=name, raw_label=raw, reference=reference, speaker=f"s{len(name) % 3}")
    if answer is None:
        return Record(clip=clip, outcome=Outcome.FAILURE, failure=Failure(kind="not_audio", message="broken"))
    outcome = {"unknown": Outcome.UNKNOWN, "no_tag": Outcome.NO_TAG}.get(answer, Outcome.LABEL)
    label = None if answer == "no_tag" else answer
    return Record(
        clip=clip, outcome=outcome, prediction=Prediction(label=label, forced=forced), latency_ms=1.0, audio_s=1.0
    )


def records_of(answers: Mapping[str, str], entries: Mapping[str, str] = IEMOCAP) -> RunRecords:
    return RunRecords.of_records(record(f"clip_{raw}", raw, entries[raw], said) for raw, said in answers.items())


def classes(records: RunRecords) -> dict[str, tuple[str, str]]:
    table, class_codes = records.answers, records.answers.class_codes
    return {
        clip: (class_codes.references[truth], class_codes.answers[said])
        for clip, truth, said in zip(table.clip_ids, table.reference, table.predicted, strict=True)
    }


def chosen(name: str, **merges: str) -> LabelsConfig:
    data = read_label_map(name)
    return labels_config_from(data | {"merges": {**(data.get("merges") or {}), **merges}})


def test_the_default_map_changes_nothing():
    records = records_of({"hap": "happy", "exc": "sad", "fru": "angry"})

    after = relabelled(records, relabelling_of(LabelsConfig(), corpus()))

    assert after.answers is after.requests is records.answers


def test_a_switch_moves_a_finer_word_in_any_corpus():
    records = records_of({"hap": "happy", "exc": "happy", "fru": "angry"})

    after = relabelled(
        records, relabelling_of(chosen("sensevoice7", excited="other", frustration="angry"), corpus())
    )

    assert classes(after) == {
        "clip_hap": ("happy", "happy"), "clip_exc": ("other", "happy"), "clip_fru": ("angry", "angry"),
    }  # fmt: skip


def test_native_keeps_finer_words_apart_and_never_makes_a_class_of_no_judgement():
    plan = relabelling_of(chosen("native"), corpus())
    after = relabelled(records_of({"hap": "happy", "exc": "happy", "fru": "angry", "xxx": "sad"}), plan)

    assert plan.scored == ("happy", "sad", "angry", "neutral", "excited", "frustration")
    assert {clip: truth for clip, (truth, _) in classes(after).items()} == {
        "clip_hap": "happy", "clip_exc": "excited", "clip_fru": "frustration", "clip_xxx": "other",
    }  # fmt: skip
    assert plan.can_be_said(EMOTIONS) == EMOTIONS


def test_native_scores_a_corpus_s_only_word_for_an_emotion_as_that_emotion():
    tess = {"happy": "happy", "ps": "surprised"}

    plan = relabelling_of(chosen("native"), corpus(tess, {"ps": "pleasant_surprise"}))

    assert plan.class_of("surprised", "ps") == "surprised"
    assert "pleasant_surprise" not in plan.class_codes.classes


def test_classes_of_several_emotions_take_all_of_their_answers():
    after = relabelled(
        records_of({"ang": "sad", "sad": "fearful", "hap": "surprised", "neu": "unknown"}),
        relabelling_of(chosen("three"), corpus()),
    )

    assert classes(after) == {
        "clip_ang": ("negative", "negative"), "clip_sad": ("negative", "negative"),
        "clip_hap": ("positive", "surprised"), "clip_neu": ("neutral", "unknown"),
    }  # fmt: skip


def test_failures_forced_answers_and_clips_without_label_keep_what_they_are():
    records = RunRecords.of_records(
        [
            record("a", "ang", "angry", None),
            record("b", None, None, "happy", "happy"),
            record("c", "sad", "sad", "unknown", "sad"),
            record("d", "neu", "neutral", "no_tag"),
        ]
    )

    after = relabelled(records, relabelling_of(chosen("three"), corpus())).answers

    assert after.failed.tolist() == [True, False, False, False]
    assert [after.class_codes.references[code] for code in after.reference] == [
        "negative",
        "unlabelled",
        "negative",
        "neutral",
    ]
    assert [after.class_codes.answers[code] for code in after.banned] == [
        "failed",
        "positive",
        "negative",
        "no_tag",
    ]


def test_a_class_can_be_said_when_one_of_its_emotions_can():
    plan = relabelling_of(chosen("three"), corpus())

    assert plan.can_be_said(["sad", "happy"]) == ("positive", "negative")
    assert plan.can_be_said(None) is None


def test_scores_over_what_can_be_said_and_over_all_classes_stand_side_by_side(environment):
    records = records_of({"hap": "happy", "exc": "happy", "fru": "angry", "ang": "angry"})

    card = scores_under(records, environment, chosen("native"), ScoringConfig(resamples=100)).card

    assert card.scores.labels == ("happy", "angry")
    assert card.scope.unsupported == ("excited", "frustration")
    assert card.headline.uar.value == 1.0
    assert card.all_labels.policies["wrong"].uar.value == 0.5


def test_what_a_report_says_about_the_finer_words():
    records = records_of({"hap": "happy", "exc": "happy", "fru": "angry", "xxx": "sad"})

    said = describe(relabelling_of(chosen("sensevoice7", frustration="angry"), corpus()), records.answers)

    assert [(one.raw, one.counts_as, one.by_default) for one in said.merged] == [
        ("exc", "happy", True), ("fru", "angry", False), ("xxx", "other", True),
    ]  # fmt: skip
    assert said.merged[0].alternatives == ("other",)


def test_moved_clips_are_told_by_raw_label(environment):
    records = records_of({"hap": "happy", "exc": "happy", "fru": "angry"})
    config = ScoringConfig(resamples=100)
    maps = chosen("sensevoice7"), chosen("sensevoice7", excited="other")
    one, other = (scores_under(records, environment, labels, config) for labels in maps)

    assert [(move.raw, move.before, move.after) for move in moved(records.answers, one, other)] == [
        ("exc", "happy", "(other)")
    ]


def test_words_of_a_corpus_without_card_are_known_by_their_spelling():
    found = corpus({"Excited": "happy", "happy": "happy", "grumpy": "other"}, {})

    plan = relabelling_of(chosen("native"), found)

    assert plan.class_of("happy", "Excited") == "excited"
    assert plan.class_of("other", "grumpy") == "grumpy"


def test_a_run_from_before_label_maps_were_kept_is_scored_by_default():
    found = replace(corpus(), label_map=CorpusLabels(name="c", version=1, hash="h"))
    records = records_of({"exc": "happy", "fru": "angry"})

    assert relabelled(records, relabelling_of(LabelsConfig(), found)).answers is records.answers


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"merges": {"excitd": "happy"}}, r"labels.merges: 'excitd' is no word .*excited"),
        ({"merges": {"excited": "hapy"}}, r"labels.merges.excited: 'hapy' is no target; did you mean happy"),
        ({"merges": {"happy": "sad"}}, r"use labels.classes"),
        ({"classes": {"good": ["hapy"]}}, r"labels.classes.good: 'hapy' is no emotion name"),
        ({"classes": {"good": []}}, r"holds no emotion"),
        ({"classes": {}}, r"is empty"),
        ({"classes": {"a": ["sad"], "b": ["sad"]}}, r"'sad' is in a and in b"),
        ({"classes": {"happy": ["sad"]}}, r"'happy' means something else"),
        ({"classes": {"unknown": ["sad"]}}, r"'unknown' means something else"),
        ({"clases": {}}, r"unknown key 'clases'"),
    ],
)
def test_wrong_maps_are_told(options, message):
    with pytest.raises(ConfigError, match=message):
        relabelling_of(labels_config_from(options), corpus())


def test_a_scored_label_must_be_a_class_of_the_map():
    with pytest.raises(ConfigError, match=r"'happy' is no class of the label map 'three'.*positive"):
        check_scored(("happy",), relabelling_of(chosen("three"), corpus()))


def test_a_label_map_s_hash_is_of_what_it_does():
    assert chosen("sensevoice7").hash == LabelsConfig(name="another", version=9).hash
    assert chosen("sensevoice7", calm="neutral").hash != LabelsConfig().hash


def test_every_switch_stands_in_the_configuration():
    listed = yaml.safe_load((conf_dir() / "labels/_merges.yaml").read_text(encoding="utf-8"))["merges"]

    assert set(listed) == {*FINE, "every"}
    assert set(listed.values()) == {None}


@pytest.mark.parametrize("name", list_label_maps())
def test_every_bundled_map_is_whole(name):
    assert labels_config_from(read_label_map(name)).name == name


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(IEMOCAP)), st.sampled_from([*EMOTIONS, "unknown", "no_tag"])), min_size=1
    ),
    st.sampled_from(list_label_maps()),
)
def test_relabelling_agrees_with_leading_every_record_by_hand(clips, name):
    records = RunRecords.of_records(
        record(f"{place:03}", raw, IEMOCAP[raw], said, said if said in EMOTIONS else None)
        for place, (raw, said) in enumerate(clips)
    )
    plan = relabelling_of(chosen(name), corpus())

    after = relabelled(records, plan).answers

    for place, (raw, said) in enumerate(clips):
        assert after.class_codes.references[after.reference[place]] == plan.class_of(IEMOCAP[raw], raw)
        assert after.class_codes.answers[after.predicted[place]] == plan.of_emotion.get(said, said)
    assert np.array_equal(after.outcome, records.answers.outcome)
    assert set(SEVEN.answers) - {*EMOTIONS} <= set(after.class_codes.answers)
    assert {*REFERENCE_LABELS} - {*EMOTIONS} == {OTHER}
