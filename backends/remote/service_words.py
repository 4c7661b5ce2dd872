"""The answers of this project's own service, in all of its wire forms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sv_eval.backends.remote.answer_parsing import ParsedAnswer, expect, segments_in
from sv_eval.backends.remote.errors import (
    API_ERROR,
    GATEWAY_TIMEOUT,
    NOT_FOUND,
    OVERLOADED,
    RATE_LIMITED,
    SERVER_ERROR,
    UNAUTHORIZED,
)
from sv_eval.backends.remote.typed_fields import needed_number, numbers_in
from sv_eval.dimensions import DIMENSIONS
from sv_eval.emotions import PREDICTION_LABELS
from sv_eval.records import Segment
from sv_eval.wire import emotion_pb2 as pb

_KINDS: Mapping[str, str] = {
    "unauthorized": UNAUTHORIZED, "rate_limited": RATE_LIMITED, "overloaded": OVERLOADED, "not_ready": OVERLOADED,
    "shutting_down": OVERLOADED, "deadline_exceeded": GATEWAY_TIMEOUT, "request_timeout": GATEWAY_TIMEOUT,
    "internal": SERVER_ERROR, "not_found": NOT_FOUND, "method_not_allowed": NOT_FOUND,
}  # fmt: skip
_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""What a code may be to become the kind of a failure: kinds are counted, compared and shown."""
_EMOTIONS = {number: name.removeprefix("EMOTION_").lower() for name, number in pb.Emotion.items() if number}


def kind_of_code(code: str) -> str:
    """The kind of one of the service's codes; a code about the clip keeps its own word, if it is one.

    >>> kind_of_code("overloaded"), kind_of_code("too_long"), kind_of_code("9" * 5000)
    ('overloaded', 'too_long', 'api_error')
    """
    return _KINDS.get(code, code) if _WORD.fullmatch(code) else API_ERROR


def silent(code: str | None) -> bool:
    """Whether the code says that there is no speech in a clip."""
    return code == "silence"


def answer_from_data(data: Any) -> ParsedAnswer:
    """What the member `data` of a JSON answer says."""
    expect(isinstance(data, Mapping) and "emotion" in data, "the answer has no `data.emotion`")
    emotion = data["emotion"]
    return ParsedAnswer(
        emotion=emotion,
        text=data.get("text"),
        scores=data.get("scores"),
        confidence=data.get("confidence"),
        language=data.get("language"),
        event=data.get("event"),
        segments=segments_in(data.get("segments"), _name),
        model=data.get("model"),
        dimensions=data.get("dimensions"),
        where="data.emotion",
        excerpt=str(emotion),
    )


def _name(word: str) -> str | None:
    """A label that our own service can have given."""
    return word if word in PREDICTION_LABELS else None


def without_single_segment(parsed: ParsedAnswer) -> ParsedAnswer:
    """The answer to a clip that was streamed and judged in one piece: no stretches."""
    return replace(parsed, segments=()) if len(parsed.segments) == 1 else parsed


def answer_from_proto(answer: Any) -> ParsedAnswer:
    """What a RecognizeResponse says."""
    return ParsedAnswer(
        emotion=answer.label or _EMOTIONS.get(answer.emotion),
        text=answer.text,
        scores=scores_from(answer.scores),
        confidence=answer.confidence if answer.HasField("confidence") else None,
        language=answer.language or None,
        event=answer.event or None,
        segments=tuple(
            Segment(
                start_s=needed_number(one.start, "segments[].start"),
                end_s=needed_number(one.end, "segments[].end"),
                label=_EMOTIONS.get(one.emotion),
                scores=scores_from(one.scores),
                text=one.text,
            )
            for one in answer.segments
        ),
        model=answer.model or None,
        dimensions={name: getattr(answer, name) for name in DIMENSIONS if answer.HasField(name)},
        where="emotion",
        excerpt=pb.Emotion.Name(answer.emotion) if answer.emotion in pb.Emotion.values() else str(answer.emotion),
    )


def scores_from(scores: Any) -> dict[str, float] | None:
    """A list of Score messages as a mapping; None for an empty one."""
    found = {one.label or _EMOTIONS.get(one.emotion, ""): one.probability for one in scores}
    found.pop("", None)
    return numbers_in(found or None, "scores")


def emotion_name(number: int) -> str | None:
    """The emotion of an enum's number; None for an answer without."""
    return _EMOTIONS.get(number)
