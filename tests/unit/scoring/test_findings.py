"""The verdict is what the report says, in the order in which it matters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sv_eval.report.interval import Interval
from sv_eval.report.reasons import Coded
from sv_eval.report.report import Report
from sv_eval.reports.verdict import verdict_lines
from sv_eval.reports.wording import Wording
from sv_eval.scoring.findings import GRAVE, findings_of, is_grave, next_step
from sv_eval.scoring.goals import Goals, reached


@pytest.fixture
def found(bare_report: Report, environment_of: Callable[..., Any]) -> Callable[..., Any]:
    """The findings about a run with this UAR and these caveats."""

    def make(low: float | None, value: float | None, high: float | None, *, goals: Any = None, **parts: Any) -> Any:
        uar = Interval(value=value, low=low, high=high)
        report = replace(bare_report, accuracy=replace(bare_report.accuracy, uar=uar), **parts)
        return findings_of(report, environment_of(), goals or Goals()), report

    return make


@pytest.mark.parametrize(
    ("low", "high", "goal", "at_most", "mark"),
    [
        (0.7, 0.9, 0.7, False, "pass"),
        (0.7, 0.9, 0.95, False, "fail"),
        (0.7, 0.9, 0.8, False, "open"),
        (None, None, 0.8, False, "open"),
        (10.0, 12.0, 12.0, True, "pass"),
        (10.0, 12.0, 9.0, True, "fail"),
        (12.0, None, 10.0, True, "fail"),
        (8.0, None, 10.0, True, "open"),
    ],
)
def test_a_goal_is_reached_by_the_whole_interval(
    low: float | None, high: float | None, goal: float, at_most: bool, mark: str
) -> None:
    assert reached(low, high, goal, at_most=at_most) == mark


def test_goals_are_said_beside_the_figure(found: Callable[..., Any]) -> None:
    findings, report = found(0.7, 0.8, 0.9, goals=Goals(uar=0.75, p95_ms=20.0))

    goals = [one for one in findings if one.code == "goal"]
    assert [(one.values["figure"], one.mark) for one in goals] == [("uar", "open"), ("p95_ms", "open")]
    lines = verdict_lines(Wording("en"), replace(report, findings=findings))
    assert lines[1].plain == "UAR 80.0 % [70.0, 90.0]; the goal is at least 75.0 %"
    chinese = verdict_lines(Wording("zh"), replace(report, findings=findings))
    assert "目标不低于 75.0 %" in chinese[1].plain


def test_without_a_figure_the_reason_stands_there(found: Callable[..., Any]) -> None:
    findings, report = found(None, None, None)

    assert (findings[0].code, findings[0].mark) == ("no_uar", "open")
    assert verdict_lines(Wording("en"), replace(report, findings=findings))[0].sign == "?"


def test_the_gravest_caveat_comes_first_whatever_the_order(found: Callable[..., Any]) -> None:
    caveats = (Coded("uncalibrated"), Coded("training_overlap", corpus="c", speakers=()), Coded("random_weights"))

    findings, _ = found(0.7, 0.8, 0.9, caveats=caveats)

    assert [one.values for one in findings if one.code == "caveat"] == [{"code": "random_weights"}]


def test_limits_of_the_sound_are_grave_where_half_of_the_clips_are_beyond() -> None:
    assert is_grave(Coded("sound_narrow", n=5, total=10))
    assert not is_grave(Coded("sound_narrow", n=4, total=10))
    assert len(set(GRAVE)) == len(GRAVE)


@pytest.mark.parametrize(
    ("codes", "step"),
    [
        (("incomplete", "random_weights"), "resume"),
        (("random_weights",), "own_model"),
        (("training_overlap",), "other_corpus"),
        ((), "check_corpus"),
    ],
)
def test_what_to_do_next_follows_from_what_is_wrong(
    codes: tuple[str, ...], step: str, bare_report: Report, environment_of: Callable[..., Any]
) -> None:
    caveats = tuple(Coded(code) for code in codes)
    scored = replace(bare_report.run, n_scored=5 if codes else 0)

    assert next_step(replace(bare_report, caveats=caveats, run=scored), environment_of()) == step


def test_every_step_and_mark_has_words_in_both_languages() -> None:
    steps = ("resume", "own_model", "check_corpus", "certify", "other_corpus", "controls", "plan", "baseline")
    for language in ("en", "zh"):
        words = Wording(language)
        assert all(words.has(f"verdict.next.{step}") and words.has(f"verdict.commands.{step}") for step in steps)
