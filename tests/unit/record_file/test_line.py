"""A line is read fast where it is as we write it, and looked at in detail where it is not: the row is the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sv_eval.record_file.json_lines import parse_line
from sv_eval.record_file.line import ClipPart, Line, PredictionPart, Reason, line_of_json, read_line
from sv_eval.record_file.rows import row_of_line
from sv_eval.report.schemas import schema_path

GOOD: dict[str, Any] = {
    "clip": {
        "id": "k7",
        "path": "a/k7.wav",
        "reference": "sad",
        "raw_label": "Sad",
        "speaker": "0011",
        "sex": "female",
        "language": "en",
        "transcript": "one two",
    },
    "outcome": "LABEL",
    "prediction": {
        "label": "sad",
        "forced": "sad",
        "text": "one two",
        "scores": {"sad": 0.5, "happy": 0.25},
        "confidence": 0.5,
        "stages_ms": {"decode": 1, "infer": 2.5},
        "raw": {"anything": [1, None]},
    },
    "latency_ms": 12,
    "audio_s": 1.5,
    "batch_size": 4,
    "attempts": 2,
    "session": 1,
    "round": 2,
    "call": 3,
    "sent_s": 0.25,
    "late_ms": 0.5,
    "shared": False,
    "troubles": [{"kind": "timeout", "message": "late"}],
    "streamed": {"steps": [{"start_s": 0, "end_s": 1, "compute_ms": 2, "emitted_s": 3}], "offline_label": "sad"},
}

PLACES = [
    *[(name,) for name in GOOD],
    *[("clip", name) for name in GOOD["clip"]],
    *[("prediction", name) for name in GOOD["prediction"]],
    ("failure",),
    ("clip", "of a later version"),
    ("of a later version",),
]

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**60), 2**60),
    st.floats(),
    st.text(max_size=4),
    st.sampled_from(["caf\udce9", "", "happy", "FAILURE", "2", "1.5"]),
    st.lists(st.integers(0, 2), max_size=2),
    st.dictionaries(st.sampled_from(["kind", "message", "id", "steps", "decode"]), st.text(max_size=2), max_size=3),
    st.just({"kind": "timeout", "message": "late", "attempts": 3}),
    st.just([{"kind": "timeout", "message": "late", "attempts": 3}]),
)


def changed(place: tuple[str, ...], value: object) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(json.dumps(GOOD))
    part = data
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = value
    return data


def without(place: tuple[str, ...]) -> dict[str, Any]:
    data = changed(place, None)
    part = data
    for name in place[:-1]:
        part = part[name]
    del part[place[-1]]
    return data


def told(make: Callable[[], Line]) -> str:
    """The row in words, so that NaN equals itself."""
    try:
        line = make()
        return repr((line.clip.id, line.round, plain(row_of_line(line, {}))))
    except (KeyError, TypeError, AttributeError):
        return "no record"


def plain(value: Any) -> Any:
    """With floats for whole numbers: a column does not tell 12 from 12.0."""
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return float(value) if type(value) is int else value


@settings(max_examples=1000)
@given(st.sampled_from(PLACES), VALUES)
def test_a_line_is_read_alike_however_it_is_read(place: tuple[str, ...], value: object) -> None:
    line = json.dumps(changed(place, value))

    assert told(lambda: read_line(line)) == told(lambda: line_of_json(parse_line(line)))


@pytest.mark.parametrize("place", PLACES[:-2])
def test_a_field_that_is_absent_is_absent_however_the_line_is_read(place: tuple[str, ...]) -> None:
    data = GOOD if place == ("failure",) else without(place)

    assert told(lambda: read_line(json.dumps(data))) == told(lambda: line_of_json(data))


@pytest.mark.parametrize(
    ("kind", "of_the_schema"),
    [
        (Line, "Record"),
        (ClipPart, "Clip"),
        (PredictionPart, "Prediction"),
        (Reason, "Failure"),
        (Reason, "FailedAttempt"),
    ],
)
def test_what_is_read_of_a_line_is_in_the_schema_of_the_file(
    kind: type[msgspec.Struct], of_the_schema: str
) -> None:
    schema = json.loads(schema_path("records.jsonl").read_text("utf-8"))

    assert set(kind.__struct_fields__) <= set(schema["$defs"][of_the_schema]["properties"])
