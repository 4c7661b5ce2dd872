"""Lines are parsed as the standard library parses them, whatever is in them; the collector comes back on."""

from __future__ import annotations

import gc
import json
import math

import pytest

from sv_eval.record_file.json_lines import no_collections, parse_line


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 2.5, None, True], "b": "大家好"},
        {"path": "caf\udce9.wav"},
        {"nested": {"x": 2**62}, "small": 5e-324, "exact": 0.1},
        "text",
        [],
    ],
)
def test_lines_are_read_as_they_were_written(value: object) -> None:
    text = json.dumps(value)
    assert parse_line(text) == value
    assert parse_line(text.encode("ascii") + b"\n") == value


def test_what_python_alone_writes_is_read() -> None:
    found = parse_line(b'{"a":NaN,"b":-Infinity}')
    assert math.isnan(found["a"])
    assert found["b"] == -math.inf


@pytest.mark.parametrize("line", ["", '{"a":', b"\xff\xfe{", "{'a': 1}"])
def test_what_is_no_json_is_refused_as_by_the_standard_library(line: str | bytes) -> None:
    with pytest.raises((json.JSONDecodeError, UnicodeDecodeError)):
        parse_line(line)


def test_what_is_nested_too_deep_is_refused() -> None:
    with pytest.raises(ValueError, match="nested too deep"):
        parse_line(b"[" * 200_000 + b"]" * 200_000)


def test_the_collector_is_on_again_even_after_an_error() -> None:
    seen = []

    def fail() -> None:
        seen.append(gc.isenabled())
        raise KeyError("x")

    with pytest.raises(KeyError), no_collections():
        fail()
    assert seen == [False]
    assert gc.isenabled()
    gc.disable()
    try:
        with no_collections():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
