"""This project's service over a websocket: whole clips, and streams."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.backend import Adjustments, StreamUpdate
from sv_eval.backends.remote.answer_parsing import ParsedAnswer, expect, understood
from sv_eval.backends.remote.dialect import Traits
from sv_eval.backends.remote.dialects.service import problem_error, wishes_of
from sv_eval.backends.remote.endpoint import Endpoint
from sv_eval.backends.remote.service_words import answer_from_data, without_single_segment
from sv_eval.backends.remote.sound import Sound
from sv_eval.backends.remote.timeline import Timeline
from sv_eval.backends.remote.typed_fields import mapping_in, needed_number, numbers_in, text_in
from sv_eval.backends.remote.update_times import UpdateTimes
from sv_eval.backends.remote.websocket_transport import Conversation, Socket, WebsocketDialect, WebsocketTransport

_OF_STREAMS = ("language", "use_itn", "vad_threshold")
LONGEST_UPDATE_S = 30.0
"""The service judges a stream at least this often; a clip that is not longer is judged whole."""


class StreamDialect(WebsocketDialect):
    """`/v1/emotion/stream`: float samples over a websocket, partial answers on the way."""

    traits = Traits(
        name="service_websocket",
        schemes=("ws", "wss"),
        path="/v1/emotion/stream",
        forms=(),
        asks=_OF_STREAMS,
        deterministic=True,
        streams=True,
    )

    def message(self, sound: Sound, asked: Adjustments) -> tuple[str, bytes]:
        """The opening message and the samples."""
        return _start(asked, LONGEST_UPDATE_S), sound.pcm_f32le

    async def converse(self, socket: Socket, message: Any, timeline: Timeline) -> ParsedAnswer:
        """Give everything at once and wait for the last answer."""
        start, samples = message
        await socket.send(start)
        if samples:
            await socket.send(samples)
        await socket.send('{"type": "end"}')
        timeline.sent_s = time.perf_counter()
        while True:
            content = _said(await socket.receive_json())
            if content["type"] == "final":
                timeline.all_came()
                return without_single_segment(answer_from_data(content.get("data")))
            if content["type"] == "error":
                return _failed(content)

    async def stream(
        self,
        transport: WebsocketTransport,
        pieces: AsyncIterator[NDArray[np.float32]],
        *,
        chunk_size: float,
        asked: Adjustments,
        callback: Callable[[StreamUpdate], None],
        timeline: Timeline,
    ) -> ParsedAnswer:
        """Send pieces as they come; updates are handed on as they arrive."""
        times = UpdateTimes()
        async with Conversation(transport, timeline, total_s=_longest_stream_s(transport.endpoint)) as socket:
            await socket.send(_start(asked, chunk_size))
            sending = asyncio.create_task(_send_pieces(socket, pieces, times))
            try:
                while True:
                    content = _said(await socket.receive_json())
                    if content["type"] == "partial":
                        with understood():
                            update = _update(content, times)
                        callback(update)
                    elif content["type"] == "final":
                        await sending
                        timeline.all_came()
                        with understood():
                            return answer_from_data(content.get("data"))
                    elif content["type"] == "error":
                        with understood():
                            return _failed(content)
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)


async def _send_pieces(socket: Socket, pieces: AsyncIterator[NDArray[np.float32]], times: UpdateTimes) -> None:
    async for piece in pieces:
        await socket.send(piece.astype("<f4", copy=False).tobytes())
        times.sent(len(piece))
    await socket.send('{"type": "end"}')


def _start(asked: Adjustments, update_s: float) -> str:
    settings = {"type": "start", "encoding": "pcm_f32le", "update_s": update_s, "return_all_emotions": True}
    return json.dumps(settings | wishes_of(asked, _OF_STREAMS))


def _said(content: Any) -> dict[str, Any]:
    expect(isinstance(content, dict) and "type" in content, "a message of the stream has no `type`")
    found: dict[str, Any] = content
    return found


def _failed(content: Mapping[str, Any]) -> ParsedAnswer:
    """An error that ends a stream."""
    error = mapping_in(content.get("error"), "error") or {}
    if error.get("code") == "silence":
        return ParsedAnswer(no_speech=True)
    raise problem_error(error, None)


def _update(content: Mapping[str, Any], times: UpdateTimes) -> StreamUpdate:
    end_s = needed_number(content.get("end"), "partial's end")
    return StreamUpdate(
        start_s=needed_number(content.get("start"), "partial's start"),
        end_s=end_s,
        label=text_in(content.get("emotion"), "partial's emotion"),
        scores=numbers_in(content.get("scores"), "partial's scores"),
        chunk_scores=numbers_in(content.get("chunk_scores"), "partial's chunk_scores"),
        compute_ms=times.answered(end_s),
        text=text_in(content.get("text"), "partial's text"),
    )


def _longest_stream_s(endpoint: Endpoint) -> float:
    """A stream takes as long as its audio, so only silence ends it; an hour is a bound for a server gone mad."""
    return max(3600.0, endpoint.connection.total_s)
