"""How a record becomes a row of plain values, and what the codes of the columns mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sv_eval.record_file.as_json import streamed_from_json, streamed_to_json
from sv_eval.record_file.ballots import Ballots, ballots_of
from sv_eval.record_file.class_codes import FAILED, SEVEN, UNLABELLED
from sv_eval.record_file.line import ClipPart, Line, PredictionPart
from sv_eval.records import OUTSIDE, Outcome, Record, Streamed
from sv_eval.sound_facts import sound_to_json

__all__ = ["ANSWERED", "ANSWERS", "FAILED", "OUTCOMES", "REFERENCES", "UNLABELLED", "Row"]

REFERENCES = SEVEN.references
"""What a reference code of a table that was read from records means."""
ANSWERS = SEVEN.answers
"""What an answer code of such a table means. An emotion has the same code in `REFERENCES`."""
OUTCOMES: tuple[Outcome, ...] = tuple(Outcome)
"""What an outcome code means: `OUTCOMES[table.outcome[i]]`."""

ANSWERED = SEVEN.answered
"""Answer codes below this one name an emotion (or `other`); those from it on do not."""

_NUMBER = (float, int)
_NOTHING: Mapping[str, float] = {}
_NO_ANSWER = PredictionPart()

Row = tuple[Any, ...]
"""One record's values, in the order that `columns.columns` takes them apart."""
OUTCOME, SESSION = 2, 11
"""Where a row has them."""


def row_of_line(line: Line, words: dict[Any, Any]) -> Row:
    """The row of a line of `records.jsonl`.

    words: those of the rows before, each kept once however many rows it is in.
    """
    try:
        return _row(line, words.setdefault)
    except TypeError:
        # A list or an object in a word's place, which `columns` names.
        return _row(line, lambda word, _: word)


def _row(line: Line, once: Callable[[Any, Any], Any]) -> Row:
    clip, prediction, failure = line.clip, line.prediction or _NO_ANSWER, line.failure
    speaker, language, sex = clip.speaker or None, clip.language or None, clip.sex or None
    return (
        once(clip.reference, clip.reference),
        once(clip.raw_label, clip.raw_label),
        once(line.outcome, line.outcome),
        once(prediction.label, prediction.label),
        once(prediction.forced, prediction.forced),
        once(speaker, speaker),
        line.latency_ms,
        line.audio_s,
        prediction.confidence,
        line.batch_size,
        line.attempts,
        line.session,
        line.call,
        line.sent_s,
        clip.transcript or None,
        prediction.text,
        once(language, language),
        clip.path,
        None if failure is None else (failure.kind, failure.message),
        prediction.stages_ms or _NOTHING,
        tuple((one.kind, one.message) for one in line.troubles) if line.troubles else (),
        line.late_ms,
        once(sex, sex),
        line.shared,
        None if line.streamed is None else _streamed(line.streamed),
        once(prediction.raw_label, prediction.raw_label),
        tuple(once(mark, mark) for mark in line.marks) if line.marks else (),
        line.sound or _NOTHING,
        _told(prediction.tokens, prediction.outside),
        prediction.answered_by,
        -1 if clip.age is None else clip.age,
        once(clip.accent, clip.accent),
        clip.dimensions or _NOTHING,
        prediction.dimensions or _NOTHING,
        _ballots(clip, once),
        _emotions(clip, once),
    )


def _ballots(clip: ClipPart, once: Callable[[Any, Any], Any]) -> Ballots | None:
    """What its raters said; equal ones are kept once."""
    if not clip.votes and not clip.raters:
        return None
    found = ballots_of(clip.votes, clip.raters)
    same: Ballots | None = once(found, found)
    return same


def _emotions(clip: ClipPart, once: Callable[[Any, Any], Any]) -> tuple[str, ...] | None:
    found = None if clip.emotions is None else tuple(sorted(set(clip.emotions)))
    same: tuple[str, ...] | None = once(found, found)
    return same


def _told(tokens: Mapping[str, int] | None, outside: float | None) -> Mapping[str, float]:
    """What a model's answer tells beside its words; most tell nothing."""
    if outside is None:
        return tokens or _NOTHING
    return {**(tokens or {}), OUTSIDE: outside}


def _streamed(data: Mapping[str, Any]) -> Streamed | None:
    """The stream's part of a line; raises TypeError where a value is of another type than it is written with."""
    found = streamed_from_json(data)
    if found is not None:
        for step in found.steps:
            numbers = (step.start_s, step.end_s, step.compute_ms, step.emitted_s)
            if not all(type(number) in _NUMBER for number in numbers):
                raise TypeError("a moment of its stream is no number")
            scores = {} if step.scores is None else step.scores
            if not isinstance(scores, Mapping) or not all(type(score) in _NUMBER for score in scores.values()):
                raise TypeError("the scores of a step of its stream are no numbers")
            if not isinstance(step.label, str | None):
                raise TypeError("the label of a step of its stream is no text")
        if not isinstance(found.offline_label, str | None) or not isinstance(found.final_label, str | None):
            raise TypeError("the label of the whole clip, or of its stream, is no text")
        if not all(one is None or type(one) in _NUMBER for one in (found.final_s, found.speech_end_s)):
            raise TypeError("the end of its stream is no number")
        if not isinstance(found.whole_asked, bool):
            raise TypeError("whether its stream was asked about whole is neither true nor false")
    return found


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
        None if prediction is None else prediction.raw_label,
        record.marks,
        _NOTHING if record.sound is None else sound_to_json(record.sound),
        _NOTHING if prediction is None else _told(prediction.tokens, _rounded(prediction.outside)),
        None if prediction is None else prediction.answered_by,
        -1 if clip.age is None else clip.age,
        clip.accent,
        clip.dimensions or _NOTHING,
        _NOTHING
        if prediction is None or not prediction.dimensions
        else {name: round(value, 6) for name, value in prediction.dimensions.items()},
        ballots_of(clip.votes, clip.raters),
        None if clip.emotions is None else tuple(sorted(set(clip.emotions))),
    )


def _rounded(value: float | None) -> float | None:
    """As `record_file.as_json.record_to_json` writes it, so that both ways into the table agree."""
    return None if value is None else round(value, 6)
