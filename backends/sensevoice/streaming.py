"""Judging audio while it comes: chunk by chunk, with a running answer for everything heard so far.

SenseVoice's encoder sees whole utterances, so a stream is a sequence of short ones: each chunk's speech is judged
by itself, and the running answer combines the chunks as a recording's stretches are combined.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial

import numpy as np

from sv_eval.backend import NO_ADJUSTMENTS, Adjustments, StreamUpdate
from sv_eval.backends.frontend import Float32
from sv_eval.backends.segmentation.spans import Span, speech_spans
from sv_eval.backends.sensevoice.recogniser import ClipSettings, Recogniser
from sv_eval.records import SAMPLE_RATE_HZ, Prediction

_CONTEXT_S = 1.0
"""Audio before a chunk that the speech detector hears again, since it needs a little to settle."""
_SHORTEST_SPEECH_S = 0.1
"""Less speech than this in a chunk is not judged."""


async def stream(
    recogniser: Recogniser,
    chunks: AsyncIterator[Float32],
    *,
    chunk_size: float,
    callback: Callable[[StreamUpdate], None],
    adjustments: Adjustments = NO_ADJUSTMENTS,
) -> Prediction:
    """Judge a stream with an open recogniser; see `sv_eval.backend.StreamingBackend.stream`."""
    size = round(chunk_size * SAMPLE_RATE_HZ)
    running = RunningAnswer(
        recogniser, await recogniser.in_model_thread(partial(recogniser.settings_for, adjustments))
    )
    waiting = np.zeros(0, np.float32)
    async for piece in chunks:
        waiting = np.concatenate([waiting, piece])
        while len(waiting) >= size:
            chunk, waiting = waiting[:size], waiting[size:]
            callback(await recogniser.in_model_thread(partial(running.add, chunk)))
    if len(waiting):
        callback(await recogniser.in_model_thread(partial(running.add, waiting)))
    return running.prediction


class RunningAnswer:
    """What has been heard of one stream, in the way that it asks for."""

    def __init__(self, recogniser: Recogniser, settings: ClipSettings) -> None:
        self._recogniser, self._settings = recogniser, settings
        self._spans: list[Span] = []
        self._said: list[Prediction] = []
        self._length = 0
        self._before = np.zeros(0, np.float32)
        self.prediction = Prediction(no_speech=True)
        """The answer for everything so far."""

    def add(self, chunk: Float32) -> StreamUpdate:
        """Judge the next chunk (float32, 16 kHz, shape [n]) and bring the answer up to date."""
        begin = time.perf_counter()
        start, self._length = self._length, self._length + len(chunk)
        speech = self._speech(chunk)
        said = None
        if speech is not None:
            said = self._judge(chunk[speech.start : speech.end])
            self._spans.append(Span(start + speech.start, start + speech.end))
            self._said.append(said)
            self.prediction = self._recogniser.answer(self._spans, self._said, keep_segments=True)
        everything = self._recogniser.listening.return_all_emotions
        return StreamUpdate(
            start_s=start / SAMPLE_RATE_HZ,
            end_s=self._length / SAMPLE_RATE_HZ,
            label=self.prediction.label,
            scores=self.prediction.scores,
            chunk_scores=said.scores if said is not None and everything else None,
            compute_ms=(time.perf_counter() - begin) * 1000,
            text=self.prediction.text,
        )

    def _speech(self, chunk: Float32) -> Span | None:
        """The part of the chunk from its first to its last speech; None without any."""
        segmenter = self._settings.segmenter
        if segmenter.detector is None:
            return Span(0, len(chunk))
        heard = np.concatenate([self._before, chunk])
        offset = len(self._before)
        self._before = heard[-round(_CONTEXT_S * SAMPLE_RATE_HZ) :]
        probabilities = segmenter.detector(heard)
        # A short bit of speech may be the beginning of more: whether it is enough is not for this chunk to say.
        rule = replace(segmenter.settings.rule, min_speech_ms=0.0)
        spans = speech_spans(probabilities, frame=segmenter.detector.frame, samples=len(heard), rule=rule)
        inside = [Span(max(0, s.start - offset), s.end - offset) for s in spans if s.end > offset]
        if not inside or sum(span.duration_s for span in inside) < _SHORTEST_SPEECH_S:
            return None
        return Span(inside[0].start, inside[-1].end)

    def _judge(self, samples: Float32) -> Prediction:
        engine = self._recogniser.engine
        output = engine.infer(engine.batch([engine.features(samples)], [self._settings.prompts]))
        (prediction,) = self._recogniser.reader.read(engine.reduced(output))
        return prediction
