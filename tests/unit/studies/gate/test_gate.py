"""What passes the gate, what fails, and what it leaves undecided."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sv_eval.emotions import EMOTIONS
from sv_eval.errors import ConfigError
from sv_eval.report.accuracy import Headline
from sv_eval.report.interval import Interval
from sv_eval.report.reasons import Why
from sv_eval.studies.gate.judging import GateResult, judge
from sv_eval.studies.gate.rules import Verdict
from sv_eval.studies.gate.subject import Subject

LABELS = EMOTIONS[:4]


def rule(result: GateResult, name: str) -> Any:
    return next(one for one in result.rules if one.name == name)


def test_a_run_against_itself_passes_every_rule(subject, ci):
    result = judge(subject(), subject(), ci)

    assert result.verdict is Verdict.PASS
    assert {one.name for one in result.rules} >= {"margin:uar", "margin:recall:happy", "ratio:p95"}
    assert rule(result, "margin:uar").reason == "unchanged"


def test_a_loss_beyond_its_margin_fails_and_names_the_clips(subject, ci):
    result = judge(subject(accuracy=0.55), subject(), ci)

    assert result.verdict is Verdict.FAIL
    assert rule(result, "margin:uar").reason == "worse"
    assert rule(result, "margin:uar").p_adjusted <= 0.05
    assert result.changed_clips[0].startswith("c0")


def test_a_gain_passes(subject, ci):
    assert judge(subject(accuracy=0.95), subject(), ci).verdict is Verdict.PASS


def test_too_few_clips_are_inconclusive_and_the_number_that_would_do_is_named(subject, gate):
    result = judge(subject(clips=60, seed=1), subject(clips=60), gate(margins={"uar": 0.02}))

    one = rule(result, "margin:uar")
    assert result.verdict is Verdict.INCONCLUSIVE
    assert one.reason == "too_few"
    assert result.needed == one.needed > 60


def test_so_many_clips_do_decide_it(subject, gate):
    config = gate(margins={"accuracy": 0.03})
    few = [judge(subject(clips=200, seed=seed), subject(clips=200), config).needed for seed in range(1, 9)]
    needed = next(found for found in few if found is not None)
    passed = 0
    for seed in range(20):
        before = subject(clips=needed, seed=2 * seed, speakers=needed // 10)
        after = subject(clips=needed, seed=2 * seed + 1, speakers=needed // 10)
        passed += judge(after, before, config).verdict is Verdict.PASS
    assert passed >= 12  # power 0.8 of 20, less three standard errors


def test_a_slower_run_fails_and_a_faster_one_passes(subject, ci):
    assert rule(judge(subject(factor=1.3), subject(), ci), "ratio:p95").reason == "slower"
    assert judge(subject(factor=0.7), subject(), ci).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"identity": {"device": "T4"}}, "other_device"),
        ({"identity": {"load": {"schedule": "offline"}}}, "other_load"),
        ({"latency_refused": Why.of("fell_behind")}, "latency_refused"),
    ],
)
def test_latencies_of_another_kind_are_refused_and_never_pass(subject, gate, changes, reason):
    result = judge(subject(**changes), subject(), gate(ratios={"p95": 1.15}))

    assert rule(result, "ratio:p95").reason == reason
    assert result.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"identity": {"dataset_hash": "d2"}}, "integrity:dataset"),
        ({"identity": {"label_map_hash": "m2"}}, "integrity:label_map"),
        ({"identity": {"labels_hash": "l2"}}, "integrity:labels"),
        # What is better on clean sound than the baseline was on a telephone is no better.
        ({"identity": {"condition": '{"name": "telephone"}'}}, "integrity:sound"),
        ({"labels": LABELS[:3]}, "integrity:labels"),
        ({"policy": "ban"}, "integrity:policy"),
        ({"identity": {"n_clips": 401}}, "integrity:complete"),
        ({"labels": ()}, "integrity:scored"),
    ],
)
def test_what_is_not_the_same_cannot_pass(subject, ci, changes, name):
    result = judge(subject(**changes), subject(), ci)

    assert result.verdict is Verdict.FAIL
    assert rule(result, name).verdict is Verdict.FAIL


def test_missing_clips_cannot_pass(subject, ci):
    result = judge(subject(clips=396), subject(), ci)

    assert rule(result, "integrity:clips").values["missing"] == 4
    assert result.verdict is Verdict.FAIL


def test_failures_beyond_the_baselines_own_cannot_pass(subject, ci):
    after = subject()
    failed = after.table.predicted.copy()
    failed[:40] = after.table.class_codes.failed
    result = judge(replace(after, table=replace(after.table, predicted=failed)), subject(), ci)

    assert rule(result, "share:failed").reason == "too_many_failures"
    assert result.verdict is Verdict.FAIL


def answering(before: Subject, **codes: Any) -> Subject:
    """The same run with other answers: position to code, or a slice to one."""
    predicted = before.table.predicted.copy()
    for place, code in codes["at"]:
        predicted[place] = code
    return replace(before, table=replace(before.table, predicted=predicted))


def flipped(before: Subject, *, lost: int, gained: int) -> Subject:
    """So many right answers made wrong, and wrong ones right."""
    table = before.table
    right = np.flatnonzero(table.predicted == table.reference)[:lost]
    wrong = np.flatnonzero(table.predicted != table.reference)[:gained]
    spoilt = [(i, (table.reference[i] + 1) % len(LABELS)) for i in right]
    return answering(before, at=[*spoilt, *((i, table.reference[i]) for i in wrong)])


def test_changes_of_one_speaker_that_cancel_out_are_not_shown_to_be_none(subject, gate):
    before = subject(speakers=1)

    result = judge(flipped(before, lost=40, gained=40), before, gate(margins={"uar": 0.02, "accuracy": 0.02}))

    assert {one.reason for one in result.rules if one.name.startswith("margin")} == {"one_speaker"}
    assert result.verdict is Verdict.INCONCLUSIVE


def test_a_loss_of_one_speaker_says_nothing_about_others(subject, gate):
    before = subject(speakers=1)

    result = judge(flipped(before, lost=100, gained=0), before, gate(margins={"uar": 0.02, "accuracy": 0.02}))

    assert rule(result, "margin:accuracy").reason == "one_speaker"
    assert rule(result, "margin:accuracy").values["alone"] < 1e-6
    assert rule(result, "margin:uar").reason == "one_speaker"
    assert result.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(("clips", "verdict"), [(40, Verdict.INCONCLUSIVE), (400, Verdict.PASS)])
def test_one_lost_clip_of_few_does_not_show_that_few_are_lost(subject, gate, clips, verdict):
    before = subject(clips=clips, speakers=20)

    one = rule(judge(flipped(before, lost=1, gained=0), before, gate(margins={"accuracy": 0.1})), "margin:accuracy")

    assert one.verdict is verdict
    # Clopper and Pearson: 1 of 40 may be 11.3 %, at 95 % on one side.
    assert one.values["low"] == pytest.approx(-0.1132 if clips == 40 else -0.0118, abs=1e-3)


def test_a_change_worse_by_its_margin_passes_in_no_more_than_alpha_however_few_the_clips(subject, gate):
    rng = np.random.default_rng(5)
    before = answering(subject(clips=80, accuracy=1.0), at=[])
    config = gate(margins={"accuracy": 0.1})
    passed = 0
    for _ in range(300):
        # Each clip is lost with a probability of the margin; a run without any loss is unchanged, and passes.
        lost = np.flatnonzero(rng.random(80) < 0.1)
        after = answering(before, at=[(i, (before.table.reference[i] + 1) % len(LABELS)) for i in lost])
        passed += rule(judge(after, before, config), "margin:accuracy").verdict is Verdict.PASS

    assert passed / 300 <= 0.05 + 3 * 0.0126


def test_another_wrong_answer_is_no_loss(subject, gate):
    before = subject(speakers=1)
    wrong = np.flatnonzero(before.table.predicted != before.table.reference)
    after = answering(before, at=[(i, (before.table.reference[i] + 2) % len(LABELS)) for i in wrong])

    result = judge(after, before, gate(margins={"uar": 0.01, "accuracy": 0.01, "recall": 0.01}))

    assert {one.reason for one in result.rules if one.name.startswith("margin")} == {"unchanged"}
    changed = judge(after, before, gate(margins={"macro_f1": 0.0001}))
    assert rule(changed, "margin:macro_f1").reason != "unchanged"


def test_wrong_where_nothing_was_said_before_is_a_loss_when_silence_does_not_count(subject, gate):
    before = replace(subject(), policy="abstain")
    silent = before.table.class_codes.answer("unknown")
    before = answering(before, at=[(slice(0, 60), silent)])
    wrong = [(i, (before.table.reference[i] + 1) % len(LABELS)) for i in range(60)]

    result = judge(answering(before, at=wrong), before, gate(margins={"accuracy": 0.05, "recall": 0.05}))

    assert rule(result, "margin:accuracy").reason == "worse"
    assert rule(result, "margin:recall:happy").reason == "worse"


def test_an_emotion_without_any_answer_cannot_pass(subject, gate):
    before = subject()
    table = before.table
    happy = np.flatnonzero(table.reference == 0)
    after = answering(before, at=[(happy, table.class_codes.failed)])

    result = judge(after, before, gate(margins={"recall": 0.5}, max_failures=1.0, shares={"failed": 0.5}))

    assert rule(result, "share:failed:happy").reason == "more"
    assert rule(result, "margin:recall:happy").reason == "worse"
    assert rule(result, "margin:recall:happy").values["after"] == 0
    assert result.verdict is Verdict.FAIL


def test_failures_on_other_clips_than_the_baselines_count(subject, ci):
    before = subject()
    failed = before.table.class_codes.failed

    result = judge(
        answering(before, at=[(slice(0, 10), failed)]), answering(before, at=[(slice(10, 20), failed)]), ci
    )

    assert rule(result, "share:failed").values["newly"] == 10
    assert rule(result, "share:failed").verdict is Verdict.FAIL


def test_a_baseline_that_failed_on_much_decides_nothing(subject, ci):
    after = subject()
    before = answering(after, at=[(slice(0, 300), after.table.class_codes.failed)])

    result = judge(after, before, ci)

    assert rule(result, "share:failed").reason == "baseline_failed"
    assert result.verdict is Verdict.INCONCLUSIVE


def test_a_baseline_of_half_a_run_cannot_pass(subject, ci):
    after = subject()

    result = judge(after, subject(clips=200, identity={"n_clips": 400}), ci)

    assert rule(result, "integrity:baseline").values["found"] == 200
    assert result.verdict is Verdict.FAIL


def test_a_loss_within_a_hair_of_its_margin_asks_for_more_clips_than_were_there(subject, gate):
    before = subject(clips=2000)

    config = gate(margins={"accuracy": 0.015}, alpha=0.001)
    one = rule(judge(flipped(before, lost=50, gained=28), before, config), "margin:accuracy")

    assert one.reason == "too_few"
    assert one.needed > 2001


def test_a_figure_that_cannot_be_given_cannot_pass(subject, gate):
    empty = Interval(value=None, reason=Why.read("nothing to score"))
    after = subject()
    accuracy = Headline(uar=empty, accuracy=empty, macro_f1=empty, weighted_f1=empty)

    result = judge(
        replace(after, figures=replace(after.figures, accuracy=accuracy)), None, gate(floors={"uar": 0.1})
    )

    assert result.verdict is Verdict.FAIL
    assert rule(result, "floor:uar").reason == "no_figure"


def test_floors_and_ceilings_need_no_baseline(subject, gate):
    config = gate(floors={"uar": 0.7, "recall": {"happy": 0.9, "surprised": 0.1}}, ceilings={"p95_ms": 40})

    result = judge(subject(), None, config)

    # The worst first: what can't be given at all, then by how far it is beyond what is allowed.
    assert [(one.name, one.verdict.value, one.reason) for one in result.rules] == [
        ("floor:recall:surprised", "fail", "no_such_label"),
        ("ceiling:p95", "fail", "above"),
        ("floor:recall:happy", "fail", "below"),
        ("floor:uar", "pass", "reaches"),
    ]


def test_several_tested_rules_are_adjusted_together(subject, ci):
    result = judge(subject(accuracy=0.72, seed=0), subject(seed=0), ci)

    tested = [one for one in result.rules if one.p_adjusted is not None]
    assert all(one.p_adjusted >= one.p for one in tested)
    assert max(one.p_adjusted / one.p for one in tested if 0 < one.p < 0.01) > 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "it has no rule"),
        ({"margins": {"ura": 0.1}}, "unknown key 'ura'; did you mean uar"),
        ({"margins": {"uar": 3}}, "gate.margins.uar=3"),
        ({"ratios": {"p95": 0.9}}, "gate.ratios.p95=0.9"),
        ({"floors": {"recall": {"happy": 2}}}, "gate.floors.recall.happy=2"),
        ({"ceilings": {"p95_ms": -1}}, "gate.ceilings.p95_ms=-1"),
        ({"alpha": 0.7, "floors": {"uar": 0.5}}, "gate.alpha=0.7"),
    ],
)
def test_wrong_rules_are_told(gate, options, message):
    with pytest.raises(ConfigError, match=message.replace(".", r"\.")):
        gate(**options)
