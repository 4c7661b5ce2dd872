"""One clip given piece by piece, and when its answers came."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.backend import Answer, Request, StreamingBackend, StreamUpdate
from sv_eval.errors import InferenceError
from sv_eval.machine.clock import Clock
from sv_eval.records import SAMPLE_RATE_HZ, Failure, Prediction, Streamed, StreamStep
from sv_eval.run.guard import around_one_clip
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
    """From the end of the audio to the last word, milliseconds."""


async def stream_clip(backend: StreamingBackend, request: Request, plan: StreamPlan, clock: Clock) -> StreamOutcome:
    """Give `request`'s clip to an entered backend piece by piece; then, untimed, ask for it whole.

    In real time a step is emitted when the clock says so. At the fast pace it is worked out: a chunk's judgement
    begins when its audio has come and the one before is done, and takes as long as the backend took.
    """
    samples = request.waveform.samples
    steps: list[StreamStep] = []
    begin = clock.now()

    strange: list[InferenceError] = []

    def on_update(told: StreamUpdate) -> None:
        try:
            update = plain_update(told)
        except InferenceError as error:
            # It may go no further than the plug-in that called; it is raised when that is done.
            strange.append(error)
            return
        if plan.real_time:
            emitted_s = clock.now() - begin
        else:
            before = steps[-1].emitted_s if steps else 0.0
            emitted_s = max(update.end_s, before) + update.compute_ms / 1000
        steps.append(
            StreamStep(
                start_s=update.start_s,
                end_s=update.end_s,
                label=update.label,
                scores=update.scores,
                compute_ms=update.compute_ms,
                emitted_s=emitted_s,
            )
        )

    answer: Answer
    whole: Answer | InferenceError
    with around_one_clip("backend_error") as failures:
        pieces = _pieces(samples, begin, clock if plan.real_time else None)
        answer = await backend.stream(pieces, chunk_size=plan.chunk_size, callback=on_update)
        if strange:
            raise strange[0]
        (whole,) = plain_answers(await backend.recognize([request]), 1)
    end_s = len(samples) / SAMPLE_RATE_HZ
    if failures or not steps:
        failure = failures[0] if failures else Failure(kind="protocol", message="no update came for the stream")
        return StreamOutcome(answer=failure, streamed=None, latency_ms=max(0.0, clock.now() - begin - end_s) * 1000)
    offline = whole.label if isinstance(whole, Prediction) else None
    return StreamOutcome(
        answer=answer,
        streamed=Streamed(steps=tuple(steps), offline_label=offline),
        latency_ms=(steps[-1].emitted_s - end_s) * 1000,
    )


async def _pieces(
    samples: NDArray[np.float32], begin: float, clock: Clock | None
) -> AsyncIterator[NDArray[np.float32]]:
    """The samples in small pieces; with a clock each when its last sample would have been spoken."""
    size = round(_PIECE_S * SAMPLE_RATE_HZ)
    for first in range(0, len(samples), size):
        piece = samples[first : first + size]
        if clock is not None:
            await clock.wait_until(begin + (first + len(piece)) / SAMPLE_RATE_HZ)
        yield piece
