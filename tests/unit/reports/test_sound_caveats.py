"""What was met in the clips' audio stands in the report, in both languages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sv_eval.record_file.as_json import record_from_json, record_to_json
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Clip, Outcome, Prediction, Record
from sv_eval.report.reasons import Coded
from sv_eval.reports.wording import Wording
from sv_eval.scoring.sound import marked_clips
from sv_eval.sound_facts import AUDIO_MARKS


def records(*marks: tuple[str, ...]) -> RunRecords:
    answer = Prediction(label="sad", forced="sad")
    return RunRecords.of_records(
        Record(clip=Clip(id=f"c{n}"), outcome=Outcome.LABEL, prediction=answer, marks=each)
        for n, each in enumerate(marks)
    )


def test_clips_are_counted_by_what_was_met_with_the_first_by_name() -> None:
    found = marked_clips(records((), ("mixed",), ("joined", "mixed"), ("strange",)).answers)

    assert {mark: (one.count, one.example) for mark, one in found.items()} == {
        "mixed": (2, "c1"), "joined": (1, "c2"),
    }  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("mark", AUDIO_MARKS)
def test_every_mark_has_its_sentence(language: str, mark: str) -> None:
    values: dict[str, Any] = {"n": 3, "total": 70, "example": "call#17"}

    sentence = Wording(language).caveat(Coded(f"sound_{mark}", **values))

    assert all(str(value) in sentence for value in values.values())


def test_a_record_keeps_its_marks_on_disk() -> None:
    record = Record(
        clip=Clip(id="c", channel=2), outcome=Outcome.LABEL, prediction=Prediction(label="sad"), marks=("mixed",)
    )

    assert record_from_json(record_to_json(record)) == record
    assert "marks" not in record_to_json(replace(record, marks=()))
