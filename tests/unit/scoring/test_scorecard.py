from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sv_eval.emotions import EMOTIONS
from sv_eval.errors import SvEvalError
from sv_eval.finished.rescore import compute_report
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Record
from sv_eval.report.accuracy import Example, SpeakerFigures, WrongClip
from sv_eval.report.codec import as_json
from sv_eval.report.environment import Environment
from sv_eval.report.reasons import Why
from sv_eval.report.report import FailureKind, FirstClip, Report
from sv_eval.scoring.scorecard import Scorecard, ScoringConfig, score
from sv_eval.scoring.second_opinion import check

Make = Callable[..., Record]
EnvironmentOf = Callable[..., Environment]
Reported = Callable[..., Report]
QUICK = ScoringConfig(resamples=200)
ORDER = ("neutral", "happy", "sad", "angry")


def scored(records: list[Record], config: ScoringConfig = QUICK, **options: Any) -> Scorecard:
    return score(RunRecords.of_records(records), config, **({"label_order": ORDER} | options))


def written(card: Scorecard) -> str:
    parts = {item.name: getattr(card, item.name) for item in dataclasses.fields(card) if item.name != "scope"}
    return json.dumps(as_json(parts), allow_nan=False)


@pytest.fixture(scope="session")
def reported(environment_of: EnvironmentOf) -> Reported:
    """Makes the report of records."""
    environment = environment_of()
    environment = dataclasses.replace(
        environment, dataset=dataclasses.replace(environment.dataset, label_order=ORDER)
    )

    def report(records: list[Record], config: ScoringConfig = QUICK) -> Report:
        return compute_report(RunRecords.of_records(records), environment, config)

    return report


@pytest.fixture
def mixed(record: Make) -> list[Record]:
    """Two speakers, ten clips: right, wrong, unknown, no tag, no speech, failed, out of scope."""
    return [
        record("01", "happy", "happy", forced="happy", speaker="a", confidence=0.9, transcript="one"),
        record("02", "happy", "happy", forced="happy", speaker="a", confidence=0.7, transcript="two"),
        record("03", "happy", "unknown", forced="happy", speaker="b"),
        record("04", "sad", "sad", forced="sad", speaker="b", confidence=0.8),
        record("05", "sad", "no_speech", speaker="a"),
        record("06", "sad", None, speaker="b"),
        record("07", "sad", "fearful", forced="fearful", speaker="a", confidence=0.6),
        record("08", "sad", "failed", speaker="b"),
        record("09", "other", "sad", forced="sad", speaker="a"),
        record("10", None, "happy", forced="happy", speaker="b"),
    ]


def test_the_three_policies_side_by_side(mixed: list[Record]) -> None:
    policies = scored(mixed).scores.policies

    assert policies["wrong"].accuracy.value == round(3 / 7, 9)
    assert policies["abstain"].accuracy.value == 3 / 4
    assert policies["ban"].accuracy.value == round(4 / 7, 9)
    assert policies["wrong"].uar.value == pytest.approx((2 / 3 + 1 / 4) / 2)
    assert policies["abstain"].uar.value == pytest.approx((1 + 1 / 2) / 2)
    assert policies["ban"].uar.value == pytest.approx((1 + 1 / 4) / 2)
    assert [p.coverage.value for p in policies.values()] == [round(n / 7, 9) for n in (4, 4, 5)]
    assert [p.accuracy.n for p in policies.values()] == [7, 4, 7]


def test_a_failure_is_counted_and_never_scored(mixed: list[Record]) -> None:
    with_failure = scored(mixed)
    without = scored([each for each in mixed if each.clip.id != "08"])

    assert with_failure.scores == without.scores
    assert (with_failure.run.n_failed, with_failure.run.n_scored, with_failure.run.n_clips) == (1, 7, 10)
    assert sum(map(sum, with_failure.confusion.counts)) == 9
    assert with_failure.failures == (
        FailureKind(kind="timeout", count=1, example=FirstClip(clip="08", message="no answer for 08")),
    )


def test_the_confusion_shows_what_is_not_scored_below_what_is(mixed: list[Record]) -> None:
    confusion = scored(mixed).confusion

    assert confusion.rows == ("happy", "sad", "other", "unlabelled")
    assert confusion.columns == ("happy", "sad", "fearful", "unknown", "no_tag", "no_speech")
    assert confusion.counts == (
        (2, 0, 0, 1, 0, 0),
        (0, 1, 1, 0, 1, 1),
        (0, 1, 0, 0, 0, 0),
        (1, 0, 0, 0, 0, 0),
    )
    assert (confusion.failed, confusion.n_scored_rows) == ((0, 1, 0, 0), 2)


def test_the_forced_confusion_has_unknown_replaced(mixed: list[Record]) -> None:
    forced = scored(mixed).confusion_forced

    assert forced is not None
    assert forced.counts[0] == (3, 0, 0, 0, 0, 0)


def test_without_forced_labels_the_ban_is_null_with_the_reason(record: Make) -> None:
    card = scored([record("a", "sad", "sad"), record("b", "happy", "unknown")])

    assert as_json(card.scores.policies["ban"].uar) == {
        "value": None,
        "low": None,
        "high": None,
        "n": 0,
        "reason": "no record has a forced label",
    }
    assert card.confusion_forced is None


def test_auto_leaves_out_what_the_backend_cannot_say_and_shows_it_beside(mixed: list[Record]) -> None:
    card = scored(mixed, supported=("happy", "neutral"))

    assert card.scores.labels == ("happy",)
    assert card.all_labels.labels == ("happy", "sad")
    assert card.scope.unsupported == ("sad",)
    assert card.out_of_scope == {"sad": 5, "other": 1, "unlabelled": 1}
    assert card.run.n_out_of_scope == 7


def test_an_explicit_label_without_clips_is_null_with_the_reason(mixed: list[Record]) -> None:
    config = ScoringConfig(resamples=200, labels=("angry", "happy"))

    card = scored(mixed, config)

    recall = card.per_emotion["angry"].recall
    assert card.scores.labels == ("angry", "happy")
    assert (recall.value, str(recall.reason)) == (None, "no scored clip of angry")
    assert card.headline.uar.value == pytest.approx(2 / 3)
    assert "mean without angry" in str(card.headline.uar.reason)
    assert card.scores.without_clips == ("angry",)


def test_a_label_whose_clips_were_all_abstained_leaves_no_mean_over_the_others(record: Make) -> None:
    answers = [("happy", "happy"), ("happy", "sad"), ("angry", "unknown"), ("angry", "no_speech"), ("sad", "sad")]
    records = [record(str(i), a, b, forced="angry", speaker=str(i % 2)) for i, (a, b) in enumerate(answers)]
    config = ScoringConfig(resamples=200, policy="abstain")

    card = scored(records, config)

    for figure in (card.headline.uar, card.headline.macro_f1):
        assert (figure.value, str(figure.reason)) == (None, "no answered clip of angry")
    assert card.headline.accuracy.value == pytest.approx(2 / 3)
    assert str(card.per_emotion["angry"].recall.reason) == "no answered clip of angry"
    assert card.scores.policies["wrong"].uar.value == pytest.approx((1 / 2 + 0 + 1) / 3)
    assert card.scores.without_clips == ()


def test_under_abstain_an_emotion_says_what_its_recall_rests_on_beside_its_support(mixed: list[Record]) -> None:
    found = scored(mixed, ScoringConfig(resamples=200, policy="abstain")).per_emotion["sad"]

    assert (found.support, found.n_scored, found.recall.n, found.n_failed) == (4, 2, 2, 1)


@pytest.mark.parametrize(
    ("policy", "answers", "worst"),
    [
        ("wrong", "unforced", [("happy", "unknown"), ("sad", "fearful"), ("sad", "no_tag"), ("sad", "no_speech")]),
        ("abstain", "unforced", [("sad", "fearful")]),
        ("ban", "forced", [("sad", "fearful"), ("sad", "no_tag"), ("sad", "no_speech")]),
    ],
)
def test_the_confusions_shown_are_those_of_the_headline_policy(
    reported: Reported, mixed: list[Record], policy: str, answers: str, worst: list[tuple[str, str]]
) -> None:
    report = reported(mixed, ScoringConfig(resamples=200, policy=policy))

    assert report.confusion.answers == answers
    assert report.confusion == getattr(report, f"confusion_{answers}")
    assert [(pair.reference, pair.predicted) for pair in report.worst_confusions] == worst


def test_a_forced_answer_has_not_the_confidence_of_the_unforced_one(record: Make) -> None:
    records = [record("a", "sad", "unknown", forced="happy", confidence=0.9)]

    card = scored(records, ScoringConfig(resamples=200, policy="ban"))

    assert card.worst_confusions[0].clips == (WrongClip(clip="a", path="a.wav", confidence=None),)


def test_without_forced_labels_the_ban_has_no_speakers_either(reported: Reported, record: Make) -> None:
    report = reported([record("a", "sad", "sad", speaker="1")], ScoringConfig(resamples=200, policy="ban"))

    assert report.by_speaker == {}
    assert report.confusion.answers == "unforced"


def test_an_emotion_whose_clips_all_failed_stays_in_the_set(record: Make) -> None:
    card = scored([record("a", "sad", "failed"), record("b", "happy", "happy")])

    assert card.scores.labels == ("happy", "sad")
    assert "sad" in str(card.headline.uar.reason)
    assert card.scores.without_clips == ("sad",)


@pytest.mark.parametrize("policy", ["wrong", "abstain", "ban"])
def test_a_run_with_nothing_to_score_is_all_null_with_reasons(
    reported: Reported, record: Make, policy: str
) -> None:
    config = ScoringConfig(resamples=200, policy=policy)
    for records in ([], [record("a", "other", "sad")], [record("a", "sad", "failed")]):
        data = json.loads(json.dumps(as_json(reported(records, config)), allow_nan=False))

        assert data["accuracy"]["uar"]["value"] is None
        assert data["accuracy"]["uar"]["reason"]


def test_the_example_is_the_right_answer_of_median_confidence(mixed: list[Record]) -> None:
    example = scored(mixed).per_emotion["happy"].example

    assert example == Example(clip="02", text="two", path="02.wav", predicted="happy")


def test_worst_confusions_name_the_most_confident_clips_first(record: Make) -> None:
    wrong = [record(f"{i}", "sad", "happy", confidence=i / 10) for i in range(8)]

    worst = scored([*wrong, record("x", "happy", "sad"), record("y", "sad", "sad")]).worst_confusions

    assert (worst[0].reference, worst[0].predicted, worst[0].count) == ("sad", "happy", 8)
    assert worst[0].share == pytest.approx(8 / 9)
    assert [each.clip for each in worst[0].clips] == ["7", "6", "5", "4", "3"]


def test_speakers_have_a_uar_only_where_every_label_occurs(mixed: list[Record], record: Make) -> None:
    card = scored([*mixed, record("11", "happy", "happy", speaker="c")])

    assert card.by_speaker["a"].accuracy == pytest.approx(2 / 4)
    assert card.by_speaker["a"].uar == pytest.approx((1 + 0) / 2)
    assert card.by_speaker["c"] == SpeakerFigures(n=1, accuracy=1.0, uar=None, reason=Why.of("labels_missing"))
    assert str(card.by_speaker["c"].reason) == "not every scored label occurs"


@pytest.mark.parametrize(
    ("speakers", "methods"),
    [
        (40, dict.fromkeys(("uar", "accuracy", "macro_f1", "weighted_f1"), "expanded_percentile")),
        (
            8,
            {
                "uar": "combined_labels",
                "accuracy": "jackknife_t",
                "macro_f1": "combined_labels",
                "weighted_f1": "jackknife_t",
            },
        ),
        (1, dict.fromkeys(("uar", "accuracy", "macro_f1", "weighted_f1"))),
    ],
)
def test_the_methods_stated_are_those_of_the_headline(
    reported: Reported, record: Make, speakers: int, methods: dict[str, str | None]
) -> None:
    wrong = np.random.default_rng(0).random(800) < 0.3
    records = [
        record(f"{i}", ORDER[i % 4], ORDER[(i + wrong[i]) % 4], speaker=str(i // 4 % speakers)) for i in range(800)
    ]

    report = reported(records)

    assert report.intervals.methods == methods
    assert {name: getattr(report.accuracy, name).method or None for name in methods} == methods
    assert {getattr(report.accuracy, name).n_clusters for name in methods} == {speakers}


def test_without_a_labelled_clip_there_are_no_clusters(reported: Reported, record: Make) -> None:
    intervals = reported([record("a", None, "sad", speaker="x")]).intervals

    assert (intervals.clusters, intervals.n_clusters) == ("none", 0)
    assert set(intervals.methods.values()) == {None}


def test_an_emotion_of_one_speaker_is_named_where_it_widens_the_mean(record: Make) -> None:
    wrong = np.random.default_rng(0).random(400) < 0.3
    records = [record(f"{i}", "sad", "happy" if wrong[i] else "sad", speaker=str(i % 40)) for i in range(400)]
    records += [record(f"r{i}", "angry", "angry" if i else "sad", speaker="0") for i in range(10)]

    uar = scored(records).headline.uar

    assert str(uar.reason) == "angry: no spread can be seen, so taken as anywhere from 0 to 1"
    assert uar.n_clusters == 1
    assert uar.low is not None
    assert uar.high is not None
    assert 0.5 <= uar.high - uar.low <= 0.6


def test_clusters_are_named(reported: Reported, mixed: list[Record], record: Make) -> None:
    alone = [record(str(i), "sad", "sad") for i in range(3)]

    assert reported(mixed).intervals.clusters == "speaker"
    assert scored(alone).scores.clusters == "clip"
    assert (scored([*mixed, *alone]).scores.clusters, scored([*mixed, *alone]).scores.n_clusters) == (
        "mixed",
        5,
    )


outcomes = st.sampled_from([*EMOTIONS, "other", "unknown", "no_speech", "failed", None])
clips = st.tuples(
    st.sampled_from([*EMOTIONS[:4], "other", None]),
    outcomes,
    st.sampled_from([*EMOTIONS, None]),
    st.sampled_from(["a", "b", "c", None]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(clips, max_size=40), st.randoms(use_true_random=False))
def test_any_run_scores_to_finite_json_whatever_its_order_and_scikit_learn_agrees(
    record: Make, rows: list[tuple[str | None, ...]], random: Any
) -> None:
    records = [
        record(f"{i:03d}", a, b, forced=None if b == "failed" else c, speaker=d)
        for i, (a, b, c, d) in enumerate(rows)
    ]
    config = ScoringConfig(resamples=100)
    card = scored(records, config)
    random.shuffle(records)

    assert written(scored(records, config)) == written(card)
    check(card.scope, card.scores)


def test_the_second_opinion_finds_a_wrong_figure(mixed: list[Record]) -> None:
    card = scored(mixed)
    wrong = card.scores.policies["wrong"]
    off = dataclasses.replace(wrong.uar, value=(wrong.uar.value or 0.0) + 1e-6)
    policies = dict(card.scores.policies) | {"wrong": dataclasses.replace(wrong, uar=off)}
    forged = dataclasses.replace(card.scores, policies=policies)

    with pytest.raises(SvEvalError, match="second opinion: uar"):
        check(card.scope, forged)


def test_bounds_enclose_their_values(record: Make) -> None:
    records = [record(f"{i}", ORDER[i % 4], ORDER[(i + (i % 7 == 0)) % 4], speaker=str(i % 40)) for i in range(800)]

    card = scored(records)

    headline = as_json(card.headline.headline())
    figures = [*headline.values(), *(as_json(each.recall) for each in card.per_emotion.values())]
    assert all(f["low"] <= f["value"] <= f["high"] for f in figures)
    assert set(headline) == {"uar", "accuracy", "macro_f1", "weighted_f1"}


def test_scoring_imports_no_slow_library() -> None:
    code = (
        "import sys; from sv_eval.scoring.scorecard import *;"
        "from sv_eval.record_file.run_records import RunRecords; from sv_eval.report.codec import as_json;"
        "line = {'clip': {'id': 'a', 'reference': 'sad'}, 'outcome': 'UNKNOWN'};"
        "as_json(score(RunRecords.of_lines([line]), ScoringConfig(resamples=100)).headline);"
        "print([m for m in ('scipy.stats', 'sklearn', 'pandas', 'matplotlib') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
