"""What a table is made of, out of a line of `records.jsonl`: read in one go, and checked as it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from sv_eval.record_file.json_lines import parse_line

Part = TypeVar("Part", bound=msgspec.Struct)


class ClipPart(msgspec.Struct, gc=False):
    """The clip of a record."""

    id: str
    path: str = ""
    reference: str | None = None
    raw_label: str | None = None
    speaker: str | None = None
    sex: str | None = None
    age: int | None = None
    accent: str | None = None
    language: str | None = None
    transcript: str | None = None
    dimensions: dict[str, float] | None = None
    votes: dict[str, float] | None = None
    raters: dict[str, tuple[str, ...]] | None = None
    emotions: tuple[str, ...] | None = None


class PredictionPart(msgspec.Struct, gc=False):
    """The answer of a record."""

    label: str | None = None
    raw_label: str | None = None
    forced: str | None = None
    confidence: float | None = None
    text: str | None = None
    stages_ms: dict[str, float] | None = None
    tokens: dict[str, int] | None = None
    outside: float | None = None
    dimensions: dict[str, float] | None = None
    answered_by: str | None = None


class Reason(msgspec.Struct, gc=False):
    """A failure, or a trouble."""

    kind: str
    message: str


class Line(msgspec.Struct, gc=False):
    """A record, less what no table holds: the scores and the raw answer, which are most of a line."""

    clip: ClipPart
    outcome: str
    prediction: PredictionPart | None = None
    failure: Reason | None = None
    latency_ms: float | None = None
    audio_s: float | None = None
    batch_size: int = 1
    attempts: int = 1
    session: int = 0
    round: int = 0
    shared: bool = False
    call: int = -1
    sent_s: float | None = None
    late_ms: float | None = None
    troubles: tuple[Reason, ...] = ()
    streamed: dict[str, Any] | None = None
    marks: tuple[str, ...] = ()
    sound: dict[str, float] | None = None


_DECODER = msgspec.json.Decoder(Line)


def read_line(line: str | bytes) -> Line:
    """The record of a line.

    Raises ValueError for what is no JSON; KeyError, TypeError or AttributeError for what is no record.
    """
    try:
        return _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        # What is no JSON but Python reads, as NaN, and what somebody edited by hand, which is looked at in detail.
        return line_of_json(parse_line(line))


def line_of_json(data: Mapping[str, Any]) -> Line:
    """The record of a parsed line, its values as they are: `columns` names those that cannot be."""
    found = _part(Line, data)
    found.clip = _part(ClipPart, data["clip"])
    found.prediction = _part(PredictionPart, data.get("prediction") or {})
    failure, troubles = data.get("failure"), data.get("troubles", ())
    found.failure = None if failure is None else Reason(failure["kind"], failure["message"])
    found.troubles = tuple(Reason(one["kind"], one["message"]) for one in troubles)
    return found


def _part(kind: type[Part], data: Mapping[str, Any]) -> Part:
    return kind(**{name: data[name] for name in kind.__struct_fields__ if name in data})
