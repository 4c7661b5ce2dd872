from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sv_eval.errors import UsageError
from sv_eval.records import Record, record_to_json
from sv_eval.scoring.rows import ANSWERS
from sv_eval.scoring.table import RecordTable

Make = Callable[..., Record]


def assert_same(one: RecordTable, two: RecordTable) -> None:
    for name in RecordTable.__slots__:
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)


def test_records_in_memory_and_read_back_make_the_same_table(tmp_path: Path, records: list[Record]) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text("".join(json.dumps(record_to_json(each)) + "\n" for each in records), encoding="utf-8")

    assert_same(RecordTable.from_records(records), RecordTable.read(path))


def test_order_does_not_matter(records: list[Record]) -> None:
    assert_same(RecordTable.from_records(records), RecordTable.from_records(reversed(records)))


def test_the_last_record_of_a_clip_wins(record: Make) -> None:
    table = RecordTable.from_records([record("a", "sad", "failed"), record("a", "sad", "sad", session=1)])

    assert (len(table), table.n_repeated) == (1, 1)
    assert ANSWERS[table.predicted[0]] == "sad"
    assert table.failures == {}


def test_a_torn_last_line_is_left_out(records: list[Record]) -> None:
    lines = [json.dumps(record_to_json(each)) for each in records]

    assert len(RecordTable.from_json_lines([*lines, "", '{"clip": {"id": "z"'])) == 5


def test_a_broken_line_before_others_is_an_error(records: list[Record]) -> None:
    lines = [json.dumps(record_to_json(each)) for each in records]

    with pytest.raises(UsageError, match="line 1: not JSON"):
        RecordTable.from_json_lines(["{", *lines])


@pytest.mark.parametrize("line", ['{"outcome": "LABEL"}', "[1]", '{"clip": {"id": "a"}}', "3"])
def test_a_line_that_is_no_record_is_an_error(line: str) -> None:
    with pytest.raises(UsageError, match="line 1: not a record"):
        RecordTable.from_json_lines([line])


def test_an_unheard_of_emotion_names_the_clip_and_what_is_near() -> None:
    line = {"clip": {"id": "k7", "reference": "sad"}, "outcome": "LABEL", "prediction": {"label": "hapy"}}

    with pytest.raises(UsageError, match="clip 'k7': answer 'hapy'; did you mean happy"):
        RecordTable.from_json_lines([line])


def test_banned_replaces_unknown_only(records: list[Record]) -> None:
    table = RecordTable.from_records(records)

    assert [ANSWERS[code] for code in table.banned] == ["happy", "sad", "no_tag", "no_speech", "failed"]


def test_an_empty_run_makes_an_empty_table() -> None:
    assert len(RecordTable.from_json_lines([])) == 0
