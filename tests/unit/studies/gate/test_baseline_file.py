"""A baseline file judges like the run that it was saved of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sv_eval.errors import UsageError
from sv_eval.report.shares import Share
from sv_eval.reports.gate import render_gate
from sv_eval.scoring.call_sample import CallSample
from sv_eval.studies.gate.baseline_file import baseline_text, read_baseline, read_subject, write_baseline
from sv_eval.studies.gate.judging import judge


def test_a_baseline_file_judges_like_the_run_it_was_saved_of(subject, ci, tmp_path):
    before, after = subject(), subject(accuracy=0.6)
    file = tmp_path / "baseline.json"
    write_baseline(file, before)

    from_file = judge(after, read_subject(str(file)), ci)
    from_run = judge(after, before, ci)

    assert [(one.name, one.verdict, one.p) for one in from_file.rules if one.name.startswith("margin")] == [
        (one.name, one.verdict, one.p) for one in from_run.rules if one.name.startswith("margin")
    ]
    of_file, of_run = (
        next(one.values["value"] for one in each.rules if one.name == "ratio:p95") for each in (from_file, from_run)
    )
    assert of_file == pytest.approx(of_run, rel=1e-3)


def test_a_baseline_file_is_small(subject):
    one, many = (len(baseline_text(subject(clips=n))) for n in (400, 1400))

    assert (many - one) / 1000 < 20  # bytes a clip, of which 9 are its name here


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("not json", "can't be read as a baseline"),
        ("{}", "not a baseline.*sv_eval.baseline save"),
        ('{"kind": "sv_eval baseline", "schema_version": 3}', "version 3.*save it anew"),
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
def test_a_baseline_that_was_edited_is_told(subject, tmp_path, before, after):
    file = tmp_path / "b.json"
    text = baseline_text(subject())
    assert before in text
    file.write_text(text.replace(before, after), encoding="utf-8")

    with pytest.raises(UsageError, match="save it anew"):
        read_baseline(file)


def test_a_baseline_of_before_settings_were_kept_says_nothing_of_them(subject, ci, tmp_path: Path):
    after = subject(identity={"settings": {"vad_threshold": 0.6}})
    write_baseline(tmp_path / "b.json", subject())

    assert "`backend." not in render_gate(judge(after, read_baseline(tmp_path / "b.json"), ci))


def test_the_first_version_is_still_read():
    found = read_baseline(Path("tests/golden/across/baseline_v1.json"))

    assert found.waited is found.clean
    assert found.clean.n == 205
    assert found.shares == {}
    assert found.others_cpu is None


def test_what_calls_depend_on_is_kept_although_their_order_is_not(subject, tmp_path: Path):
    rng = np.random.default_rng(1)
    noise = rng.standard_normal(2000)
    for at in range(1, 2000):
        noise[at] = 0.9 * noise[at - 1] + np.sqrt(0.19) * noise[at]
    calls = CallSample(latency_ms=50 * np.exp(0.3 * noise), clip=np.arange(2000), in_order=True)
    shares = {"retried": Share(value=0.1, low=0.05, high=0.2, n=40, of=400, worth=80.0)}
    before = subject(clean=calls, waited=calls, shares=shares, others_cpu=0.07)

    write_baseline(tmp_path / "b.json", before)
    found = read_baseline(tmp_path / "b.json")

    for p in (0.5, 0.95):
        assert found.clean.dependence(p).inflation == pytest.approx(calls.dependence(p).inflation)
        assert found.waited.percentile(p).high == pytest.approx(calls.percentile(p).high, rel=1e-3)
    assert found.shares == shares
    assert found.others_cpu == 0.07
    assert '"waited_ms": null' in (tmp_path / "b.json").read_text(encoding="utf-8")
