"""The routes that take a recording and answer what was heard in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi import Request as HttpRequest
from pydantic import BaseModel, Field
from starlette.responses import Response

from sv_eval.serve.body import Marks, checked, json_message, read_body, read_form, upload_of
from sv_eval.serve.openapi import (
    OF_A_BODY,
    OF_AUDIO,
    also,
    answers,
    example_audio,
    form_body,
    form_fields,
    json_body,
)
from sv_eval.serve.recognition import Upload
from sv_eval.serve.service import Service
from sv_eval.serve.trace import Trace
from sv_eval.wire.messages import (
    BatchAnswer,
    BatchItem,
    BatchRequest,
    EmotionAnswer,
    EmotionRequest,
    FlatAnswer,
    Options,
    SampleRate,
    TranscriptAnswer,
    TranscriptData,
    UploadAnswer,
)
from sv_eval.wire.problems import ServiceError

router = APIRouter(tags=["emotion"])

_JSON = ("invalid_base64",)
_EXAMPLE = {"audio": example_audio(), "format": "wav", "language": "en", "return_all_emotions": True}


class FileOptions(Options):
    """What a form may hold beside its file."""

    format: str = Field(default="auto", max_length=32, description="Of raw samples: pcm_s16le or pcm_f32le")
    sample_rate: SampleRate | None = None


class RawOptions(BaseModel):
    """What the form of `/upload` may hold beside its file."""

    model_config = {"extra": "forbid"}

    format: str = Field(default="auto", max_length=32, description="Of raw samples: pcm_s16le or pcm_f32le")
    sample_rate: SampleRate | None = None


# Not waiting for anything, and `async` all the same: FastAPI runs other functions in a thread, at each request.
async def _service(request: HttpRequest) -> Service:
    service: Service = request.app.state.service
    return service


async def _trace(request: HttpRequest) -> Trace:
    trace: Trace = request.state.trace
    return trace


TheService = Annotated[Service, Depends(_service)]
TheTrace = Annotated[Trace, Depends(_trace)]


def refuse_idle(options: Options, names: Sequence[str], why: str) -> None:
    """Raise ServiceError `unsupported_parameter` for what is asked for and would have no effect."""
    idle = [name for name in names if getattr(options, name)]
    if idle:
        raise ServiceError(
            "unsupported_parameter",
            f"{idle[0]} has no effect here: {why}",
            errors=[{"parameter": name, "message": f"not taken here: {why}"} for name in idle],
        )


def answered(message: BaseModel, status: int = 200) -> Response:
    """A message as JSON; fields that nobody asked for are left out."""
    return Response(message.model_dump_json(exclude_unset=True), status_code=status, media_type="application/json")


async def _body(request: HttpRequest, service: Service, trace: Trace, marks: Marks | None = None) -> bytes:
    return await read_body(request, service.config.limits, service.buffered, trace, marks)


async def _asked(request: HttpRequest, service: Service, trace: Trace) -> tuple[Upload, EmotionRequest]:
    message = await json_message(request, await _body(request, service, trace, Marks(1)), EmotionRequest)
    return await upload_of(message, service.config.limits), message


async def _form(request: HttpRequest, service: Service, trace: Trace, kind: type[Any]) -> tuple[Upload, Any]:
    form = await read_form(request, await _body(request, service, trace))
    options = checked(kind, form.fields)
    if len(form.file) > service.config.limits.max_encoded_bytes:
        raise ServiceError("too_large", f"the file has more than {service.config.limits.max_encoded_bytes} bytes")
    return Upload(data=form.file, format=options.format, sample_rate_hz=options.sample_rate), options


@router.post(
    "/v1/emotion",
    summary="Emotion and transcript of a recording in base64",
    responses=answers(EmotionAnswer, OF_A_BODY, OF_AUDIO, _JSON),
    openapi_extra=json_body(EmotionRequest, {"tone": _EXAMPLE}),
    response_class=Response,
)
async def emotion(request: HttpRequest, service: TheService, trace: TheTrace) -> Response:
    """Judge one recording."""
    upload, options = await _asked(request, service, trace)
    data = await service.recognition.recognise(upload, options, trace)
    return answered(EmotionAnswer(success=True, data=data, request_id=trace.request_id))


@router.post(
    "/analyze-emotion",
    summary="The same, with a flat answer",
    responses=answers(FlatAnswer, OF_A_BODY, OF_AUDIO, _JSON),
    openapi_extra=json_body(EmotionRequest, {"tone": _EXAMPLE}),
    response_class=Response,
)
async def analyze_emotion(request: HttpRequest, service: TheService, trace: TheTrace) -> Response:
    """Judge one recording; the answer has no levels."""
    upload, options = await _asked(request, service, trace)
    data = await service.recognition.recognise(upload, options, trace)
    flat = FlatAnswer(text=data.text, emotion=data.emotion, confidence=data.confidence, duration=data.duration)
    if options.return_all_emotions:
        flat.scores = data.scores
    if data.dimensions is not None:
        flat.dimensions = data.dimensions
    return answered(flat)


@router.post(
    "/v1/emotion/batch",
    summary="Several recordings at once",
    responses={
        **answers(BatchAnswer, OF_A_BODY),
        **also(207, "Some recordings failed; each answer says", BatchAnswer),
    },
    openapi_extra=json_body(
        BatchRequest, {"two tones": {"items": [{"id": "a", **_EXAMPLE}, {"id": "b", **_EXAMPLE}]}}
    ),
    response_class=Response,
)
async def batch(request: HttpRequest, service: TheService, trace: TheTrace) -> Response:
    """Judge several recordings; the answers come in their order, each with its own success."""
    most = service.config.limits.max_batch_items
    message = await json_message(request, await _body(request, service, trace, Marks(most)), BatchRequest)
    if len(message.items) > most:
        raise ServiceError("invalid_parameter", f"items: {len(message.items)} recordings, {most} is the most")
    asked = [(item.id, await _upload_or_error(item, service), item) for item in message.items]
    found = await service.many(asked, trace)
    success = all(one.success for one in found)
    if not success:
        failed = [one.error.code for one in found if one.error is not None]
        trace.code, trace.reason = failed[0], f"{len(failed)} of {len(found)} recordings failed"
    return answered(
        BatchAnswer(success=success, data=found, request_id=trace.request_id), status=200 if success else 207
    )


async def _upload_or_error(item: BatchItem, service: Service) -> Upload | ServiceError:
    try:
        return await upload_of(item, service.config.limits)
    except ServiceError as error:
        return error


@router.post(
    "/analyze",
    summary="Emotion and transcript of a file",
    responses=answers(EmotionAnswer, OF_A_BODY, OF_AUDIO),
    openapi_extra=form_body(form_fields(FileOptions)),
    response_class=Response,
)
async def analyze(request: HttpRequest, service: TheService, trace: TheTrace) -> Response:
    """Judge the file of a form."""
    upload, options = await _form(request, service, trace, FileOptions)
    data = await service.recognition.recognise(upload, options, trace)
    return answered(EmotionAnswer(success=True, data=data, request_id=trace.request_id))


@router.post(
    "/transcribe",
    summary="Transcript of a file",
    responses=answers(TranscriptAnswer, OF_A_BODY, OF_AUDIO),
    openapi_extra=form_body(form_fields(FileOptions, without=("return_all_emotions", "ban_unknown"))),
    response_class=Response,
)
async def transcribe(request: HttpRequest, service: TheService, trace: TheTrace) -> Response:
    """Transcribe the file of a form."""
    upload, options = await _form(request, service, trace, FileOptions)
    refuse_idle(options, ("return_all_emotions", "ban_unknown"), "a transcript has no emotion")
    data = await service.recognition.recognise(upload, options, trace)
    said = TranscriptData(
        text=data.text, duration=data.duration, language=data.language, event=data.event, model=data.model
    )
    return answered(TranscriptAnswer(success=True, data=said, request_id=trace.request_id))


@router.post(
    "/upload",
    summary="What a file holds; nothing is kept of it",
    responses=answers(UploadAnswer, OF_A_BODY, OF_AUDIO),
    openapi_extra=form_body(form_fields(RawOptions)),
    response_class=Response,
)
async def upload(request: HttpRequest, service: TheService, trace: TheTrace) -> Response:
    """Say format, rate, channels, duration, loudness and speech share of the file of a form."""
    file, _ = await _form(request, service, trace, RawOptions)
    data = await service.recognition.inspect(file, trace)
    return answered(UploadAnswer(success=True, data=data, request_id=trace.request_id))
