"""How a record becomes a row of plain values, and what the codes of the columns mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sv_eval.record_file.vocabulary import FAILED, SEVEN, UNLABELLED
from sv_eval.records import Outcome, Record, streamed_from_json, streamed_to_json

__all__ = ["ANSWERED", "ANSWERS", "FAILED", "OUTCOMES", "REFERENCES", "UNLABELLED", "Row"]

REFERENCES = SEVEN.references
"""What a reference code of a table that was read from records means."""
ANSWERS = SEVEN.answers
"""What an answer code of such a table means. An emotion has the same code in `REFERENCES`."""
OUTCOMES: tuple[Outcome, ...] = tuple(Outcome)
"""What an outcome code means: `OUTCOMES[table.outcome[i]]`."""

ANSWERED = SEVEN.answered
"""Answer codes below this one name an emotion (or `other`); those from it on do not."""

_NOTHING: Mapping[str, float] = {}

Row = tuple[Any, ...]
"""One record's values, in the order that `columns.columns` takes them apart."""


def row_of_json(data: Mapping[str, Any], words: dict[str, str]) -> Row:
    """The row of a parsed line of `records.jsonl`.

    words: those of the rows before, each kept once however many rows it is in.
    """

    def once(word: Any) -> Any:
        return words.setdefault(word, word) if type(word) is str else word

    clip, get = data["clip"], data.get
    prediction = get("prediction") or {}
    failure = get("failure")
    return (
        once(clip.get("reference")),
        once(clip.get("raw_label")),
        once(data["outcome"]),
        once(prediction.get("label")),
        once(prediction.get("forced")),
        once(clip.get("speaker") or None),
        get("latency_ms"),
        get("audio_s"),
        prediction.get("confidence"),
        get("batch_size", 1),
        get("attempts", 1),
        get("session", 0),
        get("call", -1),
        get("sent_s"),
        clip.get("transcript") or None,
        prediction.get("text"),
        once(clip.get("language") or None),
        clip.get("path", ""),
        None if failure is None else (failure["kind"], failure["message"]),
        prediction.get("stages_ms") or _NOTHING,
        tuple((one["kind"], one["message"]) for one in get("troubles", ())),
        get("late_ms"),
        once(clip.get("sex") or None),
        get("shared", False),
        streamed_from_json(get("streamed")),
    )


def row_of_record(record: Record) -> Row:
    """The row of a record in memory."""
    clip, prediction, failure = record.clip, record.prediction, record.failure
    return (
        clip.reference,
        clip.raw_label,
        record.outcome.value,
        None if prediction is None else prediction.label,
        None if prediction is None else prediction.forced,
        clip.speaker or None,
        _rounded(record.latency_ms),
        _rounded(record.audio_s),
        None if prediction is None else _rounded(prediction.confidence),
        record.batch_size,
        record.attempts,
        record.session,
        -1 if record.call is None else record.call,
        _rounded(record.sent_s),
        clip.transcript or None,
        None if prediction is None else prediction.text,
        clip.language or None,
        clip.path,
        None if failure is None else (failure.kind, failure.message),
        _NOTHING if prediction is None else {name: round(ms, 6) for name, ms in prediction.stages_ms.items()},
        tuple((one.kind, one.message) for one in record.troubles),
        _rounded(record.late_ms),
        clip.sex or None,
        record.shared,
        None if record.streamed is None else streamed_from_json(streamed_to_json(record.streamed)),
    )


def _rounded(value: float | None) -> float | None:
    """As `records.record_to_json` writes it, so that both ways into the table agree."""
    return None if value is None else round(value, 6)
