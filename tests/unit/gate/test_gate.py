from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml

from reports.gate import render_gate, render_junit
from sv_eval.emotions import EMOTIONS
from sv_eval.errors import ConfigError, UsageError
from sv_eval.gate.bare_table import bare_table
from sv_eval.gate.baseline_file import baseline_text, read_baseline, read_subject, write_baseline
from sv_eval.gate.config import GateConfig, gate_config_from
from sv_eval.gate.judging import EXIT_CODES, GateResult, judge
from sv_eval.gate.rules import Verdict
from sv_eval.gate.subject import Subject, device_of, load_of, settings_of

LABELS = EMOTIONS[:4]
WORDS = Path("reports/words")


def subject(
    *,
    accuracy: float = 0.8,
    clips: int = 400,
    seed: int = 0,
    factor: float = 1.0,
    speakers: int = 20,
    **changes: Any,
) -> Subject:
    """A run whose clip answers depend on the seed alone where accuracy is the same."""
    rng = np.random.default_rng(seed)
    reference = (np.arange(clips) % len(LABELS)).astype(np.int8)
    right = rng.random(clips) < accuracy
    predicted = np.where(right, reference, (reference + 1) % len(LABELS)).astype(np.int8)
    table = bare_table(
        tuple(f"c{n:04}" for n in range(clips)),
        reference=reference,
        predicted=predicted,
        forced=predicted,
        speaker=(np.arange(clips) // 4 % speakers).astype(np.int32),
        speakers=tuple(f"s{n:02}" for n in range(speakers)),
    )
    identity = {
        "dataset": "d", "dataset_hash": "d1", "split": "all", "label_map_hash": "m1", "labels_hash": "l1",
        "n_clips": clips, "backend": "fake", "model": "m", "model_hash": None, "precision": None, "device": "cpu",
        "load": {"schedule": "single_stream"}, "started_at": "2026", "commit": "abc",
    } | changes.pop("identity", {})  # fmt: skip
    figure = {"value": float(right.mean()), "low": None, "high": None}
    figures = {
        "accuracy": dict.fromkeys(("uar", "accuracy", "macro_f1", "weighted_f1"), figure),
        "per_emotion": {label: {"recall": figure, "support": clips // 4} for label in LABELS},
        "latency_ms": {name: {"value": 50.0 * factor, "low": 1, "high": 2} for name in ("p50", "p95", "p99")},
    }
    latency = factor * np.random.default_rng(9).lognormal(4, 0.3, 1000)
    return replace(
        Subject(
            source="run", table=table, labels=LABELS, policy="wrong", latency_ms=latency, latency_refused=None,
            identity=identity, figures=figures,
        ),
        **changes,
    )  # fmt: skip


def gate(**options: Any) -> GateConfig:
    return gate_config_from({"name": "g", "resamples": 500, **options})


CI = {"margins": {"uar": 0.05, "accuracy": 0.05, "recall": 0.2}, "ratios": {"p50": 1.1, "p95": 1.15}}


def rule(result: GateResult, name: str) -> Any:
    return next(one for one in result.rules if one.name == name)


def test_a_run_against_itself_passes_every_rule():
    result = judge(subject(), subject(), gate(**CI))

    assert result.verdict is Verdict.PASS
    assert {one.name for one in result.rules} >= {"margin:uar", "margin:recall:happy", "ratio:p95"}
    assert rule(result, "margin:uar").reason == "unchanged"


def test_a_loss_beyond_its_margin_fails_and_names_the_clips():
    result = judge(subject(accuracy=0.55), subject(), gate(**CI))

    assert result.verdict is Verdict.FAIL
    assert rule(result, "margin:uar").reason == "worse"
    assert rule(result, "margin:uar").p_adjusted <= 0.05
    assert result.changed_clips[0].startswith("c0")


def test_a_gain_passes():
    assert judge(subject(accuracy=0.95), subject(), gate(**CI)).verdict is Verdict.PASS


def test_too_few_clips_are_inconclusive_and_the_number_that_would_do_is_named():
    result = judge(subject(clips=60, seed=1), subject(clips=60), gate(margins={"uar": 0.02}))

    one = rule(result, "margin:uar")
    assert result.verdict is Verdict.INCONCLUSIVE
    assert one.reason == "too_few"
    assert result.needed == one.needed > 60


def test_so_many_clips_do_decide_it():
    config = gate(margins={"accuracy": 0.03})
    few = [judge(subject(clips=200, seed=seed), subject(clips=200), config).needed for seed in range(1, 9)]
    needed = next(found for found in few if found is not None)
    passed = 0
    for seed in range(20):
        before = subject(clips=needed, seed=2 * seed, speakers=needed // 10)
        after = subject(clips=needed, seed=2 * seed + 1, speakers=needed // 10)
        passed += judge(after, before, config).verdict is Verdict.PASS
    assert passed >= 12  # power 0.8 of 20, less three standard errors


def test_a_slower_run_fails_and_a_faster_one_passes():
    assert rule(judge(subject(factor=1.3), subject(), gate(**CI)), "ratio:p95").reason == "slower"
    assert judge(subject(factor=0.7), subject(), gate(**CI)).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"identity": {"device": "T4"}}, "other_device"),
        ({"identity": {"load": {"schedule": "offline"}}}, "other_load"),
        ({"latency_refused": "the generator fell behind"}, "latency_refused"),
    ],
)
def test_latencies_of_another_kind_are_refused_and_never_pass(changes, reason):
    result = judge(subject(**changes), subject(), gate(ratios={"p95": 1.15}))

    assert rule(result, "ratio:p95").reason == reason
    assert result.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"identity": {"dataset_hash": "d2"}}, "integrity:dataset"),
        ({"identity": {"label_map_hash": "m2"}}, "integrity:label_map"),
        ({"identity": {"labels_hash": "l2"}}, "integrity:labels"),
        ({"labels": LABELS[:3]}, "integrity:labels"),
        ({"policy": "ban"}, "integrity:policy"),
        ({"identity": {"n_clips": 401}}, "integrity:complete"),
        ({"labels": ()}, "integrity:scored"),
    ],
)
def test_what_is_not_the_same_cannot_pass(changes, name):
    result = judge(subject(**changes), subject(), gate(**CI))

    assert result.verdict is Verdict.FAIL
    assert rule(result, name).verdict is Verdict.FAIL


def test_missing_clips_cannot_pass():
    result = judge(subject(clips=396), subject(), gate(**CI))

    assert rule(result, "integrity:clips").values["missing"] == 4
    assert result.verdict is Verdict.FAIL


def test_failures_beyond_the_baselines_own_cannot_pass():
    after = subject()
    failed = after.table.predicted.copy()
    failed[:40] = after.table.words.failed
    result = judge(replace(after, table=replace(after.table, predicted=failed)), subject(), gate(**CI))

    assert rule(result, "integrity:failures").reason == "too_many_failures"
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


def test_changes_of_one_speaker_that_cancel_out_are_not_shown_to_be_none():
    before = subject(speakers=1)

    result = judge(flipped(before, lost=40, gained=40), before, gate(margins={"uar": 0.02, "accuracy": 0.02}))

    assert {one.reason for one in result.rules if one.name.startswith("margin")} == {"no_spread"}
    assert result.verdict is Verdict.INCONCLUSIVE


def test_a_loss_of_one_speaker_is_shown_by_its_clips_alone():
    before = subject(speakers=1)

    result = judge(flipped(before, lost=100, gained=0), before, gate(margins={"uar": 0.02, "accuracy": 0.02}))

    assert rule(result, "margin:accuracy").reason == "worse"
    assert rule(result, "margin:uar").reason == "no_spread"
    assert result.verdict is Verdict.FAIL


@pytest.mark.parametrize(("clips", "verdict"), [(40, Verdict.INCONCLUSIVE), (400, Verdict.PASS)])
def test_one_lost_clip_of_few_does_not_show_that_few_are_lost(clips, verdict):
    before = subject(clips=clips, speakers=20)

    one = rule(judge(flipped(before, lost=1, gained=0), before, gate(margins={"accuracy": 0.1})), "margin:accuracy")

    assert one.verdict is verdict
    # Clopper and Pearson: 1 of 40 may be 11.3 %, at 95 % on one side.
    assert one.values["low"] == pytest.approx(-0.1132 if clips == 40 else -0.0118, abs=1e-3)


def test_a_change_worse_by_its_margin_passes_in_no_more_than_alpha_however_few_the_clips():
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


def test_another_wrong_answer_is_no_loss():
    before = subject(speakers=1)
    wrong = np.flatnonzero(before.table.predicted != before.table.reference)
    after = answering(before, at=[(i, (before.table.reference[i] + 2) % len(LABELS)) for i in wrong])

    result = judge(after, before, gate(margins={"uar": 0.01, "accuracy": 0.01, "recall": 0.01}))

    assert {one.reason for one in result.rules if one.name.startswith("margin")} == {"unchanged"}
    changed = judge(after, before, gate(margins={"macro_f1": 0.0001}))
    assert rule(changed, "margin:macro_f1").reason != "unchanged"


def test_wrong_where_nothing_was_said_before_is_a_loss_when_silence_does_not_count():
    before = replace(subject(), policy="abstain")
    silent = before.table.words.answer("unknown")
    before = answering(before, at=[(slice(0, 60), silent)])
    wrong = [(i, (before.table.reference[i] + 1) % len(LABELS)) for i in range(60)]

    result = judge(answering(before, at=wrong), before, gate(margins={"accuracy": 0.05, "recall": 0.05}))

    assert rule(result, "margin:accuracy").reason == "worse"
    assert rule(result, "margin:recall:happy").reason == "worse"


def test_an_emotion_without_any_answer_cannot_pass():
    before = subject()
    table = before.table
    happy = np.flatnonzero(table.reference == 0)
    after = answering(before, at=[(happy, table.words.failed)])

    result = judge(after, before, gate(margins={"recall": 0.9}, max_failures=1.0))

    assert rule(result, "integrity:failures").verdict is Verdict.PASS
    assert rule(result, "margin:recall:happy").reason == "no_figure"
    assert result.verdict is Verdict.FAIL


def test_failures_on_other_clips_than_the_baselines_count():
    before = subject()
    failed = before.table.words.failed

    result = judge(
        answering(before, at=[(slice(0, 10), failed)]), answering(before, at=[(slice(10, 20), failed)]), gate(**CI)
    )

    assert rule(result, "integrity:failures").values["newly"] == 10
    assert rule(result, "integrity:failures").verdict is Verdict.FAIL


def test_a_baseline_that_failed_on_much_decides_nothing():
    after = subject()
    before = answering(after, at=[(slice(0, 300), after.table.words.failed)])

    result = judge(after, before, gate(**CI))

    assert rule(result, "integrity:failures").reason == "baseline_failed"
    assert result.verdict is Verdict.INCONCLUSIVE


def test_a_baseline_of_half_a_run_cannot_pass():
    after = subject()

    result = judge(after, subject(clips=200, identity={"n_clips": 400}), gate(**CI))

    assert rule(result, "integrity:baseline").values["found"] == 200
    assert result.verdict is Verdict.FAIL


def test_a_loss_within_a_hair_of_its_margin_asks_for_more_clips_than_were_there():
    before = subject(clips=2000)

    config = gate(margins={"accuracy": 0.015}, alpha=0.001)
    one = rule(judge(flipped(before, lost=50, gained=28), before, config), "margin:accuracy")

    assert one.reason == "too_few"
    assert one.needed > 2001


def test_a_figure_that_cannot_be_given_cannot_pass():
    empty = {"value": None, "low": None, "high": None, "reason": "nothing to score"}
    after = subject()
    figures = dict(after.figures) | {"accuracy": dict.fromkeys(after.figures["accuracy"], empty)}

    result = judge(replace(after, figures=figures), None, gate(floors={"uar": 0.1}))

    assert result.verdict is Verdict.FAIL
    assert rule(result, "floor:uar").reason == "no_figure"


def test_floors_and_ceilings_need_no_baseline():
    config = gate(floors={"uar": 0.7, "recall": {"happy": 0.9, "surprised": 0.1}}, ceilings={"p95_ms": 40})

    result = judge(subject(), None, config)

    assert [(one.name, one.verdict.value, one.reason) for one in result.rules] == [
        ("floor:uar", "pass", "reaches"),
        ("floor:recall:happy", "fail", "below"),
        ("floor:recall:surprised", "fail", "no_such_label"),
        ("ceiling:p95", "fail", "above"),
    ]


def test_several_tested_rules_are_adjusted_together():
    result = judge(subject(accuracy=0.72, seed=0), subject(seed=0), gate(**CI))

    tested = [one for one in result.rules if one.p is not None]
    assert all(one.p_adjusted >= one.p for one in tested)
    assert max(one.p_adjusted / one.p for one in tested if 0 < one.p < 0.01) > 2


def test_a_baseline_file_judges_like_the_run_it_was_saved_of(tmp_path):
    before, after = subject(), subject(accuracy=0.6)
    file = tmp_path / "baseline.json"
    write_baseline(file, before)

    from_file = judge(after, read_subject(str(file)), gate(**CI))
    from_run = judge(after, before, gate(**CI))

    assert [(one.name, one.verdict, one.p) for one in from_file.rules if one.name.startswith("margin")] == [
        (one.name, one.verdict, one.p) for one in from_run.rules if one.name.startswith("margin")
    ]
    assert rule(from_file, "ratio:p95").values["value"] == pytest.approx(
        rule(from_run, "ratio:p95").values["value"], rel=1e-3
    )


def test_a_baseline_file_is_small():
    one, many = (len(baseline_text(subject(clips=n))) for n in (400, 1400))

    assert (many - one) / 1000 < 20  # bytes a clip, of which 9 are its name here


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("not json", "can't be read as a baseline"),
        ("{}", "not a baseline.*sv_eval.baseline save"),
        ('{"kind": "sv_eval baseline", "schema_version": 2}', "version 2.*save it anew"),
        ('{"kind": "sv_eval baseline", "schema_version": 1}', "damaged baseline"),
    ],
)
def test_what_is_no_baseline_is_told(tmp_path, content, message):
    file = tmp_path / "b.json"
    file.write_text(content, encoding="utf-8")

    with pytest.raises(UsageError, match=message):
        read_baseline(file)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"c0003"', '"c0002"'),
        ('"device"', '"devise"'),
        ('"latency_ms": [', '"latency_ms": [NaN, '),
        ('"speaker": [0', '"speaker": [-1'),
        ('"speaker": [0', '"speaker": [99'),
        ('"predicted": "0', '"predicted": "-'),
        ('"predicted": "0', '"predicted": "Z'),
        ('"reference": "0', '"reference": "'),
    ],
)
def test_a_baseline_that_was_edited_is_told(tmp_path, before, after):
    file = tmp_path / "b.json"
    text = baseline_text(subject())
    assert before in text
    file.write_text(text.replace(before, after), encoding="utf-8")

    with pytest.raises(UsageError, match="damaged baseline"):
        read_baseline(file)


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
def test_wrong_rules_are_told(options, message):
    with pytest.raises(ConfigError, match=message.replace(".", r"\.")):
        gate(**options)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_way_a_rule_can_end_has_its_sentence(language):
    words = yaml.safe_load((WORDS / f"{language}.yaml").read_text(encoding="utf-8"))["gate"]
    results = [
        judge(subject(), subject(), gate(**CI)),
        judge(subject(accuracy=0.5, factor=1.4), subject(), gate(**CI)),
        judge(subject(clips=60, seed=1), subject(clips=60), gate(margins={"uar": 0.02})),
        judge(subject(clips=396), subject(), gate(**CI)),
        judge(subject(identity={"device": "T4", "dataset_hash": "x"}), subject(), gate(**CI)),
        judge(subject(), None, gate(floors={"uar": 0.9, "recall": {"happy": 0.1}}, ceilings={"p95_ms": 40})),
    ]
    for result in results:
        text = render_gate(result.to_json(), language)
        assert words["verdict"][result.verdict.value].format(gate="g") in text
        assert "{" not in text
        assert "None" not in text


def test_small_p_values_and_what_is_not_known_are_said_plainly():
    few = subject(
        figures={**subject().figures, "latency_ms": {"p95": {"value": None, "reason": "n too small: 9 of 130"}}}
    )
    worse = judge(subject(accuracy=0.2), subject(accuracy=0.9), gate(**CI)).to_json()

    english = render_gate(worse)
    chinese = render_gate(judge(few, None, gate(ceilings={"p95_ms": 40})).to_json(), "zh")

    assert "adjusted p ≤ 0.0001;" in english
    assert "e-" not in english
    assert "样本太少：9，需要 130" in chinese


def test_junit_has_a_case_for_every_rule():
    result = judge(subject(accuracy=0.5), subject(identity={"device": "T4"}), gate(**CI))

    suite = ElementTree.fromstring(render_junit(result.to_json()).partition("?>")[2]).find("testsuite")

    assert suite is not None
    assert len(suite.findall("testcase")) == len(result.rules) == int(suite.attrib["tests"])
    assert int(suite.attrib["failures"]) == sum(one.verdict is Verdict.FAIL for one in result.rules)
    assert int(suite.attrib["errors"]) == sum(one.verdict is Verdict.INCONCLUSIVE for one in result.rules) == 2
    assert EXIT_CODES[result.verdict] == 3


def test_device_classes():
    machine = {"cpu": "A CPU", "cores": 4}
    base: dict[str, Any] = {"machine": machine, "sessions": [], "backend": {"in_process": True, "device": "cpu"}}
    metrics: dict[str, Any] = {"latency_ms": {"session": 0}, "machine": {"gpus": [{"class": {"class": "T4"}}]}}

    assert device_of(metrics, base) == "A CPU, 4 cores"
    assert device_of(metrics, base | {"backend": {"in_process": True, "device": "cuda:0"}}) == "cuda: T4"
    elsewhere = {"backend": {"in_process": False, "device": "remote, cpu"}}
    assert device_of(metrics, base | elsewhere) == "remote, cpu, asked from A CPU, 4 cores"
    assert device_of(metrics, base | {"backend": {"in_process": True, "device": "mps"}}) == "mps: A CPU, 4 cores"


def test_what_makes_loads_the_same():
    assert load_of({"schedule": "single_stream", "rate": 3, "warmup_clips": 8}) == {"schedule": "single_stream"}
    assert load_of({"schedule": "poisson", "rate": 3.0, "seed": 1}) == {"schedule": "poisson", "rate": 3.0}


def test_settings_that_differ_stand_beside_the_two_runs(tmp_path: Path) -> None:
    before = subject(identity={"settings": {"vad_threshold": None, "threads": 0}})
    after = subject(accuracy=0.4, identity={"settings": {"vad_threshold": 0.6, "threads": 0}})
    write_baseline(tmp_path / "b.json", before)

    report = render_gate(judge(after, read_baseline(tmp_path / "b.json"), gate(**CI)).to_json())

    assert "| `backend.vad_threshold` | null | 0.6 |" in report
    assert "backend.threads" not in report
    # The list above the table holds three of the rules that failed, and says how many there are more.
    failed = judge(after, before, gate(**CI)).to_json()
    count = sum(one["verdict"] == "fail" for one in failed["rules"])
    assert count > 3
    assert f"- and {count - 3} more\n" in report


def test_a_baseline_of_before_settings_were_kept_says_nothing_of_them(tmp_path: Path) -> None:
    after = subject(identity={"settings": {"vad_threshold": 0.6}})
    write_baseline(tmp_path / "b.json", subject())

    assert "`backend." not in render_gate(judge(after, read_baseline(tmp_path / "b.json"), gate(**CI)).to_json())


def test_a_baseline_keeps_no_secret_of_a_connection() -> None:
    backend = {
        "_target_": "x", "url": "https://me:secret@host/v1", "concurrency": 8, "models": ["a"],
        "dialect": {"headers": {"Auth": "secret"}},
    }  # fmt: skip

    assert settings_of({"settings": {"backend": backend}}) == {"url": "https://host/v1", "concurrency": 8}
    assert settings_of({}) == {}
