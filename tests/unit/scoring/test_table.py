from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sv_eval.errors import UsageError
from sv_eval.record_file.json_lines import parse_line
from sv_eval.record_file.rows import ANSWERS, row_of_json
from sv_eval.record_file.table import RecordTable
from sv_eval.records import Record, record_to_json

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


GOOD = {"clip": {"id": "a", "reference": "sad"}, "outcome": "LABEL", "prediction": {"label": "sad"}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prediction": {"label": "hapy"}}, "line 2, clip 'k7': answer 'hapy'; did you mean happy"),
        ({"prediction": {"label": "joy"}}, "line 2, clip 'k7': answer 'joy'; choose one of: angry"),
        ({"prediction": {"label": ["sad"]}}, "line 2, clip 'k7': answer"),
        ({"prediction": None}, "line 2, clip 'k7': answer 'None'"),
        ({"prediction": {"label": "sad", "forced": "joy"}}, "line 2, clip 'k7': forced answer 'joy'"),
        ({"clip": {"id": "k7", "reference": "joy"}}, "line 2, clip 'k7': reference 'joy'"),
        ({"clip": {"id": "k7", "speaker": 5}}, "line 2, clip 'k7': speaker 5 is no text"),
        ({"clip": {"id": 7}}, "line 2: not a record"),
        ({"outcome": "LABLE"}, "line 2, clip 'k7': outcome 'LABLE'; did you mean LABEL"),
        ({"outcome": ["LABEL"]}, "line 2, clip 'k7': outcome"),
        ({"latency_ms": "fast"}, "line 2, clip 'k7': latency_ms 'fast' is no such number"),
        ({"audio_s": [1.0]}, "line 2, clip 'k7': audio_s"),
        ({"call": "x"}, "line 2, clip 'k7': call 'x'"),
        ({"session": None}, "line 2, clip 'k7': session None"),
    ],
)
def test_a_hand_edited_line_is_named_with_its_clip_and_what_is_wrong(change: dict[str, object], words: str) -> None:
    line = {**GOOD, "clip": {"id": "k7", "reference": "sad"}} | change

    with pytest.raises(UsageError, match=words):
        RecordTable.from_json_lines([GOOD, json.dumps(line)])


def test_a_record_in_memory_with_a_foreign_label_is_named_by_its_clip(record: Make) -> None:
    with pytest.raises(UsageError, match="records, clip 'k7': answer 'joy'"):
        RecordTable.from_records([record("k7", "sad", "joy")])


def test_calls_and_their_times_are_read_and_absent_ones_marked(record: Make) -> None:
    table = RecordTable.from_records([record("a", "sad", "sad", call=3, sent_s=1.5), record("b", "sad", "sad")])

    assert table.call.tolist() == [3, -1]
    np.testing.assert_array_equal(table.sent_s, [1.5, np.nan])


def test_banned_replaces_unknown_only(records: list[Record]) -> None:
    table = RecordTable.from_records(records)

    assert [ANSWERS[code] for code in table.banned] == ["happy", "sad", "no_tag", "no_speech", "failed"]


def test_an_empty_run_makes_an_empty_table() -> None:
    assert len(RecordTable.from_json_lines([])) == 0


def test_words_that_many_records_share_are_kept_once(record: Make) -> None:
    lines = [json.dumps(record_to_json(record(name, "happy", "happy"))) for name in ("a", "b")]
    words: dict[str, str] = {}

    one, two = (row_of_json(parse_line(line), words) for line in lines)

    shared = [place for place, value in enumerate(one) if isinstance(value, str) and value == "happy"]
    assert len(shared) >= 2  # reference and label
    assert all(one[place] is two[place] is one[shared[0]] for place in shared)
