"""Streams: samples come in pieces, and what is known so far goes out, over websocket and gRPC alike."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from typing import cast

import numpy as np
from numpy.typing import NDArray

from sv_eval.backend import Answer, StreamingBackend, StreamUpdate
from sv_eval.errors import SvEvalError
from sv_eval.records import SAMPLE_RATE_HZ, Failure, Prediction
from sv_eval.run.guard import around_one_clip, checked
from sv_eval.run.plain_answers import plain_update
from sv_eval.serve.answers import stream_partial
from sv_eval.serve.recognition import Recognition, failed
from sv_eval.serve.sound import SampleStream
from sv_eval.serve.trace import Trace
from sv_eval.wire.messages import EmotionData, StreamPartial, StreamStart
from sv_eval.wire.problems import ServiceError


class Streams:
    """The streams that are open on one service."""

    def __init__(self, recognition: Recognition) -> None:
        self._recognition = recognition
        self._limits = recognition.config.streams
        self.open = 0
        """How many are open."""

    async def updates(
        self, start: StreamStart, pieces: AsyncIterator[bytes], trace: Trace
    ) -> AsyncIterator[StreamPartial | EmotionData]:
        """A partial result for every `update_s` of audio and, when `pieces` end, the final one.

        Raises ServiceError.
        """
        recognition = self._recognition
        self._check(start)
        adjustments = recognition.adjustments(start)
        found: asyncio.Queue[StreamUpdate | None] = asyncio.Queue()
        samples = _Samples(
            pieces, SampleStream(start.encoding, start.sample_rate), self._limits.max_duration_s, trace
        )
        backend = cast("StreamingBackend", recognition.backend)
        self._count(1)
        try:
            work = asyncio.ensure_future(
                _guarded(
                    backend.stream(
                        samples.blocks(),
                        chunk_size=start.update_s,
                        callback=found.put_nowait,
                        adjustments=adjustments,
                    )
                )
            )
            work.add_done_callback(lambda _: found.put_nowait(None))
            try:
                while (update := await found.get()) is not None:
                    update = _plain(update, trace)
                    trace.add({"inference": update.compute_ms})
                    decided = recognition.decisions.update(update)
                    yield stream_partial(recognition.naming.update(update), decided, start)
                prediction = await _settled(work, samples, trace)
                yield recognition.answer(prediction, samples.duration_s, start, trace)
            finally:
                work.cancel()
        finally:
            self._count(-1)

    def _check(self, start: StreamStart) -> None:
        self._recognition.check_ready()
        if not self._recognition.backend.capabilities.streams:
            raise ServiceError("unsupported_parameter", "this backend does not stream")
        if start.chunk_size is not None:
            raise ServiceError(
                "unsupported_parameter",
                "chunk_size means nothing in a stream; update_s says how often a result is due",
                errors=[{"parameter": "chunk_size", "message": "not taken by streams"}],
            )
        if self.open >= self._limits.max_open:
            raise ServiceError("overloaded", f"{self.open} streams are open already")

    def _count(self, change: int) -> None:
        self.open += change
        self._recognition.meters.set("streams_open", self.open)


class _Samples:
    """The samples of a stream, counted."""

    def __init__(self, pieces: AsyncIterator[bytes], stream: SampleStream, most_s: float, trace: Trace) -> None:
        self._pieces, self._stream, self._most_s, self._trace = pieces, stream, most_s, trace
        self.duration_s = 0.0
        self.broken_by: Exception | None = None
        """What ended the samples before their end; None where nothing did."""

    async def blocks(self) -> AsyncIterator[NDArray[np.float32]]:
        """The samples as they come."""
        try:
            async for samples in self._blocks():
                yield samples
        except Exception as error:
            # It passes through a plug-in next, which may make anything of it.
            self.broken_by = error
            raise

    async def _blocks(self) -> AsyncIterator[NDArray[np.float32]]:
        async for piece in self._pieces:
            self._trace.body_bytes += len(piece)
            yield self._counted(self._stream.feed(piece))
        # What the service does from here on is what a caller waits for.
        self._trace.received_s = time.perf_counter()
        last = self._stream.finish()
        if len(last):
            yield self._counted(last)
        if not self.duration_s:
            raise ServiceError("empty", "the stream held no samples")

    def _counted(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        self.duration_s += len(samples) / SAMPLE_RATE_HZ
        if self.duration_s > self._most_s:
            raise ServiceError("too_long", f"the stream is longer than {self._most_s:g} s")
        return samples


async def _guarded(asked: Awaitable[Prediction]) -> Answer:
    """The answer of a plug-in's stream, or the failure that it is."""
    with around_one_clip("backend_error") as failures:
        return checked(await asked)
    return failures[0]


def _plain(update: StreamUpdate, trace: Trace) -> StreamUpdate:
    with around_one_clip("protocol") as failures:
        return plain_update(update)
    raise failed(failures[0], trace)


async def _settled(work: asyncio.Future[Answer], samples: _Samples, trace: Trace) -> Prediction:
    try:
        answer = await work
    except SvEvalError as error:
        # The backend itself is gone.
        trace.reason = str(error)
        raise ServiceError("not_ready", "the backend does not answer at the moment") from error
    if samples.broken_by is not None:
        raise samples.broken_by
    if isinstance(answer, Failure):
        raise failed(answer, trace)
    return answer
