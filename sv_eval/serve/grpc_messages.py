"""The gRPC API's messages to and from those that the service thinks in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from sv_eval.serve.body import Message, validation_error
from sv_eval.serve.recognition import Upload
from sv_eval.wire import emotion_pb2 as pb
from sv_eval.wire.messages import EmotionData, Options, SegmentAnswer, StreamPartial, StreamStart
from sv_eval.wire.problems import ServiceError

_FORMATS = {
    pb.AUDIO_FORMAT_UNSPECIFIED: "auto",
    pb.AUDIO_FORMAT_PCM_S16LE: "pcm_s16le",
    pb.AUDIO_FORMAT_PCM_F32LE: "pcm_f32le",
}
_NUMBERS = {name.removeprefix("EMOTION_").lower(): number for name, number in pb.Emotion.items() if number}
_OPTIONAL = ("language", "use_itn", "vad_threshold", "chunk_size")


def upload_from(request: Any) -> Upload:
    """The recording of a RecognizeRequest. Raises ServiceError."""
    if not request.audio:
        raise ServiceError("empty", "`audio` holds no bytes")
    rate_hz = request.sample_rate or None
    if rate_hz is not None:
        # The same bounds as for a stream's.
        start_from(pb.StreamingConfig(sample_rate=rate_hz))
    return Upload(data=request.audio, format=_format(request.format), sample_rate_hz=rate_hz)


def options_from(asked: Any) -> Options:
    """What an Options message asks for. Raises ServiceError `invalid_parameter`."""
    return _checked(Options, _values(asked))


def start_from(config: Any) -> StreamStart:
    """What a StreamingConfig asks for. Raises ServiceError."""
    values = _values(config.options)
    word = _format(config.encoding)
    values["encoding"] = "pcm_s16le" if word == "auto" else word
    if config.sample_rate:
        values["sample_rate"] = config.sample_rate
    if config.update_s:
        values["update_s"] = config.update_s
    return _checked(StreamStart, values)


def response_from(data: EmotionData, request_id: str) -> Any:
    """A RecognizeResponse."""
    return pb.RecognizeResponse(
        text=data.text,
        **_emotion(data.emotion),
        confidence=data.confidence,
        duration=data.duration,
        language=data.language or "",
        event=data.event or "",
        scores=_scores(data.scores),
        segments=[_segment(segment) for segment in data.segments or ()],
        model=data.model,
        request_id=request_id,
        **(data.dimensions.model_dump(exclude_unset=True) if data.dimensions else {}),
        **_decided(data),
    )


def partial_from(partial: StreamPartial) -> Any:
    """A PartialResult."""
    return pb.PartialResult(
        start=partial.start,
        end=partial.end,
        **_emotion(partial.emotion),
        confidence=partial.confidence,
        text=partial.text or "",
        scores=_scores(partial.scores),
        chunk_scores=_scores(partial.chunk_scores),
        **_decided(partial),
    )


def _decided(data: EmotionData | StreamPartial) -> dict[str, Any]:
    """What calibration and thresholds say."""
    return {
        "confidence_calibrated": data.confidence_calibrated,
        "scores_calibrated": _scores(data.scores_calibrated),
        "alarms": data.alarms or (),
        "below_threshold": data.below_threshold or "",
    }


def _values(asked: Any) -> dict[str, Any]:
    values = {name: getattr(asked, name) for name in _OPTIONAL if asked.HasField(name)}
    return {**values, "return_all_emotions": asked.return_all_emotions, "ban_unknown": asked.ban_unknown}


def _checked(kind: type[Message], values: dict[str, Any]) -> Message:
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise validation_error(error) from error


def _format(number: Any) -> str:
    if number not in _FORMATS:
        raise ServiceError("unsupported_format", f"there is no audio format with the number {number}")
    return _FORMATS[number]


def _segment(segment: SegmentAnswer) -> Any:
    return pb.Segment(
        start=segment.start,
        end=segment.end,
        **_emotion(segment.emotion),
        scores=_scores(segment.scores),
        text=segment.text or "",
    )


def _scores(scores: Mapping[str, float] | None) -> list[Any]:
    return [pb.Score(**_emotion(name), probability=value) for name, value in (scores or {}).items()]


def _emotion(name: str | None) -> dict[str, Any]:
    """The members for an emotion; a class of a label map has its name in `label`."""
    if name is None:
        return {"emotion": pb.EMOTION_UNSPECIFIED}
    number = _NUMBERS.get(name)
    return {"emotion": pb.EMOTION_OTHER, "label": name} if number is None else {"emotion": number}
