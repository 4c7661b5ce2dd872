"""Records go into columns and come back as they were, whatever their words and numbers are."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sv_eval.foreign_text import visible
from sv_eval.reports.page.columns import columns_of, records_in

_TEXTS = st.text(max_size=8) | st.sampled_from(["\x1b[31m", "a\u202eb", "</script>", "\u2028"])
_NUMBERS = (
    st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(2**60), 2**60)
    | st.sampled_from([0.1, 941.491, 1e300])
)
_SIZES = st.integers(0, 2**60)
"""Beyond 64 bits a line is read as a float."""
_SEGMENTS = st.lists(st.dictionaries(_TEXTS, _NUMBERS, max_size=2), max_size=2)
_RECORDS = st.fixed_dictionaries(
    {"clip": st.fixed_dictionaries({"id": _TEXTS}, optional={"speaker": _TEXTS, "size_bytes": _SIZES})},
    optional={
        "latency_ms": _NUMBERS,
        "outcome": st.sampled_from(["LABEL", "FAILURE"]),
        "shared": st.booleans(),
        "prediction": st.fixed_dictionaries(
            {"label": _TEXTS},
            optional={"scores": st.dictionaries(_TEXTS, _NUMBERS, max_size=3), "segments": _SEGMENTS},
        ),
        "marks": st.lists(_TEXTS, max_size=2),
        "a name of later": st.dictionaries(_TEXTS, _TEXTS, max_size=2),
    },
)  # fmt: skip


def filled(node: Any) -> Any:
    """Without scores of nothing, which are as none."""
    if isinstance(node, dict):
        return {key: filled(value) for key, value in node.items() if not (key == "scores" and value == {})}
    return node


@given(st.lists(_RECORDS, min_size=1, max_size=6))
@settings(max_examples=150)
def test_nothing_is_lost(records: list[dict[str, Any]]) -> None:
    lines = [json.dumps(record).encode() for record in records]

    columns = json.loads(json.dumps(columns_of(lines)))

    assert list(records_in(columns, len(records))) == [filled(record) for record in records]


@given(st.lists(_RECORDS, min_size=1, max_size=4))
@settings(max_examples=50)
def test_what_is_shown_is_clean(records: list[dict[str, Any]]) -> None:
    columns = columns_of(json.dumps(record).encode() for record in records)

    text = json.dumps(columns, ensure_ascii=False)
    assert visible(text) == text


def test_numbers_take_as_few_digits_as_they_have() -> None:
    lines = [json.dumps({"clip": {"id": str(n)}, "latency_ms": n + 0.125, "seal": "x"}).encode() for n in range(3)]

    columns = columns_of(lines)

    assert columns["of"]["latency_ms"] == {"k": 3, "v": [125, 1125, 2125]}
    assert "seal" not in columns["of"]
