"""Scores are read as the records have them, by the rules that records are read by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from sv_eval.errors import RunDirectoryError
from sv_eval.record_file.score_table import ScoreTable


def line(clip: str, scores: Mapping[str, Any] | None, **more: Any) -> dict[str, Any]:
    prediction = {"label": "happy"} | ({} if scores is None else {"scores": dict(scores)})
    return {"clip": {"id": clip}, "outcome": "LABEL", "prediction": prediction, **more}


def failed(clip: str) -> dict[str, Any]:
    return {"clip": {"id": clip}, "outcome": "FAILURE", "failure": {"kind": "x", "message": "y"}}


def as_bytes(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data).encode() + b"\n"


LINES = [
    line("b", {"happy": 0.75, "sad": 0.25}),
    line("c", None),
    failed("d"),
    line("a", {"sad": 0.5, "unknown": 0.5}),
    line("d", {"happy": 1.0}, session=1),
    line("a", {"sad": 0.9}, round=1),
]


@pytest.mark.parametrize("form", [as_bytes, json.dumps, dict], ids=["bytes", "text", "parsed"])
def test_a_row_for_each_clip_of_the_first_round_that_has_scores(form: Any) -> None:
    found = ScoreTable.of_lines([form(one) for one in LINES])

    assert found.clip_ids == ("a", "b", "d")
    assert found.names == ("happy", "sad", "unknown")
    assert found.values.tolist() == [[0.0, 0.5, 0.5], [0.75, 0.25, 0.0], [1.0, 0.0, 0.0]]


def test_rows_are_found_by_clip_and_missing_ones_are_no_number() -> None:
    found = ScoreTable.of_lines(LINES).of_clips(("a", "c", "d"))

    assert found[0].tolist() == [0.0, 0.5, 0.5]
    assert np.isnan(found[1]).all()
    assert found[2].tolist() == [1.0, 0.0, 0.0]


def test_names_of_one_class_are_added_up() -> None:
    found = ScoreTable.of_lines(LINES).as_classes(lambda name: "low" if name in ("sad", "unknown") else name)

    assert found.names == ("happy", "low")
    assert found.values.tolist() == [[0.0, 1.0], [0.75, 0.25], [1.0, 0.0]]


def test_records_without_scores_give_an_empty_table() -> None:
    found = ScoreTable.of_lines([as_bytes(line("a", None)), as_bytes(failed("b"))])

    assert (len(found), found.names, found.values.shape) == (0, (), (0, 0))


def test_a_clip_that_is_there_twice_is_named_with_both_lines() -> None:
    with pytest.raises(RunDirectoryError, match=r"line 2: clip 'a' has a record already, in line 1"):
        ScoreTable.of_lines([as_bytes(line("a", {"sad": 1.0}))] * 2)


def test_scores_that_are_no_numbers_are_named_by_line() -> None:
    with pytest.raises(RunDirectoryError, match="line 1: its scores are no numbers"):
        ScoreTable.of_lines([as_bytes(line("a", {"sad": "much"}))])


def test_a_torn_last_line_is_left_to_whoever_reads_the_records() -> None:
    whole = as_bytes(line("a", {"sad": 1.0}))

    assert ScoreTable.of_lines([whole, whole[:-20]]).clip_ids == ("a",)


def test_names_stand_as_answers_have_them_where_these_are_alike() -> None:
    found = ScoreTable.of_lines([line("b", {"sad": 0.25, "happy": 0.75}), line("a", {"sad": 1.0, "happy": 0.0})])

    assert (found.clip_ids, found.names, found.values.tolist()) == (
        ("a", "b"), ("sad", "happy"), [[1.0, 0.0], [0.25, 0.75]],
    )  # fmt: skip
