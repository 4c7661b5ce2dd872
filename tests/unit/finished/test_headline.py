"""The lines that end a run on a terminal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import UNSET

from sv_eval.finished.headline import headline
from sv_eval.finished.rescore import Summary
from sv_eval.report.interval import Interval
from sv_eval.report.reasons import Coded, Why
from sv_eval.report.report import Report

Lines = Callable[..., list[str]]


@pytest.fixture
def lines_of(bare_report: Report) -> Lines:
    """The lines about a run with these caveats and counts."""

    def lines(*, caveats: tuple[str | Coded, ...] = (), without: tuple[str, ...] = (), **counts: int) -> list[str]:
        figure = Interval(value=0.5, low=0.4, high=0.6)
        plain = {
            "n_scored": 9, "n_clips": 10, "n_unknown": 1, "n_no_tag": 0, "n_no_speech": 0, "n_failed": 1, **counts,
        }  # fmt: skip
        too_few = Interval(value=None, reason=Why.read("too few"))
        report = replace(
            bare_report,
            run=replace(bare_report.run, **plain),
            accuracy=replace(bare_report.accuracy, uar=figure),
            latency_ms=replace(bare_report.latency_ms, p50=figure, p95=too_few),
            labels=("happy", "sad"),
            labels_without_clips=without,
            caveats=tuple(one if isinstance(one, Coded) else Coded(one) for one in caveats),
            # What is said before these lines has tests of its own.
            findings=UNSET,
        )
        return headline(Summary(report=report, path=Path("runs/report.md"))).splitlines()

    return lines


def test_they_say_what_was_scored_how_well_how_fast_and_where_the_report_is(lines_of: Lines) -> None:
    assert lines_of() == [
        "demo on onnx: 9 of 10 clips scored, 1 unknown, 1 failed",
        "UAR 0.500 [0.400, 0.600]: the mean recall of happy, sad",
        "latency p50 0.50 ms [0.40, 0.60], p95 - (too few)",
        "report: runs/report.md",
    ]


def test_clips_in_which_nothing_was_heard_are_counted_where_there_are_any(lines_of: Lines) -> None:
    assert lines_of(n_no_speech=7, n_no_tag=2)[0].endswith("1 unknown, 2 no tag, 7 no speech, 1 failed")


def test_a_model_that_knows_the_speakers_is_no_surprise_in_the_report_alone(lines_of: Lines) -> None:
    (caveat,) = (line for line in lines_of(caveats=("training_overlap", "n_too_small")) if "caveat" in line)

    assert "trained on some of these speakers" in caveat


def test_a_machine_that_others_used_is_said_with_what_to_do(lines_of: Lines) -> None:
    (caveat,) = (
        line for line in lines_of(caveats=(Coded("contended", share="62 %", limit="15 %"),)) if "caveat" in line
    )

    assert caveat == (
        "caveat: others took 62 % of this machine's processor time meanwhile, so the latency is likely too high: "
        "measure again on a quiet machine (contended)"
    )


def test_a_mean_names_the_emotions_that_it_is_not_over(lines_of: Lines) -> None:
    assert (
        lines_of(without=("sad",))[1]
        == "UAR 0.500 [0.400, 0.600]: the mean recall of happy (no answered clip of sad)"
    )
