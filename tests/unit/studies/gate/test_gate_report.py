"""How the gate says what it found."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml

from sv_eval.reports.gate import render_gate, render_junit, sentence, title
from sv_eval.reports.wording import Wording
from sv_eval.scoring.call_sample import CallSample
from sv_eval.studies.gate.baseline_file import read_baseline, write_baseline
from sv_eval.studies.gate.judging import judge
from sv_eval.studies.gate.rules import Verdict

WORDS = Path("reports/words")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_way_a_rule_can_end_has_its_sentence(subject, gate, ci, language):
    words = yaml.safe_load((WORDS / f"{language}.yaml").read_text(encoding="utf-8"))["gate"]
    results = [
        judge(subject(), subject(), ci),
        judge(subject(accuracy=0.5, factor=1.4), subject(), ci),
        judge(subject(clips=60, seed=1), subject(clips=60), gate(margins={"uar": 0.02})),
        judge(subject(clips=396), subject(), ci),
        judge(subject(identity={"device": "T4", "dataset_hash": "x"}), subject(), ci),
        judge(subject(), None, gate(floors={"uar": 0.9, "recall": {"happy": 0.1}}, ceilings={"p95_ms": 40})),
    ]
    for result in results:
        text = render_gate(result, language)
        assert words["verdict"][result.verdict.value].format(gate="g") in text
        assert "{" not in text
        assert "None" not in text


def test_small_p_values_and_what_is_not_known_are_said_plainly(subject, gate, ci):
    few = subject(waited=CallSample.of_values(np.arange(9.0)))
    worse = judge(subject(accuracy=0.2), subject(accuracy=0.9), ci)

    english = render_gate(worse)
    chinese = render_gate(judge(few, None, gate(ceilings={"p95_ms": 40})), "zh")

    assert "adjusted p ≤ 0.0001;" in english
    assert "e-" not in english
    assert "样本太少：9，需要 130" in chinese


def test_junit_has_a_case_for_every_rule(subject, ci):
    result = judge(subject(accuracy=0.5), subject(identity={"device": "T4"}), ci)

    suite = ElementTree.fromstring(render_junit(result).partition("?>")[2]).find("testsuite")

    assert suite is not None
    assert len(suite.findall("testcase")) == len(result.rules) == int(suite.attrib["tests"])
    assert int(suite.attrib["failures"]) == sum(one.verdict is Verdict.FAIL for one in result.rules)
    assert int(suite.attrib["errors"]) == sum(one.verdict is Verdict.INCONCLUSIVE for one in result.rules) == 2
    assert result.file().exit_code == 3


def test_settings_that_differ_stand_beside_the_two_runs(subject, ci, tmp_path: Path):
    before = subject(identity={"settings": {"vad_threshold": None, "threads": 0}})
    after = subject(accuracy=0.4, identity={"settings": {"vad_threshold": 0.6, "threads": 0}})
    write_baseline(tmp_path / "b.json", before)

    report = render_gate(judge(after, read_baseline(tmp_path / "b.json"), ci))

    assert "| `backend.vad_threshold` | null | 0.6 |" in report
    assert "backend.threads" not in report


def test_the_first_line_names_the_worst_rule_and_nothing_that_fails_is_folded_away(subject, ci):
    result = judge(subject(accuracy=0.4), subject(), ci)
    report = render_gate(result)

    worst = result.rules[0]
    assert worst.verdict is Verdict.FAIL
    assert worst.excess == max(one.excess for one in result.rules if one.verdict is Verdict.FAIL)
    assert report.splitlines()[0].endswith(f"failed: {title(Wording('en'), worst.name)}")
    unfolded = report.partition("<details>")[0]
    broken = [one for one in result.rules if one.verdict is not Verdict.PASS]
    assert len(broken) > 3
    for one in broken:
        assert sentence(Wording("en"), one) in unfolded
