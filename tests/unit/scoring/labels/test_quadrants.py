"""Answers with arousal and valence alone get an emotion by a declared map, and by none without it."""

from __future__ import annotations

from typing import Any

import pytest

from sv_eval.errors import ConfigError
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.table import RecordTable
from sv_eval.records import Clip, Outcome, Prediction, Record
from sv_eval.report.context import Quadrants
from sv_eval.report.environment import CorpusFacts, CorpusLabels
from sv_eval.scoring.labels.config import LabelsConfig, labels_config_from, labels_config_of
from sv_eval.scoring.labels.relabelling import describe, relabelled, relabelling_of

FOUR = {"high_positive": "happy", "high_negative": "angry", "low_negative": "sad", "low_positive": "neutral"}
TOLD = {"arousal": (0.0, 1.0), "valence": (-1.0, 1.0)}
LABELS = ("happy", "sad", "angry", "neutral")
CORPUS = CorpusFacts(
    name="c", card=None, title="C", hash="0", split="all", n_clips=1, language=None, licence="none", citation=None,
    label_order=LABELS,
    label_map=CorpusLabels(name="c", version=1, hash="0", entries={name: name for name in LABELS}),
)  # fmt: skip


def table_of(*answers: Prediction) -> RecordTable:
    records = [
        Record(clip=Clip(id=f"c{place}", reference="sad", raw_label="sad"), outcome=one.outcome, prediction=one)
        for place, one in enumerate(answers)
    ]
    return RunRecords.of_records(records).answers


def felt(arousal: float | None, valence: float | None, **more: Any) -> Prediction:
    told = {"arousal": arousal, "valence": valence}
    return Prediction(dimensions={name: value for name, value in told.items() if value is not None}, **more)


def said(config: LabelsConfig, *answers: Prediction) -> list[str]:
    table = table_of(*answers)
    plan = relabelling_of(config, CORPUS, None, TOLD)
    found = relabelled(RunRecords(answers=table, requests=table), plan).answers
    return [found.class_codes.answers[code] for code in found.predicted]


def test_each_quadrant_has_its_emotion_and_thresholds_are_shares_of_the_ranges() -> None:
    config = labels_config_from({"quadrants": FOUR})
    shifted = labels_config_from({"quadrants": FOUR | {"arousal": 0.8, "valence": 0.25}})
    answers = [felt(0.7, 0.1), felt(0.7, -0.1), felt(0.3, -0.1), felt(0.5, 0.0)]

    assert said(config, *answers) == ["happy", "angry", "sad", "happy"]
    assert said(shifted, *answers) == ["neutral"] * 4


def test_what_has_an_emotion_a_word_or_one_dimension_alone_stays_what_it_is() -> None:
    config = labels_config_from({"quadrants": FOUR})
    answers = [
        felt(0.9, 0.9, label="sad"), felt(0.9, 0.9, label="unknown"), felt(0.9, 0.9, raw_label="hangry"),
        felt(0.9, None), felt(0.9, 0.9, no_speech=True), Prediction(),
    ]  # fmt: skip

    assert said(config, *answers) == ["sad", "unknown", "no_tag", "no_tag", "no_speech", "no_tag"]


def test_without_the_map_nothing_is_made_of_dimensions() -> None:
    assert said(LabelsConfig(), felt(0.9, 0.9)) == ["no_tag"]


def test_outcomes_and_forced_answers_follow() -> None:
    table = table_of(felt(0.9, 0.9), felt(0.1, 0.1))
    config = labels_config_from({"quadrants": FOUR | {"low_positive": "unknown"}})
    plan = relabelling_of(config, CORPUS, None, TOLD)

    found = relabelled(RunRecords(answers=table, requests=table), plan).answers

    assert [tuple(Outcome)[code] for code in found.outcome] == [Outcome.LABEL, Outcome.UNKNOWN]
    assert found.forced.tolist() == [found.class_codes.answer("happy"), -1]


def test_emotions_of_quadrants_can_be_said_and_go_through_the_rest_of_the_map() -> None:
    classes = {"loud": ["happy", "angry"], "quiet": ["sad", "neutral"]}
    config = labels_config_from({"name": "two", "classes": classes, "quadrants": FOUR})
    plan = relabelling_of(config, CORPUS, None, TOLD)

    assert plan.can_be_said(()) == ("loud", "quiet")
    assert said(config, felt(0.9, 0.9), felt(0.1, 0.1)) == ["loud", "quiet"]


def test_the_report_holds_the_map_and_how_often_each_quadrant_was_met() -> None:
    config = labels_config_from({"quadrants": FOUR})
    table = table_of(felt(0.9, 0.9), felt(0.9, 0.8), felt(0.1, -0.1), Prediction(label="sad"))

    told = describe(relabelling_of(config, CORPUS, None, TOLD), table)

    assert told.quadrants == Quadrants(**FOUR)
    assert told.by_quadrant == {"low_negative": 1, "low_positive": 0, "high_negative": 0, "high_positive": 2}
    assert labels_config_of(told) == config
    assert config.hash != LabelsConfig().hash


def test_a_recogniser_without_declared_ranges_is_refused() -> None:
    with pytest.raises(ConfigError, match="declares no range of valence"):
        relabelling_of(labels_config_from({"quadrants": FOUR}), CORPUS, None, {"arousal": (0.0, 1.0)})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"high_positive": "hapy"}, "'hapy' is no emotion"),
        ({"arousal": 4.0}, "give a share"),
        ({"low": "sad"}, "unknown key"),
    ],
)
def test_what_is_no_map_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        labels_config_from({"quadrants": FOUR | changed})
