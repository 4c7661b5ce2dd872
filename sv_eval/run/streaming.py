"""One clip given piece by piece, and when its answers came."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import cast

import numpy as np
from numpy.typing import NDArray

from sv_eval.backend import Answer, Request, SpeechDetectingBackend, StreamingBackend, StreamUpdate
from sv_eval.errors import InferenceError
from sv_eval.machine.clock import Clock
from sv_eval.records import SAMPLE_RATE_HZ, Failure, Prediction, Streamed, StreamStep
from sv_eval.run.guard import around_one_clip, checked
from sv_eval.run.load import StreamPlan
from sv_eval.run.plain_answers import plain_answers, plain_update

_PIECE_S = 0.1
"""What a microphone delivers at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOutcome:
    """What came of one streamed clip."""

    answer: Answer
    """The last word, or why there is none."""
    streamed: Streamed | None
    """The steps on the way; None after a failure."""
    latency_ms: float
    """From the end of the audio to the final answer, milliseconds."""
    late_ms: float | None = None
    """How late the last piece was given that the backend was waiting for, milliseconds; None at the fast pace."""


async def stream_clip(backend: StreamingBackend, request: Request, plan: StreamPlan, clock: Clock) -> StreamOutcome:
    """Give `request`'s clip to an entered backend piece by piece; then, untimed and where no other stream is on,
    ask for it whole.

    In real time a step is emitted when the clock says so. At the fast pace it is worked out: a chunk's judgement
    begins when its audio has come and the one before is done, and takes as long as the backend took; and the final
    answer comes as long after the last step, or after the end of the audio, as it did here.
    """
    samples = request.waveform.samples
    heard = _Heard(clock=clock, real_time=plan.real_time, begin_s=clock.now())
    answer: Answer
    whole: Answer | InferenceError | None = None
    speech_end_s, end_s = None, len(samples) / SAMPLE_RATE_HZ
    with around_one_clip("backend_error") as failures:
        told = await backend.stream(heard.pieces(samples, plan), chunk_size=plan.chunk_size, callback=heard.update)
        now_s = clock.now()
        answer = checked(told)
        heard.answered(answer, now_s)
        if heard.strange:
            raise heard.strange[0]
        if plan.calls == 1:
            (whole,) = plain_answers(await backend.recognize([request]), 1)
        speech_end_s = await _speech_end_s(backend, request)
    if failures or not heard.steps:
        failure = failures[0] if failures else Failure(kind="protocol", message="no update came for the stream")
        latency_ms = max(0.0, clock.now() - heard.begin_s - end_s) * 1000
        return StreamOutcome(answer=failure, streamed=None, latency_ms=latency_ms, late_ms=heard.late_ms)
    final_s = heard.final_s(end_s)
    streamed = Streamed(
        steps=tuple(heard.steps),
        offline_label=whole.label if isinstance(whole, Prediction) else None,
        whole_asked=whole is not None,
        final_s=final_s,
        final_label=answer.label if isinstance(answer, Prediction) else None,
        speech_end_s=speech_end_s,
    )
    latency_ms = (final_s - end_s) * 1000
    return StreamOutcome(answer=answer, streamed=streamed, latency_ms=latency_ms, late_ms=heard.late_ms)


async def _speech_end_s(backend: StreamingBackend, request: Request) -> float | None:
    """Where the last stretch of speech ends, of a backend that can tell; None where it can't."""
    if not backend.capabilities.detects_speech:
        return None
    try:
        spans = await cast("SpeechDetectingBackend", backend).detect(request)
    except InferenceError:
        # Without a detector the end of the audio is all that is known.
        return None
    ends = [float(end) for _, end in spans if math.isfinite(end)]
    return min(max(ends), request.waveform.duration_s) if ends else None


@dataclass(slots=True, kw_only=True)
class _Heard:
    """What comes of a stream, and when."""

    clock: Clock
    real_time: bool
    begin_s: float
    steps: list[StreamStep] = field(default_factory=list)
    strange: list[InferenceError] = field(default_factory=list)
    """Updates that are none; raised when the plug-in that told them is done, which they must not end."""
    last_s: float | None = None
    """The clock at the last update, or when the last piece was taken where that was later."""
    answered_s: float = 0.0
    """The clock at the final answer."""
    late_ms: float | None = None
    """How late the last piece was that was waited for."""

    def update(self, told: StreamUpdate) -> None:
        """One more judgement."""
        try:
            update = plain_update(told)
        except InferenceError as error:
            self.strange.append(error)
            return
        self.last_s = self.clock.now()
        if self.real_time:
            emitted_s = self.last_s - self.begin_s
        else:
            before = self.steps[-1].emitted_s if self.steps else 0.0
            emitted_s = max(update.end_s, before) + update.compute_ms / 1000
        step = StreamStep(
            start_s=update.start_s,
            end_s=update.end_s,
            label=update.label,
            scores=update.scores,
            compute_ms=update.compute_ms,
            emitted_s=emitted_s,
        )
        self.steps.append(step)

    def answered(self, answer: Answer, now_s: float) -> None:
        """The final answer is there; a remote one since its last byte came, before the connection was closed."""
        self.answered_s = now_s
        passage = answer.passage
        if passage is not None:
            came_s = passage.begin_s + passage.latency_ms / 1000
            self.answered_s = max(min(came_s, self.answered_s), self.last_s or self.begin_s)

    def final_s(self, end_s: float) -> float:
        """When the final answer was there, seconds after the stream began."""
        if self.real_time:
            return self.answered_s - self.begin_s
        since_s = self.answered_s - (self.begin_s if self.last_s is None else self.last_s)
        return max(end_s, self.steps[-1].emitted_s) + max(0.0, since_s)

    async def pieces(self, samples: NDArray[np.float32], plan: StreamPlan) -> AsyncIterator[NDArray[np.float32]]:
        """The samples in small pieces; in real time each when its last sample would have been spoken."""
        for first, last in pairwise(piece_ends(len(samples), plan.chunk_size)):
            if self.real_time:
                due_s = max(self.begin_s + last / SAMPLE_RATE_HZ, self.clock.now())
                await self.clock.wait_until(due_s)
                # A backend that was busy meanwhile came late by itself.
                self.late_ms = max(0.0, (self.clock.now() - due_s) * 1000)
            yield samples[first:last]
        # Where no judgement follows any more, the final answer alone is waited for.
        self.last_s = self.clock.now()


def piece_ends(samples: int, chunk_size: float) -> list[int]:
    """Where the pieces of so many samples end, and 0: every tenth of a second and wherever a chunk does.

    A piece that went on beyond its chunk would let the chunk's judgement wait for audio that it doesn't need.

    >>> piece_ends(6400, 0.15)
    [0, 1600, 2400, 3200, 4800, 6400]
    """
    size, chunk = round(_PIECE_S * SAMPLE_RATE_HZ), round(chunk_size * SAMPLE_RATE_HZ)
    return sorted({*range(0, samples, size), *range(0, samples, chunk), samples})
