"""A table that was made part by part is the table that is made at once."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from sv_eval.emotions import EMOTIONS
from sv_eval.errors import RunDirectoryError
from sv_eval.record_file.columns import columns
from sv_eval.record_file.line import line_of_json
from sv_eval.record_file.lines import key_of
from sv_eval.record_file.parts import Parts
from sv_eval.record_file.rows import row_of_line
from sv_eval.record_file.table import RecordTable

NAMES = {item.name for item in fields(RecordTable)} - {"n_repeated", "class_codes"}


def line(number: int, session: int = 0, of_round: int = 0, *, failed: bool = False) -> dict[str, Any]:
    rng = random.Random(f"{number} {session} {of_round}")
    clip: dict[str, Any] = {"id": f"c{number:03d}", "path": f"{number}.wav", "reference": rng.choice(EMOTIONS)}
    clip |= {"raw_label": f"w{rng.randrange(9)}", "speaker": rng.choice([None, "s1", "s2", f"only {number}"])}
    clip |= {"emotions": ["a", "b"]} if number % 5 == 0 else {}
    clip |= {"votes": {"a": number % 3 + 1}} if number % 4 == 0 else {}
    record = {"clip": clip, "session": session, "round": of_round, "call": number}
    if failed:
        return record | {"outcome": "FAILURE", "failure": {"kind": "timeout", "message": str(number)}}
    said = {"label": rng.choice(EMOTIONS), "text": f"words {number}", "confidence": rng.random()}
    said |= {"stages_ms": {"late": 1.0, "inference": 2.0}} if number > 20 else {"stages_ms": {"inference": 2.0}}
    said |= {"answered_by": "another"} if number % 7 == 0 else {}
    record |= {"outcome": "LABEL", "prediction": said, "latency_ms": rng.random(), "audio_s": 1.0}
    record |= {"sound": {"snr_db": 3.0, "rate_hz": 16000}} if number % 3 else {"sound": {"rate_hz": 8000}}
    return record | ({"marks": ["mixed"]} if number % 6 == 0 else {})


def run_of(*, in_order: bool, again: bool, rounds: bool) -> list[dict[str, Any]]:
    failed = {3, 30} if again else set()
    lines = [line(number, failed=number in failed) for number in range(40)]
    if not in_order:
        random.Random(0).shuffle(lines)
    lines += [line(number, session=1) for number in sorted(failed)]
    return lines + [line(number, of_round=1) for number in (range(0, 40, 3) if rounds else ())]


def tables(lines: Iterable[dict[str, Any]], most: int) -> tuple[dict[str, Any], dict[str, Any] | None]:
    parts = Parts("x", most)
    for number, one in enumerate(map(line_of_json, lines), 1):
        parts.add(key_of(one, "x", number), number, row_of_line(one, {}))
    return parts.columns()


@pytest.mark.parametrize("most", [1, 7, 40])
@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize("again", [True, False])
@pytest.mark.parametrize("rounds", [True, False])
def test_parts_make_the_table_that_is_made_at_once(most: int, in_order: bool, again: bool, rounds: bool) -> None:
    lines = run_of(in_order=in_order, again=again, rounds=rounds)

    found, whole = tables(lines, most), tables(lines, 10**6)

    assert (found[1] is None) == (whole[1] is None) == (not rounds)
    for one, other in zip(found, whole, strict=True):
        if one is None or other is None:
            continue
        assert (
            one.keys()
            == other.keys()
            == {item.name for item in fields(RecordTable)} - {"n_repeated", "class_codes"}
        )
        for name, value in other.items():
            same(name, one[name], value)


def same(name: str, one: Any, other: Any) -> None:
    if isinstance(other, np.ndarray):
        assert one.dtype == other.dtype, name
        assert np.array_equal(one, other, equal_nan=other.dtype.kind == "f"), name
    elif isinstance(other, dict) and any(isinstance(value, np.ndarray) for value in other.values()):
        # Stages come in the order in which parts have them; facts in their own.
        assert one.keys() == other.keys(), name
        assert name == "stages_ms" or list(one) == list(other), name
        for key in other:
            same(f"{name}.{key}", one[key], other[key])
    else:
        assert one == other, name
        assert not isinstance(other, dict) or list(one) == list(other), name


def test_an_error_names_the_line_of_a_part() -> None:
    lines = [line(number) for number in range(9)]
    lines[7]["clip"]["reference"] = "grumpy"

    with pytest.raises(RunDirectoryError, match="x, line 8, clip 'c007'"):
        tables(lines, 2)


@pytest.mark.parametrize("most", [1, 2, 3, 4, 100])
@pytest.mark.parametrize(
    ("again", "told"),
    [
        ([line(1)], r"x, line 5: clip 'c001' has a record already, in line 2;"),
        ([line(1, session=1)], r"x, line 5: clip 'c001' has a record already, in line 2;"),
        ([line(2, failed=True)], r"x, line 5: clip 'c002' has a record already, in line 3;"),
        # The first of two is of the same start; the second would be right behind it.
        ([line(2, failed=True), line(2, session=1)], r"x, line 5: clip 'c002' has a record already, in line 3;"),
        ([line(2, session=1), line(2, session=2)], r"x, line 6: clip 'c002' has a record already, in line 5;"),
        ([line(3, of_round=1), line(3, of_round=1)], r"x, line 6: clip 'c003' has a record already, in line 5;"),
    ],
)
def test_a_repeat_that_no_start_makes_is_refused_wherever_parts_end(
    most: int, again: list[dict[str, Any]], told: str
) -> None:
    with pytest.raises(RunDirectoryError, match=told):
        tables([*(line(number, failed=number == 2) for number in range(4)), *again], most)


@pytest.mark.parametrize("most", [1, 2, 3, 100])
def test_what_gave_way_is_counted_wherever_parts_end(most: int) -> None:
    lines = [line(number, failed=number in (1, 2)) for number in range(4)]
    lines += [line(1, session=1, failed=True), line(2, session=1), line(1, session=2), line(3, of_round=1)]
    lines += [line(3, session=3, of_round=1)]
    parts = Parts("x", most)
    for number, one in enumerate(map(line_of_json, lines), 1):
        parts.add(key_of(one, "x", number), number, row_of_line(one, {}))
    first, _ = parts.columns()

    assert parts.asked_again == 3
    assert first["session"].tolist() == [0, 2, 1, 0]


def test_no_rows_are_an_empty_table() -> None:
    found, later = tables([], 2)

    assert later is None
    assert found["clip_ids"] == columns([])["clip_ids"] == ()
