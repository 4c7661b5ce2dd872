"""Records as the plain data of `records.jsonl`; what one direction writes the other reads back equal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from sv_eval.records import (
    Clip,
    FailedAttempt,
    Failure,
    Outcome,
    Prediction,
    Record,
    Segment,
    Streamed,
    StreamStep,
)
from sv_eval.sound_facts import sound_from_json, sound_to_json

_CLIP_FIELDS = tuple(field.name for field in fields(Clip) if field.name != "dimensions")
_WORDS_OF_A_PREDICTION = (
    "label",
    "raw_label",
    "forced",
    "text",
    "language",
    "event",
    "unread",
    "raw_answer",
    "sent",
    "answered_by",
)


def record_to_json(record: Record) -> dict[str, Any]:
    """The record as plain data; empty fields are left out."""
    clip, prediction, failure = record.clip, record.prediction, record.failure
    data: dict[str, Any] = {
        "clip": _filled({name: getattr(clip, name) for name in _CLIP_FIELDS}),
        "outcome": record.outcome.value,
    }
    if clip.dimensions:
        data["clip"]["dimensions"] = dict(clip.dimensions)
    if prediction is not None:
        data["prediction"] = _prediction_to_json(prediction)
    if failure is not None:
        data["failure"] = {"kind": failure.kind, "message": failure.message, "attempts": failure.attempts}
    for name in ("latency_ms", "audio_s", "decode_ms", "sent_s", "late_ms"):
        value = getattr(record, name)
        if value is not None:
            data[name] = round(value, 6)
    data["batch_size"], data["attempts"], data["session"] = record.batch_size, record.attempts, record.session
    data |= {name: value for name in ("round", "shared") if (value := getattr(record, name))}
    if record.call is not None:
        data["call"] = record.call
    if record.troubles:
        data["troubles"] = [{"kind": one.kind, "message": one.message} for one in record.troubles]
    data |= {"marks": list(record.marks)} if record.marks else {}
    data |= {"sound": sound_to_json(record.sound)} if record.sound is not None else {}
    if record.streamed is not None:
        data["streamed"] = streamed_to_json(record.streamed)
    return data


def record_from_json(data: Mapping[str, Any]) -> Record:
    """The record that `record_to_json` wrote. Unknown keys are ignored: older readers read newer files."""
    prediction = data.get("prediction")
    failure = data.get("failure")
    return Record(
        clip=_clip(data["clip"]),
        outcome=Outcome(data["outcome"]),
        prediction=None if prediction is None else _prediction(prediction),
        failure=None if failure is None else Failure(**_known(failure, Failure)),
        latency_ms=data.get("latency_ms"),
        audio_s=data.get("audio_s"),
        decode_ms=data.get("decode_ms"),
        batch_size=data.get("batch_size", 1),
        attempts=data.get("attempts", 1),
        session=data.get("session", 0),
        call=data.get("call"),
        sent_s=data.get("sent_s"),
        late_ms=data.get("late_ms"),
        round=data.get("round", 0),
        shared=data.get("shared", False),
        streamed=streamed_from_json(data.get("streamed")),
        marks=tuple(data.get("marks", ())),
        sound=sound_from_json(data.get("sound")),
        troubles=tuple(FailedAttempt(**_known(one, FailedAttempt)) for one in data.get("troubles", ())),
    )


def _clip(data: Mapping[str, Any]) -> Clip:
    found = _known(data, Clip)
    if found.get("raters") is not None:
        found["raters"] = {rater: tuple(given) for rater, given in found["raters"].items()}
    if found.get("emotions") is not None:
        found["emotions"] = tuple(found["emotions"])
    return Clip(**found)


def streamed_from_json(data: Mapping[str, Any] | None) -> Streamed | None:
    """The stream's part of a parsed record; None where there is none."""
    if data is None:
        return None
    steps = tuple(
        StreamStep(**{"label": None, "scores": None, **_known(step, StreamStep)}) for step in data["steps"]
    )
    rest = {name: data.get(name) for name in ("offline_label", "final_s", "final_label", "speech_end_s")}
    return Streamed(steps=steps, **rest, whole_asked=data.get("whole_asked", True))


def streamed_to_json(streamed: Streamed) -> dict[str, Any]:
    """The stream's part of a record as plain data."""
    steps = []
    for step in streamed.steps:
        numbers = {name: round(getattr(step, name), 6) for name in ("start_s", "end_s", "compute_ms", "emitted_s")}
        scores = None if step.scores is None else {name: round(score, 4) for name, score in step.scores.items()}
        steps.append({**numbers, **_filled({"label": step.label, "scores": scores})})
    moments = {"final_s": streamed.final_s, "speech_end_s": streamed.speech_end_s}
    told = {name: None if moment is None else round(moment, 6) for name, moment in moments.items()}
    labels: dict[str, Any] = {"offline_label": streamed.offline_label, "final_label": streamed.final_label}
    if not streamed.whole_asked:
        labels["whole_asked"] = False
    return {"steps": steps, **_filled(labels | told)}


def _prediction_to_json(prediction: Prediction) -> dict[str, Any]:
    data: dict[str, Any] = _filled({name: getattr(prediction, name) for name in _WORDS_OF_A_PREDICTION})
    if prediction.scores is not None:
        data["scores"] = _rounded(prediction.scores)
    if prediction.confidence is not None:
        data["confidence"] = round(prediction.confidence, 6)
    if prediction.outside is not None:
        data["outside"] = round(prediction.outside, 6)
    if prediction.tokens:
        data["tokens"] = dict(prediction.tokens)
    if prediction.dimensions:
        data["dimensions"] = _rounded(prediction.dimensions)
    if prediction.segments:
        data["segments"] = [_segment_to_json(segment) for segment in prediction.segments]
    if prediction.stages_ms:
        data["stages_ms"] = _rounded(prediction.stages_ms)
    if prediction.no_speech:
        data["no_speech"] = True
    return data


def _segment_to_json(segment: Segment) -> dict[str, Any]:
    scores = None if segment.scores is None else _rounded(segment.scores)
    start_s, end_s = round(segment.start_s, 6), round(segment.end_s, 6)
    words = {"label": segment.label, "scores": scores, "text": segment.text}
    return {"start_s": start_s, "end_s": end_s, **_filled(words)}


def _filled(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _rounded(numbers: Mapping[str, float]) -> dict[str, float]:
    return {name: round(number, 6) for name, number in numbers.items()}


def _known(data: Mapping[str, Any], kind: Any) -> dict[str, Any]:
    return {name: data[name] for name in kind.__slots__ if name in data}


def _prediction(data: Mapping[str, Any]) -> Prediction:
    fields = _known(data, Prediction)
    fields["segments"] = tuple(Segment(**_known(item, Segment)) for item in fields.get("segments", ()))
    return Prediction(**fields)
