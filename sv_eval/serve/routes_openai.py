"""The path that OpenAI's clients call; the emotion stands beside what they know."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from fastapi import Request as HttpRequest
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from sv_eval.serve.body import checked, read_body, read_form
from sv_eval.serve.openapi import OF_A_BODY, OF_AUDIO, answers, form_body, form_fields, or_text
from sv_eval.serve.recognition import Upload
from sv_eval.serve.routes_emotion import TheService, TheTrace, answered
from sv_eval.serve.service import Service
from sv_eval.wire.messages import EmotionData, OpenAiProblem, Options, TranscriptionAnswer
from sv_eval.wire.problems import ServiceError

router = APIRouter(tags=["OpenAI-shaped"])


class TranscriptionOptions(BaseModel):
    """The fields of a form; those of OpenAI's that a recogniser has no use for are taken and ignored."""

    model_config = ConfigDict(extra="ignore")

    model: str = Field(default="sensevoice", max_length=200)
    language: str | None = Field(default=None, max_length=64, description="As for /v1/emotion")
    response_format: Literal["json", "verbose_json", "text"] = "json"
    prompt: str | None = Field(default=None, description="Ignored")
    temperature: float | None = Field(default=None, description="Ignored")


@router.post(
    "/v1/audio/transcriptions",
    summary="Transcript as OpenAI's clients expect it, with the emotion",
    responses={
        **answers(TranscriptionAnswer, OF_A_BODY, OF_AUDIO, ("model_not_found",), problem=OpenAiProblem),
        **or_text(200, TranscriptionAnswer),
    },
    openapi_extra=form_body(form_fields(TranscriptionOptions)),
    response_class=Response,
)
async def transcriptions(request: HttpRequest, service: TheService, trace: TheTrace) -> Response:
    """Transcribe the file of a form; silence gives an empty text, as these clients expect."""
    form = await read_form(request, await read_body(request, service.config.limits, service.buffered, trace))
    fields = checked(TranscriptionOptions, form.fields)
    _check_model(fields.model, service)
    verbose = fields.response_format == "verbose_json"
    options = Options(language=fields.language, return_all_emotions=verbose)
    try:
        data = await service.recognition.recognise(Upload(data=form.file), options, trace)
    except ServiceError as error:
        if error.code.word != "silence":
            raise
        data = EmotionData(
            text="", emotion=None, confidence=None, duration=trace.audio_s, language=None, event=None, model=""
        )
    if fields.response_format == "text":
        return Response(data.text + "\n", media_type="text/plain; charset=utf-8")
    return answered(_answer(data, verbose=verbose))


def _check_model(name: str, service: Service) -> None:
    _ = service.recognition.batcher
    names = (service.recognition.model_id, *service.config.model_aliases)
    if name not in names:
        raise ServiceError("model_not_found", f"model '{name[:64]}' is not served; there is {', '.join(names)}")


def _answer(data: EmotionData, *, verbose: bool) -> TranscriptionAnswer:
    answer = TranscriptionAnswer(text=data.text, emotion=data.emotion, confidence=data.confidence)
    if data.dimensions is not None:
        answer.dimensions = data.dimensions
    if verbose:
        answer.task, answer.language, answer.duration = "transcribe", data.language, data.duration
        answer.event, answer.scores = data.event, data.scores
        answer.segments = [_segment(number, piece) for number, piece in enumerate(data.segments or ())]
    return answer


def _segment(number: int, piece: Any) -> dict[str, Any]:
    return {"id": number, **piece.model_dump(exclude_unset=True)}
