"""The websocket: samples in, partial results and a final one out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Literal

from fastapi import APIRouter, WebSocket
from pydantic import BaseModel
from starlette.websockets import WebSocketDisconnect, WebSocketState

from sv_eval.serve.body import parsed
from sv_eval.serve.connections import TOO_BIG
from sv_eval.serve.pace import Pace, audio_s
from sv_eval.serve.service import Service
from sv_eval.serve.trace import Trace
from sv_eval.wire.messages import EmotionData, Problem, StreamError, StreamFinal, StreamReady, StreamStart
from sv_eval.wire.problems import ServiceError, problem

router = APIRouter()

_NORMAL, _REFUSED, _INTERNAL, _TRY_LATER = 1000, 1008, 1011, 1013
_LONGEST_TEXT = 16 * 1024
_GONE = (WebSocketDisconnect, RuntimeError)


@router.websocket("/v1/emotion/stream")
async def stream(socket: WebSocket) -> None:
    """Judge audio while it comes."""
    service: Service = socket.app.state.service
    trace: Trace = socket.state.trace
    await socket.accept(headers=[(b"x-request-id", trace.request_id.encode())])
    try:
        await _converse(socket, service, trace)
    except ServiceError as error:
        await _say_error(socket, error, trace)
    except WebSocketDisconnect as left:
        if left.code == TOO_BIG:
            # The connection has told the caller.
            trace.code, trace.reason = "too_large", "a message was longer than streams.max_message_bytes"
        else:
            trace.code, trace.reason = "invalid_request", "the caller went away before the end of the stream"
    except Exception:
        await _say_error(socket, ServiceError("internal", "something went wrong in the service"), trace)
        raise


async def _converse(socket: WebSocket, service: Service, trace: Trace) -> None:
    pace = Pace(service.config.streams)
    first = await _received(socket, pace)
    if not isinstance(first, str):
        raise ServiceError("invalid_request", "the first message must be the JSON message `start`")
    start = parsed(StreamStart, first)
    pace.heard(0.0)
    service.recognition.check_ready()
    await _say(socket, StreamReady(type="ready", request_id=trace.request_id))
    updates = service.streams.updates(start, _pieces(socket, start, pace), trace)
    async for update in updates:
        if isinstance(update, EmotionData):
            final = StreamFinal(type="final", success=True, data=update, request_id=trace.request_id)
            await _say(socket, final)
        else:
            update.type = "partial"
            await _say(socket, update)
    await socket.close(_NORMAL)


async def _pieces(socket: WebSocket, start: StreamStart, pace: Pace) -> AsyncIterator[bytes]:
    """The binary messages, up to the one that ends the stream."""
    while True:
        message = await _received(socket, pace)
        if isinstance(message, bytes):
            yield message
            pace.heard(audio_s(start, len(message)))
        elif _is_end(message):
            return
        else:
            raise ServiceError("invalid_request", 'a text message in a stream can only be {"type": "end"}')


async def _received(socket: WebSocket, pace: Pace) -> str | bytes:
    try:
        async with asyncio.timeout(pace.wait_s()):
            message = await socket.receive()
    except TimeoutError as error:
        raise pace.late() from error
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    data: bytes | None = message.get("bytes")
    if data is not None:
        return data
    text = str(message.get("text") or "")
    if len(text) > _LONGEST_TEXT:
        raise ServiceError("too_large", f"a text message has more than {_LONGEST_TEXT} characters")
    return text


class _End(BaseModel):
    """The message that ends a stream."""

    type: Literal["end"]


def _is_end(message: str) -> bool:
    try:
        parsed(_End, message)
    except ServiceError:
        return False
    return True


async def _say(socket: WebSocket, message: BaseModel) -> None:
    await socket.send_text(message.model_dump_json(exclude_unset=True))


async def _say_error(socket: WebSocket, error: ServiceError, trace: Trace) -> None:
    trace.code = error.code.word
    said = StreamError(type="error", error=Problem.model_validate(problem(error, trace.request_id)))
    code = _INTERNAL if error.code.status == 500 else _TRY_LATER if error.code.retry else _REFUSED
    if socket.client_state is not WebSocketState.CONNECTED:
        return
    try:
        await _say(socket, said)
        await socket.close(code, reason=error.code.word)
    except _GONE:
        trace.reason = "the caller went away"
