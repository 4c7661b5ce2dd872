"""Whatever a corpus, a service or a file name says, nothing that shows it obeys it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sv_eval.finished.headline import headline
from sv_eval.finished.rescore import Summary, compute_report
from sv_eval.foreign_text import cell, spreadsheet_cell, visible
from sv_eval.machine.terminal import complain, note, say
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Clip, Failure, Outcome, Prediction, Record
from sv_eval.report.environment import Environment
from sv_eval.reports.markdown import render
from sv_eval.reports.notebook import render_run
from sv_eval.scoring.config import ScoringConfig
from tests.unit.strangers import CONTROL, HOSTILE, obeyed


def hostile_records() -> list[Record]:
    records = []
    for n in range(24):
        word = f"{HOSTILE}{n}"
        clip = Clip(
            id=word, path=f"/data/{word}.wav", reference=("happy", "sad")[n % 2], raw_label=HOSTILE,
            speaker=f"{HOSTILE}{n % 3}", language="en", transcript=f"{HOSTILE} words {n}",
        )  # fmt: skip
        if n % 6 == 5:
            failure = Failure(kind=HOSTILE, message=HOSTILE)
            records.append(Record(clip=clip, outcome=Outcome.FAILURE, failure=failure, latency_ms=5.0))
            continue
        prediction = Prediction(
            label=("happy", "angry")[n % 2], raw_label=word, text=HOSTILE, confidence=0.5, stages_ms={HOSTILE: 1.0}
        )
        records.append(
            Record(clip=clip, outcome=prediction.outcome, prediction=prediction, latency_ms=5.0, audio_s=1.0)
        )
    return records


@pytest.fixture
def run(environment_of: Callable[..., Environment]) -> tuple[Any, Environment]:
    environment = environment_of(config={"load": {"schedule": "single_stream", "warmup_clips": 0}})
    backend = replace(
        environment.backend, name=HOSTILE, model=HOSTILE, device=HOSTILE, precision=HOSTILE, model_hash=HOSTILE,
        details={HOSTILE: HOSTILE},
    )  # fmt: skip
    dataset = replace(environment.dataset, name=HOSTILE, title=HOSTILE, licence=HOSTILE, split=HOSTILE)
    environment = replace(environment, backend=backend, dataset=dataset)
    return compute_report(RunRecords.of_records(hostile_records()), environment, ScoringConfig()), environment


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_report_shows_hostile_words_and_obeys_none(run: tuple[Any, Environment], language: str) -> None:
    report, environment = run

    text = render(report, environment, language)

    assert "owned" in text
    assert not CONTROL.search(text)
    assert obeyed(text) == []


def test_a_notebook_and_a_terminal_obey_none_either(
    run: tuple[Any, Environment], capsys: pytest.CaptureFixture[str]
) -> None:
    report, _ = run

    assert "<script>" not in render_run(report)
    say(headline(Summary(report=report, path=Path("report.md"))))
    note(HOSTILE)
    complain(HOSTILE)

    said = capsys.readouterr()
    assert "owned" in said.out
    assert not CONTROL.search(said.out + said.err)


@given(st.text())
def test_what_is_visible_has_no_control_and_stays_so(text: str) -> None:
    found = visible(text)

    assert not CONTROL.search(found)
    assert visible(found) == found
    assert "\n" not in cell(text)
    assert "](" not in cell(text)


@pytest.mark.parametrize("text", ["happy", "高兴。", "très fâché", "Ärger 😀", "-1.5", "a\tb\nc"])
def test_honest_words_stay_as_they_are(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_spreadsheet_computes_nothing(text: str) -> None:
    assert str(spreadsheet_cell(text)).startswith("'")
