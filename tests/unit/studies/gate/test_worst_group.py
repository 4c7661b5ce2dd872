"""The group of speakers that is understood worst must reach a floor of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sv_eval.errors import ConfigError
from sv_eval.report.interval import Interval
from sv_eval.report.reasons import Why
from sv_eval.report.verdict import GateResult, Verdict
from sv_eval.reports.gate import render_gate
from sv_eval.studies.gate.baseline_file import read_baseline, write_baseline
from sv_eval.studies.gate.config import GateConfig
from sv_eval.studies.gate.judging import judge
from sv_eval.studies.gate.subject import Subject, WorstGroup

Make = Callable[..., Subject]
Gate = Callable[..., GateConfig]


def with_group(subject: Subject, uar: Interval) -> Subject:
    worst = {"sex": WorstGroup(name="female", uar=uar)}
    return replace(subject, figures=replace(subject.figures, worst_group=worst))


def judged(subject: Subject, gate: Gate, **floors: float) -> GateResult:
    return judge(subject, None, gate(floors={"worst_group": floors}))


@pytest.mark.parametrize(("floor", "verdict"), [(0.6, Verdict.PASS), (0.7, Verdict.FAIL)])
def test_the_worst_group_reaches_its_floor_or_not(
    subject: Make, gate: Gate, floor: float, verdict: Verdict
) -> None:
    found = judged(with_group(subject(), Interval(value=0.65)), gate, sex=floor)

    (rule,) = found.rules
    assert (rule.name, rule.verdict) == ("floor:worst_group:sex", verdict)
    assert rule.values["group"] == "female"
    english, chinese = (render_gate(found, language) for language in ("en", "zh"))
    assert "by sex" in english
    assert "female" in english
    assert "女性" in chinese


def test_what_has_no_groups_or_no_figure_can_not_pass(subject: Make, gate: Gate) -> None:
    none = judged(subject(), gate, sex=0.1)
    empty = judged(with_group(subject(), Interval(value=None, reason=Why.of("nothing_answered"))), gate, sex=0.1)

    assert [found.rules[0].reason for found in (none, empty)] == ["no_groups", "no_figure"]
    assert {found.verdict for found in (none, empty)} == {Verdict.FAIL}
    assert "10 scored clips" in render_gate(none)


def test_a_floor_that_is_no_share_is_refused(gate: Gate) -> None:
    with pytest.raises(ConfigError, match=r"worst_group\.sex"):
        gate(floors={"worst_group": {"sex": 60}})


def test_a_baseline_file_keeps_it(subject: Make, gate: Gate, tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    write_baseline(path, with_group(subject(), Interval(value=0.65)))

    read = read_baseline(path)

    assert read.figures.worst_group["sex"] == WorstGroup(name="female", uar=Interval(value=0.65))
    assert judged(read, gate, sex=0.7).verdict is Verdict.FAIL
