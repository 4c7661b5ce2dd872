from __future__ import annotations

from pathlib import Path

import pytest

from sv_eval.errors import RunDirectoryError
from sv_eval.frame import read_frame
from sv_eval.record_file.journal import Journal
from sv_eval.records import Clip, Failure, Outcome, Prediction, Record


def test_records_become_a_table_with_one_row_a_clip(tmp_path: Path) -> None:
    said = Prediction(label="happy", scores={"happy": 0.75, "sad": 0.25})
    with Journal(tmp_path) as journal:
        journal.append(Record(clip=Clip(id="b", reference="sad"), outcome=Outcome.LABEL, prediction=said))
        failure = Failure(kind="timeout", message="no answer")
        journal.append(Record(clip=Clip(id="a"), outcome=Outcome.FAILURE, failure=failure))
        journal.append(Record(clip=Clip(id="a"), outcome=Outcome.LABEL, prediction=said, latency_ms=3.0))

    frame = read_frame(tmp_path)

    assert list(frame.index) == ["a", "b"]
    assert frame.loc["b", "clip.reference"] == "sad"
    assert frame.loc["a", "prediction.scores.happy"] == 0.75
    assert frame.loc["a", "outcome"] == "LABEL"


def test_a_directory_without_records_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="records"):
        read_frame(tmp_path)
