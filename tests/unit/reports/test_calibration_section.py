"""What a report says of probabilities, thresholds and confident answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sv_eval.finished.rescore import compute_report
from sv_eval.record_file.as_json import record_to_json
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.score_table import ScoreTable
from sv_eval.records import Clip, Outcome, Prediction, Record
from sv_eval.report.report import Report
from sv_eval.reports.figures import RELIABILITY, draw_figures
from sv_eval.reports.markdown import render
from sv_eval.scoring.config import ScoringConfig

LABELS = ("happy", "sad")


@pytest.fixture
def here(bare_environment: Any) -> Any:
    config = {**bare_environment.config, "load": {**bare_environment.load, "warmup_clips": 0}}
    return replace(bare_environment, config=config)


def report_of(environment: Any, *, confidence: float, right: int, scores: bool = True) -> Report:
    """100 clips of ten speakers, so many of each ten right, all as confident."""
    records = []
    for i in range(100):
        reference, other = LABELS[i % 2], LABELS[(i + 1) % 2]
        answer = reference if (i // 10) < right else other
        told = {answer: confidence, reference if answer != reference else other: round(1 - confidence, 6)}
        records.append(
            Record(
                clip=Clip(id=f"c{i:03d}", reference=reference, speaker=f"s{i % 10}"),
                outcome=Outcome.LABEL,
                prediction=Prediction(
                    label=answer, scores=told if scores else None, confidence=confidence + i * 1e-5
                ),
                audio_s=2.0,
            )
        )
    table = ScoreTable.of_lines([record_to_json(one) for one in records])
    settings = ScoringConfig(resamples=100, precision=0.6)
    return compute_report(RunRecords.of_records(records), environment, settings, score_table=table)


def code_of(report: Report) -> str:
    return report.caveats[-1].code


def test_a_caveat_says_which_way_confidence_is_off(here: Any) -> None:
    sure, unsure = (report_of(here, confidence=one, right=8) for one in (0.95, 0.6))

    found = {code_of(one): one.caveats[-1].values for one in (sure, unsure)}

    assert set(found) == {"overconfident", "underconfident"}
    assert (found["overconfident"]["confidence"], found["overconfident"]["right"]) == (95.0, 80.0)
    assert (found["underconfident"]["confidence"], found["underconfident"]["right"]) == (60.0, 80.0)
    assert sure.calibration
    assert sure.calibration.confidence
    assert sure.calibration.confidence.gap.value == pytest.approx(0.15, abs=0.01)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_sections_have_a_row_for_each_emotion(language: str, here: Any) -> None:
    report = report_of(here, confidence=0.8, right=8)

    text = render(report, here, language)

    tables = text.split("figures/reliability.svg)")[1].split("## ")
    happy = {"en": "| happy |", "zh": "| 高兴 |"}[language]
    assert [happy in part for part in tables[:3]] == [True, True, True]


def test_confidence_without_scores_is_said_to_be_judged_alone(here: Any) -> None:
    report = report_of(here, confidence=0.8, right=8, scores=False)

    text = render(report, here)

    assert "confidence alone is judged" in text
    assert not report.operating
    assert report.selective
    assert RELIABILITY in draw_figures(report)


def test_what_cannot_be_promised_is_said(here: Any) -> None:
    text = render(report_of(here, confidence=0.8, right=5), here)

    assert text.count("can't be promised |") == 2
