from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sv_eval.errors import RunDirectoryError, UsageError
from sv_eval.record_file.as_json import record_to_json
from sv_eval.record_file.line import read_line
from sv_eval.record_file.lines import records_hash
from sv_eval.record_file.rows import ANSWERS, row_of_line
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.table import RecordTable
from sv_eval.records import Record

Make = Callable[..., Record]


def assert_same(one: RecordTable, two: RecordTable) -> None:
    for name in RecordTable.__slots__:
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)


def test_records_in_memory_and_read_back_make_the_same_table(tmp_path: Path, records: list[Record]) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text("".join(json.dumps(record_to_json(each)) + "\n" for each in records), encoding="utf-8")

    read = RunRecords.read(tmp_path)

    assert_same(RunRecords.of_records(records).answers, read.answers)
    assert read.answers is read.requests
    assert read.hash == hashlib.sha256(path.read_bytes()).hexdigest() == records_hash(path)


def test_order_does_not_matter(records: list[Record]) -> None:
    assert_same(RunRecords.of_records(records).answers, RunRecords.of_records(reversed(records)).answers)


def written(*records: Record) -> list[str]:
    return [json.dumps(record_to_json(each)) for each in records]


def test_a_later_start_s_record_counts_in_place_of_a_failure(record: Make) -> None:
    table = RunRecords.of_records([record("a", "sad", "failed"), record("a", "sad", "sad", session=1)]).answers

    assert (len(table), table.n_repeated) == (1, 1)
    assert ANSWERS[table.predicted[0]] == "sad"
    assert table.failures == {}


def test_a_clip_that_failed_again_and_again_counts_once_and_each_time_it_was_asked_again(record: Make) -> None:
    starts = [record("a", "sad", "failed", session=n) for n in range(3)]

    table = RunRecords.of_lines(written(*starts, record("a", "sad", "sad", session=3))).answers

    assert (len(table), table.n_repeated, table.session.tolist()) == (1, 3, [3])


def both_ways(records: list[Record]) -> list[Callable[[], RunRecords]]:
    return [lambda: RunRecords.of_records(records), lambda: RunRecords.of_lines(written(*records))]


@pytest.mark.parametrize("answers", [("sad", "sad"), ("sad", "failed"), ("failed", "sad"), ("failed", "failed")])
@pytest.mark.parametrize("number", [0, 1])
def test_the_same_clip_twice_in_a_round_of_one_start_is_refused(
    record: Make, answers: tuple[str, str], number: int
) -> None:
    records = [record("a", "sad", answers[0], round=number), record("b", "sad", "sad")]
    records += [record("a", "sad", answers[1], round=number)]

    for read in both_ways(records):
        with pytest.raises(
            RunDirectoryError, match=r"^records, line 3: clip 'a' has a record already, in line 1; "
        ):
            read()


@pytest.mark.parametrize("again", ["sad", "happy", "failed"])
def test_a_later_start_s_record_in_place_of_an_answer_is_refused(record: Make, again: str) -> None:
    records = [record("b", "sad", "sad"), record("a", "sad", "sad"), record("a", "sad", again, session=1)]

    for read in both_ways(records):
        with pytest.raises(RunDirectoryError) as refusal:
            read()
        assert str(refusal.value) == (
            "records, line 3: clip 'a' has a record already, in line 2; only a later start of the run gives "
            "another, in place of a failure. Delete what does not belong"
        )


def test_an_earlier_start_s_record_after_a_later_one_s_failure_is_refused(record: Make) -> None:
    records = [record("a", "sad", "failed", session=1), record("a", "sad", "sad", session=0)]

    for read in both_ways(records):
        with pytest.raises(RunDirectoryError, match="line 2: clip 'a' has a record already, in line 1"):
            read()


def test_a_repeat_in_a_file_is_named_with_the_file(tmp_path: Path, record: Make) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text("".join(f"{line}\n" for line in written(*2 * [record("a", "sad", "sad")])), encoding="utf-8")

    with pytest.raises(RunDirectoryError, match=f"^{re.escape(str(path))}, line 2: clip 'a'"):
        RunRecords.read(tmp_path)


def test_rounds_are_apart_and_a_later_start_goes_through_the_later_ones_anew(record: Make) -> None:
    records = [record(name, "sad", "sad", round=n) for n in range(3) for name in ("a", "b")]
    anew = [record("b", "sad", answer, round=n, session=1) for n, answer in ((1, "happy"), (2, "failed"))]

    for read in both_ways([*records, *anew]):
        found = read()

        assert (found.answers.clip_ids, found.answers.round.tolist()) == (("a", "b"), [0, 0])
        assert [ANSWERS[code] for code in found.answers.predicted] == ["sad", "sad"]
        assert list(zip(found.requests.clip_ids, found.requests.round.tolist(), strict=True)) == [
            ("a", 0), ("a", 1), ("a", 2), ("b", 0), ("b", 1), ("b", 2),
        ]  # fmt: skip
        assert [ANSWERS[code] for code in found.requests.predicted] == [*4 * ["sad"], "happy", "failed"]
        assert found.requests.session.tolist() == [0, 0, 0, 0, 1, 1]
        # No failure gave way.
        assert found.answers.n_repeated == found.requests.n_repeated == 0


def test_a_torn_last_line_is_left_out(records: list[Record]) -> None:
    lines = [json.dumps(record_to_json(each)) for each in records]

    assert len(RunRecords.of_lines([*lines, "", '{"clip": {"id": "z"']).answers) == 5


def test_a_broken_line_before_others_is_an_error(records: list[Record]) -> None:
    lines = [json.dumps(record_to_json(each)) for each in records]

    with pytest.raises(UsageError, match="line 1: not JSON"):
        RunRecords.of_lines(["{", *lines])


@pytest.mark.parametrize("line", ['{"outcome": "LABEL"}', "[1]", '{"clip": {"id": "a"}}', "3"])
def test_a_line_that_is_no_record_is_an_error(line: str) -> None:
    with pytest.raises(UsageError, match="line 1: not a record"):
        RunRecords.of_lines([line])


def test_a_line_that_is_nested_too_deep_is_an_error() -> None:
    deep = "[" * 200_000 + "]" * 200_000
    for line in (deep, '{"clip": {"id": "a"}, "outcome": "LABEL", "raw": ' + deep + "}"):
        with pytest.raises(UsageError, match="line 1: not JSON"):
            RunRecords.of_lines([line + "\n"])


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
        ({"session": None}, "line 2, clip 'k7': round and session are whole numbers"),
        ({"session": 1.0}, "line 2, clip 'k7': round and session are whole numbers"),
        ({"round": "1"}, "line 2, clip 'k7': round and session are whole numbers"),
        ({"session": 2**40}, f"line 2, clip 'k7': session {2**40} is no such number"),
        ({"round": 2**40}, f"line 2, clip 'k7': round {2**40} is no such number"),
        ({"round": 2**70}, f"line 2, clip 'k7': round {2**70} is no such number"),
        ({"clip": {"id": "k7", "sex": 1}}, "line 2, clip 'k7': sex 1 is no text"),
    ],
)
def test_a_hand_edited_line_is_named_with_its_clip_and_what_is_wrong(change: dict[str, object], words: str) -> None:
    line = {**GOOD, "clip": {"id": "k7", "reference": "sad"}} | change

    with pytest.raises(UsageError, match=words):
        RunRecords.of_lines([GOOD, json.dumps(line)])


def test_a_record_in_memory_with_a_foreign_label_is_named_by_its_clip(record: Make) -> None:
    with pytest.raises(UsageError, match="records, clip 'k7': answer 'joy'"):
        RunRecords.of_records([record("k7", "sad", "joy")])


def test_calls_and_their_times_are_read_and_absent_ones_marked(record: Make) -> None:
    table = RunRecords.of_records(
        [record("a", "sad", "sad", call=3, sent_s=1.5), record("b", "sad", "sad")]
    ).answers

    assert table.call.tolist() == [3, -1]
    np.testing.assert_array_equal(table.sent_s, [1.5, np.nan])


def test_banned_replaces_unknown_only(records: list[Record]) -> None:
    table = RunRecords.of_records(records).answers

    assert [ANSWERS[code] for code in table.banned] == ["happy", "sad", "no_tag", "no_speech", "failed"]


def test_an_empty_run_makes_an_empty_table() -> None:
    assert len(RunRecords.of_lines([]).answers) == 0


def test_words_that_many_records_share_are_kept_once(record: Make) -> None:
    lines = [json.dumps(record_to_json(record(name, "happy", "happy"))) for name in ("a", "b")]
    words: dict[str, str] = {}

    one, two = (row_of_line(read_line(line), words) for line in lines)

    shared = [place for place, value in enumerate(one) if isinstance(value, str) and value == "happy"]
    assert len(shared) >= 2  # reference and label
    assert all(one[place] is two[place] is one[shared[0]] for place in shared)
