from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd
import pytest

from sv_eval.errors import RunDirectoryError, UsageError
from sv_eval.finished.rescore import compute_report
from sv_eval.frame import read_frame
from sv_eval.record_file.journal import Journal
from sv_eval.record_file.lines import RECORDS
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Clip, Failure, Outcome, Prediction, Record, as_shared
from sv_eval.report.environment import Environment, HowShared
from sv_eval.report.report import Report
from sv_eval.scoring.config import ScoringConfig

Make = Callable[..., Record]
EnvironmentOf = Callable[..., Environment]
ANSWERS = ("happy", "sad", "unknown", "happy")
LOAD = {"schedule": "single_stream"}


def test_records_become_a_table_with_one_row_a_clip(tmp_path: Path) -> None:
    said = Prediction(label="happy", scores={"happy": 0.75, "sad": 0.25})
    with Journal(tmp_path) as journal:
        journal.append(Record(clip=Clip(id="b", reference="sad"), outcome=Outcome.LABEL, prediction=said))
        failure = Failure(kind="timeout", message="no answer")
        journal.append(Record(clip=Clip(id="a"), outcome=Outcome.FAILURE, failure=failure))
    with Journal(tmp_path, retry_failed=True) as again:
        again.append(
            Record(clip=Clip(id="a"), outcome=Outcome.LABEL, prediction=said, latency_ms=3.0, session=again.session)
        )

    frame = read_frame(tmp_path)

    assert list(frame.index) == ["a", "b"]
    assert frame.loc["b", "clip.reference"] == "sad"
    assert frame.loc["a", "prediction.scores.happy"] == 0.75
    assert frame.loc["a", "outcome"] == "LABEL"


def test_a_directory_without_records_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="records"):
        read_frame(tmp_path)


def written(directory: Path, records: Iterable[Record]) -> Path:
    with Journal(directory) as journal:
        for record in records:
            journal.append(record)
    return directory


def share_right(frame: pd.DataFrame) -> float:
    """Accuracy as anybody would work it out of the table."""
    return float((frame["clip.reference"] == frame["prediction.label"]).mean())


def reported(run: Path, environment: Environment) -> Report:
    return compute_report(RunRecords.read(run), environment, ScoringConfig(resamples=100))


def asked_twice(record: Make) -> list[Record]:
    """Two rounds over twelve clips; the answers of the second are all wrong."""
    first = [
        record(f"c{n:02}", "happy", ANSWERS[n % 4], call=n, sent_s=n / 10, attempts=2 if n == 5 else 1)
        for n in range(12)
    ]
    again = [
        record(f"c{n:02}", "happy", "failed" if n == 7 else "angry", round=1, call=12 + n, sent_s=2 + n / 10)
        for n in range(12)
    ]
    return [*first, *again]


def shared_and_timed(record: Make) -> list[Record]:
    """As a setting of a sweep leaves it: a timed pass over four clips, twice, and every answer put together."""
    timed = [
        record(f"c{n:02}", "happy", "angry", round=number, call=4 * number + n, sent_s=number + n / 10)
        for number in (1, 2)
        for n in range(4)
    ]
    return [*timed, *(as_shared(record(f"c{n:02}", "happy", ANSWERS[n % 4])) for n in range(12))]


def test_accuracy_of_a_run_of_two_rounds_is_that_of_the_first(
    tmp_path: Path, record: Make, environment_of: EnvironmentOf
) -> None:
    run = written(tmp_path, asked_twice(record))

    frame = read_frame(run)

    report = reported(run, environment_of(config={"load": LOAD | {"rounds": 2}}))
    assert frame.index.is_unique
    assert share_right(frame) == report.accuracy.accuracy.value == 0.5
    assert "round" not in frame.columns


def test_requests_are_those_of_all_rounds_and_tell_which_latency_is_of(
    tmp_path: Path, record: Make, environment_of: EnvironmentOf
) -> None:
    run = written(tmp_path, asked_twice(record))

    frame = read_frame(run, "requests")

    report = reported(run, environment_of(config={"load": LOAD | {"rounds": 2}}))
    assert list(frame.index) == [(f"c{n:02}", number) for n in range(12) for number in range(2)]
    assert frame["clean"].sum() == report.latency_ms.n == 22
    assert not frame.loc[("c05", 0), "clean"]
    assert not frame.loc[("c07", 1), "clean"]
    assert frame.loc[("c07", 1), "failure.kind"] == "timeout"
    assert frame.loc[("c00", 1), "latency_ms"] == 50.0


def test_a_swept_run_has_its_shared_answers_and_its_timed_requests(
    tmp_path: Path, record: Make, environment_of: EnvironmentOf
) -> None:
    run = written(tmp_path, shared_and_timed(record))

    answers, requests = read_frame(run), read_frame(run, "requests")

    report = reported(
        run, environment_of(sharing=HowShared(timed_requests=8, timed_clips=4, checked_clips=0, seed=0))
    )
    assert list(answers.index) == [f"c{n:02}" for n in range(12)]
    assert share_right(answers) == report.accuracy.accuracy.value == 0.5
    assert answers["shared"].all()
    assert len(requests) == 20
    assert requests["clean"].sum() == report.latency_ms.n == 8
    assert not requests.xs(0, level="round")["clean"].any()
    assert requests[requests["clean"]]["latency_ms"].notna().all()


def test_only_the_start_that_latency_is_from_is_clean(tmp_path: Path, record: Make) -> None:
    of_first = [record(f"a{n}", "sad", "sad", session=0) for n in range(3)]
    run = written(tmp_path, [*of_first, *(record(f"b{n}", "sad", "sad", session=1) for n in range(4))])

    frame = read_frame(run, "requests")

    assert frame["clean"].tolist() == [False] * 3 + [True] * 4


@pytest.mark.damages_files
def test_a_hand_edited_line_is_named_as_it_stands_in_the_file(tmp_path: Path, record: Make) -> None:
    run = written(tmp_path, [record(name, "sad", "sad") for name in ("c", "b", "a")])
    path = run / RECORDS
    path.write_text("\n" + path.read_text().replace('"label":"sad"', '"label":"joy"', 1))

    with pytest.raises(RunDirectoryError, match=rf"{re.escape(str(path))}, line 2, clip 'c': answer 'joy'"):
        read_frame(run, "requests")


def test_a_repeat_that_no_start_makes_is_refused(tmp_path: Path, record: Make) -> None:
    run = written(tmp_path, [record("a", "sad", "sad"), record("a", "sad", "happy")])

    with pytest.raises(RunDirectoryError, match="line 2: clip 'a' has a record already, in line 1"):
        read_frame(run)


def test_another_view_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="of='request' is not known; did you mean requests"):
        read_frame(tmp_path, "request")


@pytest.mark.parametrize("of", ["answers", "requests"])
def test_a_run_without_a_record_is_an_empty_table(tmp_path: Path, of: str) -> None:
    (tmp_path / RECORDS).touch()

    assert read_frame(tmp_path, of).empty
