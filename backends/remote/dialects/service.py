"""This project's service: JSON with base64, forms, gRPC, and streams over websocket and gRPC."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends.remote.dialect import NOTHING_SAID, Served, Traits
from backends.remote.endpoint import Endpoint
from backends.remote.errors import RemoteError
from backends.remote.hearing import Heard, expect
from backends.remote.http_line import (
    HttpDialect,
    HttpLine,
    HttpMessage,
    HttpReply,
    multipart,
    retry_after_s,
    said_in,
)
from backends.remote.service_words import heard_from_data, heard_whole, kind_of_code, silent
from backends.remote.sound import ORIGINAL, WAV, Sound
from backends.remote.timeline import Timeline
from backends.remote.update_times import UpdateTimes
from backends.remote.websocket_line import Conversation, Socket, WebsocketDialect, WebsocketLine
from sv_eval.backend import Adjustments, StreamUpdate

_ASKS = ("language", "use_itn", "vad_threshold", "chunk_size")
_OF_STREAMS = ("language", "use_itn", "vad_threshold")
LONGEST_UPDATE_S = 30.0
"""The service judges a stream at least this often; a clip that is not longer is judged whole."""


class _OverHttp(HttpDialect):
    """What the forms over HTTP share."""

    def read(self, reply: HttpReply) -> Heard:
        """The answer's `data`."""
        content = reply.json()
        expect(isinstance(content, dict), "the answer is no JSON object")
        if content.get("success") is False:
            raise _problem(content, reply)
        return heard_from_data(content.get("data"))

    def refusal(self, reply: HttpReply) -> RemoteError:
        """A problem document's own code is the kind."""
        content = _content(reply)
        return _problem(content, reply) if "code" in content else super().refusal(reply)

    def silence(self, reply: HttpReply) -> bool:
        """Whether the code says so."""
        return silent(_content(reply).get("code"))

    async def served(self, line: HttpLine) -> Served:
        """The first model's card."""
        try:
            (listed, *_) = (await line.get("/v1/models")).json()["data"]
            reply = await line.get(f"/v1/models/{listed['id']}")
            card = reply.json() if reply.status == 200 else listed
            return Served(
                model=card["title"],
                model_hash=card["model_hash"],
                precision=card["precision"],
                device=card["device"],
                labels=tuple(card["labels"]),
                card=card.get("card") or {},
            )
        except (RemoteError, KeyError, TypeError, ValueError):
            return NOTHING_SAID


class JsonDialect(_OverHttp):
    """`POST /v1/emotion`: the file in base64."""

    traits = Traits(
        name="service",
        schemes=("http", "https"),
        path="/v1/emotion",
        forms=(ORIGINAL, WAV),
        asks=_ASKS,
        deterministic=True,
    )

    def message(self, sound: Sound, asked: Adjustments) -> HttpMessage:
        """A JSON object; base64 needs no escaping, so the long member is put in as it is."""
        rest = json.dumps(_wishes(asked, _ASKS) | {"return_all_emotions": True}).encode()
        body = b'{"audio":"%b",%b' % (base64.b64encode(sound.file), rest[1:])
        return HttpMessage(body=body, headers={"Content-Type": "application/json"})


class FormDialect(_OverHttp):
    """`POST /analyze`: the file as it is."""

    traits = Traits(
        name="service_form",
        schemes=("http", "https"),
        path="/analyze",
        forms=(ORIGINAL, WAV),
        asks=_ASKS,
        deterministic=True,
    )

    def message(self, sound: Sound, asked: Adjustments) -> HttpMessage:
        """A form."""
        wishes = _wishes(asked, _ASKS) | {"return_all_emotions": True}
        fields = [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in wishes.items()]
        return multipart(
            fields, name="file", file=sound.file, filename=f"clip.{sound.format}", media_type=sound.media_type
        )


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

    async def converse(self, socket: Socket, message: Any, timeline: Timeline) -> Heard:
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
                timeline.answered_s = time.perf_counter()
                return heard_whole(heard_from_data(content["data"]))
            if content["type"] == "error":
                return _failed(content)

    async def stream(
        self,
        line: WebsocketLine,
        pieces: AsyncIterator[NDArray[np.float32]],
        *,
        chunk_size: float,
        asked: Adjustments,
        callback: Callable[[StreamUpdate], None],
        timeline: Timeline,
    ) -> Heard:
        """Send pieces as they come; updates are handed on as they arrive."""
        times = UpdateTimes()
        async with Conversation(line, timeline, total_s=_longest_stream_s(line.endpoint)) as socket:
            await socket.send(_start(asked, chunk_size))
            sending = asyncio.create_task(_send_pieces(socket, pieces, times))
            try:
                while True:
                    content = _said(await socket.receive_json())
                    if content["type"] == "partial":
                        callback(_update(content, times))
                    elif content["type"] == "final":
                        await sending
                        timeline.answered_s = time.perf_counter()
                        return heard_from_data(content["data"])
                    elif content["type"] == "error":
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
    return json.dumps(settings | _wishes(asked, _OF_STREAMS))


def _said(content: Any) -> dict[str, Any]:
    expect(isinstance(content, dict) and "type" in content, "a message of the stream has no `type`")
    found: dict[str, Any] = content
    return found


def _failed(content: Mapping[str, Any]) -> Heard:
    """An error that ends a stream."""
    error = content.get("error") or {}
    if silent(error.get("code")):
        return Heard(no_speech=True)
    raise _problem(error, None)


def _update(content: Mapping[str, Any], times: UpdateTimes) -> StreamUpdate:
    return StreamUpdate(
        start_s=content["start"],
        end_s=content["end"],
        label=content.get("emotion"),
        scores=content.get("scores"),
        chunk_scores=content.get("chunk_scores"),
        compute_ms=times.answered(content["end"]),
        text=content.get("text"),
    )


def _longest_stream_s(endpoint: Endpoint) -> float:
    """A stream takes as long as its audio, so only silence ends it; an hour is a bound for a server gone mad."""
    return max(3600.0, endpoint.connection.total_s)


def _wishes(asked: Adjustments, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(asked, name)) is not None}


def _content(reply: HttpReply) -> dict[str, Any]:
    try:
        content = json.loads(reply.body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _problem(content: Mapping[str, Any], reply: HttpReply | None) -> RemoteError:
    """The error of a problem document."""
    code = str(content.get("code", "internal"))
    waits = content.get("retry_after_s")
    header = None if reply is None else retry_after_s(reply.headers.get("Retry-After"))
    said = content.get("detail") or (said_in(reply) if reply else "")
    return RemoteError(
        kind_of_code(code), f"{code}: {said}"[:300], retry_after_s=header if waits is None else float(waits)
    )
