"""Answers of a plug-in made plain: texts, numbers and tuples of Python's own, or what is wrong with them.

A number of numpy's becomes Python's where that loses nothing; a text that holds a number, NaN, bytes and objects
are no answer: records of them could not be read back, or would say something else.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from sv_eval.backend import Answer, StreamUpdate
from sv_eval.dimensions import DIMENSIONS
from sv_eval.emotions import EMOTIONS, PREDICTION_LABELS
from sv_eval.errors import InferenceError, nearest
from sv_eval.records import TOKENS, UNREAD, FailedAttempt, Failure, Heard, Passage, Prediction, Segment

_ROUNDING = 1e-3
"""How far beyond 0 and 1 a posterior may lie that was worked out with few digits."""
_WORD = frozenset((str, type(None)))
_LONGEST_SHOWN = 60
_LABELS = frozenset(PREDICTION_LABELS)

Part = TypeVar("Part")


def plain_answers(answers: object, count: int) -> list[Answer | InferenceError]:
    """The answers to `count` requests, in order; in the place of one that can't be scored what is wrong with it.

    Raises InferenceError, kind `protocol`, for anything but so many of them.
    """
    if isinstance(answers, str | bytes | Mapping) or not isinstance(answers, Iterable):
        raise InferenceError("protocol", f"a sequence of answers is expected, not {_shown(answers)}")
    found = list(answers)
    if len(found) != count:
        raise InferenceError("protocol", f"{len(found)} answers came for {count} requests")
    return [_or_why(answer) for answer in found]


def _or_why(answer: object) -> Answer | InferenceError:
    try:
        return plain_answer(answer)
    except InferenceError as error:
        return error


def plain_answer(answer: object) -> Answer:
    """The answer in plain values. Raises InferenceError, kind `protocol`, when it is none that can be scored."""
    if isinstance(answer, Prediction):
        return _prediction(answer)
    if isinstance(answer, Failure):
        return _failure(answer)
    raise InferenceError("protocol", f"a Prediction or a Failure is expected, not {type(answer).__name__}")


def plain_update(update: object) -> StreamUpdate:
    """What a stream tells, in plain values. Raises InferenceError, kind `protocol`, when it can't be kept."""
    if not isinstance(update, StreamUpdate):
        raise InferenceError("protocol", f"a StreamUpdate is expected, not {type(update).__name__}")
    scores = _scores(update.scores, "the update's scores")
    of_chunk = _scores(update.chunk_scores, "the update's chunk_scores")
    changed = {
        "start_s": _number(update.start_s, "the update's start_s"),
        "end_s": _number(update.end_s, "the update's end_s"),
        "label": _label(update.label, "the update's label"),
        # A copy: it is kept until the stream has ended, and the plug-in may go on with its own.
        "scores": None if scores is None else dict(scores),
        "chunk_scores": None if of_chunk is None else dict(of_chunk),
        "compute_ms": _number(update.compute_ms, "the update's compute_ms"),
    }
    return _with(update, changed)


_UNREAD = tuple(outcome.value.lower() for outcome in UNREAD)


def _is_plain(answer: Prediction) -> bool:
    """Whether it is as nearly all of them are: what that takes is little beside looking at each field by itself."""
    label, forced, confidence, scores = answer.label, answer.forced, answer.confidence, answer.scores
    return (
        type(label) is str
        and label in _LABELS
        and (forced is None or (type(forced) is str and forced in EMOTIONS))
        and (confidence is None or (type(confidence) is float and 0 <= confidence <= 1))
        and (scores is None or _is_plain_mapping(scores))
        and type(answer.raw_label) in _WORD
        and type(answer.text) in _WORD
        and type(answer.language) in _WORD
        and type(answer.event) in _WORD
        and answer.no_speech is False
        and answer.segments == ()
        and (not answer.stages_ms or _is_plain_mapping(answer.stages_ms))
        and answer.passage is None
        and answer.unread is None
        and answer.raw_answer is None
        and answer.outside is None
        and answer.cut_off is None
        and answer.tokens is None
        and answer.dimensions is None
        and answer.sent is None
        and answer.answered_by is None
    )


def _is_plain_mapping(numbers: object) -> bool:
    if type(numbers) is not dict:
        return False
    for name, value in numbers.items():
        if type(name) is not str or type(value) is not float or not math.isfinite(value):
            return False
    return True


def _prediction(answer: Prediction) -> Prediction:
    if _is_plain(answer):
        return answer
    label, forced, no_speech = answer.label, answer.forced, answer.no_speech
    changed: dict[str, Any] = {
        "label": _label(label, "the answer's label"),
        "raw_label": _text(answer.raw_label, "raw_label"),
        "forced": forced if type(forced) in _WORD else _text(forced, "the forced label"),
        "scores": _scores(answer.scores, "scores"),
        "confidence": _confidence(answer.confidence),
        "text": _text(answer.text, "text"),
        "language": _text(answer.language, "language"),
        "event": _text(answer.event, "event"),
        "no_speech": no_speech if type(no_speech) is bool else _flag(no_speech, "no_speech"),
        "raw_answer": _text(answer.raw_answer, "raw_answer"),
        "outside": None if answer.outside is None else _number(answer.outside, "outside"),
        "cut_off": None if answer.cut_off is None else _cut_off(answer.cut_off),
        "tokens": None if answer.tokens is None else _tokens(answer.tokens),
        "dimensions": _dimensions(answer.dimensions),
        "sent": _text(answer.sent, "sent"),
        "answered_by": _text(answer.answered_by, "answered_by"),
    }
    if answer.unread is not None and (answer.unread not in _UNREAD or label is not None or changed["no_speech"]):
        raise InferenceError("protocol", f"the answer is said to be '{answer.unread}', which it can't be")
    if forced is not None and forced not in EMOTIONS:
        raise InferenceError("protocol", f"the forced label '{forced}' is none of the seven emotions")
    if changed["no_speech"] and label is not None:
        raise InferenceError("protocol", f"the answer found no speech, and has the label '{label}'")
    if answer.segments or type(answer.segments) is not tuple:
        changed["segments"] = _segments(answer.segments)
    if answer.stages_ms or type(answer.stages_ms) is not dict:
        changed["stages_ms"] = _scores(answer.stages_ms, "stages_ms") or {}
    if answer.passage is not None:
        changed["passage"] = _passage(answer.passage)
    return _with(answer, changed)


def _failure(answer: Failure) -> Failure:
    changed: dict[str, Any] = {
        "kind": _needed(answer.kind, "the failure's kind"),
        "message": _needed(answer.message, "the failure's message"),
        "attempts": _whole(answer.attempts, "the failure's attempts"),
    }
    if answer.passage is not None:
        changed["passage"] = _passage(answer.passage)
    return _with(answer, changed)


def _passage(passage: object) -> Passage:
    if not isinstance(passage, Passage):
        raise InferenceError("protocol", f"passage: a Passage is expected, not {_shown(passage)}")
    changed: dict[str, Any] = {
        "begin_s": _number(passage.begin_s, "passage.begin_s"),
        "latency_ms": _number(passage.latency_ms, "passage.latency_ms"),
        "attempts": _whole(passage.attempts, "passage.attempts"),
    }
    if passage.troubles or type(passage.troubles) is not tuple:
        changed["troubles"] = tuple(_trouble(one) for one in _listed(passage.troubles, "passage.troubles"))
    if passage.heard is not None and not isinstance(passage.heard, Heard):
        raise InferenceError("protocol", f"passage.heard: a Heard is expected, not {_shown(passage.heard)}")
    return _with(passage, changed)


def _trouble(trouble: object) -> FailedAttempt:
    if not isinstance(trouble, FailedAttempt):
        raise InferenceError("protocol", f"passage.troubles: a FailedAttempt is expected, not {_shown(trouble)}")
    kind, message = _needed(trouble.kind, "a trouble's kind"), _needed(trouble.message, "a trouble's message")
    return _with(trouble, {"kind": kind, "message": message})


def _segments(segments: object) -> tuple[Segment, ...]:
    return tuple(_segment(one, f"segments[{place}]") for place, one in enumerate(_listed(segments, "segments")))


def _segment(segment: object, what: str) -> Segment:
    if not isinstance(segment, Segment):
        raise InferenceError("protocol", f"{what}: a Segment is expected, not {_shown(segment)}")
    changed = {
        "start_s": _number(segment.start_s, f"{what}.start_s"),
        "end_s": _number(segment.end_s, f"{what}.end_s"),
        "label": _label(segment.label, f"the label of {what}"),
        "scores": _scores(segment.scores, f"{what}.scores"),
        "text": _text(segment.text, f"{what}.text"),
    }
    return _with(segment, changed)


def _with(part: Part, values: Mapping[str, Any]) -> Part:
    """The part with these values; itself where it has them already, which is nearly always."""
    changed = {name: value for name, value in values.items() if getattr(part, name) is not value}
    return replace(part, **changed) if changed else part  # type: ignore[type-var]


def _label(label: Any, what: str) -> str | None:
    if label is None:
        return None
    word = label if type(label) is str else _text(label, what)
    if word not in _LABELS:
        raise InferenceError(
            "protocol",
            f"{what} '{word}' is no emotion name; {nearest(str(word), PREDICTION_LABELS)} "
            "(a word of its own goes into raw_label)",
        )
    return word


def _confidence(confidence: Any) -> float | None:
    if confidence is None:
        return None
    number = _number(confidence, "confidence")
    if not -_ROUNDING <= number <= 1 + _ROUNDING:
        raise InferenceError("protocol", f"confidence is {number:g}; a posterior lies between 0 and 1")
    return number


def _scores(scores: Any, what: str) -> Mapping[str, float] | None:
    """Numbers by name."""
    if scores is None:
        return None
    if type(scores) is dict and _is_plain_mapping(scores):
        return scores
    if not isinstance(scores, Mapping):
        raise InferenceError("protocol", f"{what}: numbers by name are expected, not {_shown(scores)}")
    return {
        _needed(name, f"a name in {what}"): _number(value, f"{what}[{name!r}]") for name, value in scores.items()
    }


def _cut_off(value: Any) -> float:
    """Where scores begin to be told."""
    number = _number(value, "cut_off")
    if not 0 <= number < 1:
        raise InferenceError("protocol", f"cut_off is {number:g}; scores are told from somewhere in 0 to 1 on")
    return number


def _tokens(tokens: Any) -> dict[str, int]:
    """Counts by what they are of."""
    found = _scores(tokens, "tokens") or {}
    if not set(found) <= set(TOKENS) or any(count < 0 for count in found.values()):
        raise InferenceError(
            "protocol", f"tokens: counts of {', '.join(TOKENS)} are expected, not {_shown(tokens)}"
        )
    return {name: int(count) for name, count in found.items()}


def _dimensions(dimensions: Any) -> Mapping[str, float] | None:
    """Numbers by dimension; whether they are of the declared range is judged when they are scored."""
    found = _scores(dimensions, "dimensions")
    if found and not set(found) <= set(DIMENSIONS):
        raise InferenceError(
            "protocol", f"dimensions: numbers of {', '.join(DIMENSIONS)} are expected, not {_shown(dimensions)}"
        )
    return found or None


def _number(value: Any, what: str) -> float:
    """The finite number that `value` is, whatever type of number it has."""
    if type(value) is float:
        if math.isfinite(value):
            return value
    elif isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        plain = value if type(value) is int else value.item() if isinstance(value, np.generic) else float(value)
        # What numpy's longest floats hold more than Python's, `item` does not give up.
        if isinstance(plain, int | float) and math.isfinite(plain):
            return plain
    raise InferenceError("protocol", f"{what}: a finite number is expected, not {_shown(value)}")


def _whole(value: Any, what: str) -> int:
    if type(value) is int:
        return value
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(value)
    raise InferenceError("protocol", f"{what}: a whole number is expected, not {_shown(value)}")


def _flag(value: Any, what: str) -> bool:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise InferenceError("protocol", f"{what}: true or false is expected, not {_shown(value)}")


def _text(value: Any, what: str) -> str | None:
    return value if type(value) in _WORD else _needed(value, what)


def _needed(value: Any, what: str) -> str:
    if type(value) is str:
        return value
    if isinstance(value, str):
        # Of numpy's or an enumeration's; its own `str` may say something else.
        return str.__str__(value)
    raise InferenceError("protocol", f"{what}: text is expected, not {_shown(value)}")


def _listed(values: Any, what: str) -> Sequence[Any]:
    if isinstance(values, tuple | list):
        return values
    raise InferenceError("protocol", f"{what}: a tuple is expected, not {_shown(values)}")


def _shown(value: object) -> str:
    """The type and, of a plain value, the value."""
    kind = type(value).__name__
    if isinstance(value, str | bytes | int | float | np.generic):
        said = repr(value)
        return f"{kind} {said if len(said) <= _LONGEST_SHOWN else said[:_LONGEST_SHOWN] + '…'}"
    return kind
