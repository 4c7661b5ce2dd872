"""This project's service over gRPC, for whole clips and for streams."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray

from sv_eval.backend import Adjustments, StreamUpdate
from sv_eval.backends.remote.answer_parsing import ParsedAnswer, understood
from sv_eval.backends.remote.dialect import Dialect, Traits, Transport
from sv_eval.backends.remote.dialects.service_websocket import LONGEST_UPDATE_S
from sv_eval.backends.remote.endpoint import Endpoint
from sv_eval.backends.remote.errors import NOT_UNDERSTOOD, RemoteError
from sv_eval.backends.remote.grpc_transport import GrpcTransport, message_of
from sv_eval.backends.remote.service_words import (
    answer_from_proto,
    emotion_name,
    scores_from,
    without_single_segment,
)
from sv_eval.backends.remote.sound import ORIGINAL, WAV, Sound
from sv_eval.backends.remote.timeline import Timeline
from sv_eval.backends.remote.update_times import UpdateTimes
from sv_eval.wire import emotion_pb2 as pb

_PIECE_BYTES = 64 << 10
_LONGEST_STREAM_S = 3600.0


class GrpcDialect(Dialect):
    """`Recognize` for whole clips; `StreamingRecognize` for streams."""

    traits = Traits(
        name="service_grpc",
        schemes=("grpc", "grpcs"),
        forms=(ORIGINAL, WAV),
        asks=("language", "use_itn", "vad_threshold", "chunk_size"),
        deterministic=True,
        streams=True,
    )

    def message(self, sound: Sound, asked: Adjustments) -> bytes:
        """A serialised RecognizeRequest."""
        request = pb.RecognizeRequest(audio=sound.file, options=_options(asked))
        data: bytes = request.SerializeToString()
        return data

    def open(self, endpoint: Endpoint) -> Transport:
        """A channel."""
        return GrpcTransport(endpoint)

    async def stream(
        self,
        transport: GrpcTransport,
        pieces: AsyncIterator[NDArray[np.float32]],
        *,
        chunk_size: float,
        asked: Adjustments,
        callback: Callable[[StreamUpdate], None],
        timeline: Timeline,
    ) -> ParsedAnswer:
        """Send pieces as they come; updates are handed on as they arrive."""
        times = UpdateTimes()
        return await _conversed(transport, _requests(pieces, chunk_size, asked, times), callback, times, timeline)


class GrpcStreamDialect(GrpcDialect):
    """Whole clips over `StreamingRecognize`, as float samples; those of up to 30 s are judged whole."""

    traits = Traits(
        name="service_grpc_stream",
        schemes=("grpc", "grpcs"),
        forms=(),
        asks=("language", "use_itn", "vad_threshold"),
        deterministic=True,
        streams=True,
    )

    def message(self, sound: Sound, asked: Adjustments) -> Any:
        """The serialised messages of a stream."""
        samples = sound.pcm_f32le
        pieces = [samples[begin : begin + _PIECE_BYTES] for begin in range(0, len(samples), _PIECE_BYTES)]
        return [_config(LONGEST_UPDATE_S, asked), *(_audio(piece) for piece in pieces)]

    def open(self, endpoint: Endpoint) -> Transport:
        """A channel whose whole clips go over the streaming call."""
        return _GrpcStreamTransport(endpoint)


class _GrpcStreamTransport(GrpcTransport):
    """A channel on which whole clips are streams."""

    async def ask(self, message: Any, timeline: Timeline) -> ParsedAnswer:
        """Send all messages at once and wait for the last answer."""

        async def requests() -> AsyncIterator[bytes]:
            for one in message:
                yield one
            timeline.sent_s = time.perf_counter()

        total_s = self.endpoint.connection.total_s
        parsed = await _conversed(self, requests(), lambda _: None, UpdateTimes(), timeline, total_s=total_s)
        return without_single_segment(parsed)


async def _conversed(
    transport: GrpcTransport,
    requests: AsyncIterator[bytes],
    callback: Callable[[StreamUpdate], None],
    times: UpdateTimes,
    timeline: Timeline,
    *,
    total_s: float = _LONGEST_STREAM_S,
) -> ParsedAnswer:
    await transport.ready(timeline)
    call = transport.converse(requests, total_s=total_s)
    final = None
    try:
        async for data in call:
            response = message_of(pb.StreamingRecognizeResponse, data)
            if response.WhichOneof("result") == "final":
                final = response.final
                timeline.answered_s = time.perf_counter()
            else:
                with understood():
                    update = _update(response.partial, times)
                callback(update)
    except grpc.aio.AioRpcError as error:
        silence = transport.silence(error)
        if silence is not None:
            return silence
        raise transport.error(error) from error
    except (asyncio.CancelledError, RemoteError):
        call.cancel()
        raise
    if final is None:
        raise RemoteError(NOT_UNDERSTOOD, "the stream ended without a final answer")
    await transport.note_stages(call, timeline)
    with understood():
        return answer_from_proto(final)


async def _requests(
    pieces: AsyncIterator[NDArray[np.float32]], chunk_size: float, asked: Adjustments, times: UpdateTimes
) -> AsyncIterator[bytes]:
    yield _config(chunk_size, asked)
    async for piece in pieces:
        yield _audio(piece.astype("<f4", copy=False).tobytes())
        times.sent(len(piece))


def _update(partial: Any, times: UpdateTimes) -> StreamUpdate:
    return StreamUpdate(
        start_s=partial.start,
        end_s=partial.end,
        label=emotion_name(partial.emotion),
        scores=scores_from(partial.scores),
        chunk_scores=scores_from(partial.chunk_scores),
        compute_ms=times.answered(partial.end),
        text=partial.text,
    )


def _config(update_s: float, asked: Adjustments) -> bytes:
    config = pb.StreamingConfig(
        encoding=pb.AUDIO_FORMAT_PCM_F32LE, update_s=update_s, options=_options(asked, of_stream=True)
    )
    data: bytes = pb.StreamingRecognizeRequest(config=config).SerializeToString()
    return data


def _audio(samples: bytes) -> bytes:
    data: bytes = pb.StreamingRecognizeRequest(audio=samples).SerializeToString()
    return data


def _options(asked: Adjustments, *, of_stream: bool = False) -> Any:
    wishes = {name: getattr(asked, name) for name in asked.asked if not (of_stream and name == "chunk_size")}
    return pb.Options(**wishes, return_all_emotions=True)
