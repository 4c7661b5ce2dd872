from __future__ import annotations

from pathlib import Path

import pytest

from sv_eval.errors import RunDirectoryError
from sv_eval.record_file.as_json import record_from_json, record_to_json
from sv_eval.record_file.journal import RECORDS, Journal
from sv_eval.records import Clip, Failure, Outcome, Prediction, Record, Segment


def record(name: str, *, session: int = 0, failed: bool = False) -> Record:
    if failed:
        failure = Failure(kind="timeout", message="no answer came")
        return Record(clip=Clip(id=name), outcome=Outcome.FAILURE, failure=failure, session=session)
    return Record(
        clip=Clip(id=name, reference="happy", speaker="s1", start_s=0.5),
        outcome=Outcome.LABEL,
        prediction=Prediction(
            label="happy",
            forced="happy",
            scores={"happy": 0.75, "unknown": 0.25},
            confidence=0.75,
            segments=(Segment(start_s=0.0, end_s=1.5, label="happy"),),
        ),
        latency_ms=12.5,
        audio_s=1.5,
        session=session,
    )


def test_a_record_is_read_back_as_it_was_written() -> None:
    assert record_from_json(record_to_json(record("a"))) == record("a")
    assert record_from_json(record_to_json(record("b", failed=True))) == record("b", failed=True)


def test_records_survive_the_end_of_a_run_and_the_next_start_knows_them(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.append(record("a"))
        journal.append(record("b", failed=True))

    with Journal(tmp_path) as again:
        assert again.done == {"a", "b"}
        assert (again.session, again.failed) == (1, 1)


def test_a_line_that_a_kill_cut_short_is_removed(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.append(record("a"))
        journal.append(record("b"))
    path = tmp_path / RECORDS
    path.write_bytes(path.read_bytes()[:-9])

    with Journal(tmp_path) as again:
        assert again.done == {"a"}
        again.append(record("b", session=again.session))

    with Journal(tmp_path) as third:
        assert third.done == {"a", "b"}


def test_failed_clips_can_be_asked_again(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.append(record("a"))
        journal.append(record("b", failed=True))

    with Journal(tmp_path, retry_failed=True) as again:
        assert again.done == {"a"}
        again.append(record("b", session=1))

    with Journal(tmp_path) as third:
        assert third.failed == 0


def test_two_processes_can_not_write_one_run(tmp_path: Path) -> None:
    with Journal(tmp_path), pytest.raises(RunDirectoryError, match="another process"), Journal(tmp_path):
        pass


def test_a_place_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(RunDirectoryError, match=r"hydra\.run\.dir"), Journal(tmp_path / "file" / "run"):
        pass


@pytest.mark.damages_files
def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / RECORDS
    path.write_text("my precious notes\n", encoding="utf-8")

    with pytest.raises(RunDirectoryError, match=r"records\.jsonl, line 1: not JSON"), Journal(tmp_path):
        pass

    assert path.read_text(encoding="utf-8") == "my precious notes\n"


@pytest.mark.damages_files
def test_a_label_that_is_no_text_is_named(tmp_path: Path) -> None:
    line = '{"clip": {"id": "a"}, "outcome": "LABEL", "prediction": {"label": ["sad"]}}\n'
    (tmp_path / RECORDS).write_text(line, encoding="utf-8")

    with pytest.raises(RunDirectoryError, match="line 1: not a record"), Journal(tmp_path):
        pass
