"""What every way of running a SenseVoice model shares: stretches, features, batches, posteriors, answers.

A backend brings the model itself (an `Engine`) and the front end; everything that can change an answer is here,
so that two backends differ in the engine alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from backends.model_thread import ModelThread
from backends.segmentation.segmenter import Segmenter
from backends.segmentation.spans import Span
from backends.sensevoice.answers import AnswerReader, Heard
from backends.sensevoice.combining import combined
from backends.sensevoice.frontend import Float32
from backends.sensevoice.listening import Listening
from sv_eval.backend import Answer, Request
from sv_eval.records import Prediction

Result = TypeVar("Result")


class Engine(Protocol):
    """The model: features in, logits out.

    `infer` and `logits` are called from the model's threads only; `features` and `heard` from any of the
    recogniser's threads, from several at once.
    """

    def features(self, samples: Float32) -> Any:
        """The encoder's input frames for one stretch, [frames, dimension]."""

    def infer(self, batch: Sequence[Any]) -> Any:
        """The model's output for a batch of features, finished when it returns. Raises InferenceError."""

    def heard(self, output: Any) -> Heard:
        """What is needed of an output."""

    def logits(self, features: Any) -> NDArray[np.float32]:
        """All logits for one stretch, [frames, ids]; for looking into the model, not for speed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """A call on its way to the model."""

    spans: list[list[Span]]
    """The stretches of each clip."""
    features: list[Any]
    """The features of all stretches, in order."""
    stages_ms: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spoken:
    """A call on its way back."""

    spans: list[list[Span]]
    outputs: list[tuple[list[int], Any]]
    """For each batch that was formed, which stretches it held and the engine's output."""
    stages_ms: dict[str, float]


class Recogniser:
    """Runs calls through three stages, each in threads of its own, so that one's work overlaps another's.

    A call with a single clip goes through all three in a thread of the model's.
    """

    def __init__(
        self, *, engine: Engine, reader: AnswerReader, listening: Listening, segmenter: Segmenter, workers: int = 1
    ) -> None:
        self.engine, self.reader, self.listening, self.segmenter = engine, reader, listening, segmenter
        self._preparing = ModelThread("features")
        self._model = ModelThread("model", workers)
        self._answers = ModelThread("answers")

    def close(self) -> None:
        """End the threads."""
        for thread in (self._preparing, self._model, self._answers):
            thread.close()

    async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """Answers for one call."""
        waveforms = [request.waveform.samples for request in requests]
        if len(waveforms) == 1:
            # A single clip's stages follow each other anyway: one hop between threads instead of three.
            return await self._model.run(lambda: self._read(self._hear(self._prepare(waveforms))))
        prepared = await self._preparing.run(lambda: self._prepare(waveforms))
        spoken = await self._model.run(lambda: self._hear(prepared))
        return await self._answers.run(lambda: self._read(spoken))

    async def trace(self, request: Request) -> Mapping[str, NDArray[Any]]:
        """What each stage gives for one clip, without stretches: waveform, features, logits."""

        def stages() -> dict[str, NDArray[Any]]:
            samples = request.waveform.samples
            features = self.engine.features(samples)
            return {
                "waveform": samples,
                "features": np.asarray(features, dtype=np.float32),
                "logits": self.engine.logits(features),
            }

        return await self._model.run(stages)

    def _prepare(self, waveforms: Sequence[Float32]) -> _Prepared:
        begin = time.perf_counter()
        spans = [self.segmenter(samples) for samples in waveforms]
        middle = time.perf_counter()
        features = [
            self.engine.features(samples[span.start : span.end])
            for samples, stretches in zip(waveforms, spans, strict=True)
            for span in stretches
        ]
        stages = {} if self.segmenter.settings.whole else {"vad": (middle - begin) * 1000}
        return _Prepared(spans=spans, features=features, stages_ms=stages | {"features": _ms_since(middle)})

    def _hear(self, prepared: _Prepared) -> _Spoken:
        begin = time.perf_counter()
        frames = [len(features) for features in prepared.features]
        outputs = [
            (batch, self.engine.infer([prepared.features[index] for index in batch]))
            for batch in self.listening.batches(frames)
        ]
        stages = prepared.stages_ms | {"inference": _ms_since(begin)}
        return _Spoken(spans=prepared.spans, outputs=outputs, stages_ms=stages)

    def _read(self, spoken: _Spoken) -> list[Prediction]:
        begin = time.perf_counter()
        said: dict[int, Prediction] = {}
        for batch, output in spoken.outputs:
            said.update(zip(batch, self.reader.read(self.engine.heard(output)), strict=True))
        answers, first = [], 0
        for spans in spoken.spans:
            answers.append(self.answer(spans, [said[first + index] for index in range(len(spans))]))
            first += len(spans)
        stages = spoken.stages_ms | {"postprocess": _ms_since(begin)}
        return [replace(answer, stages_ms=stages) for answer in answers]

    async def in_model_thread(self, work: Callable[[], Result]) -> Result:
        """The result of `work()`, computed where the model runs."""
        return await self._model.run(work)

    def answer(
        self, spans: Sequence[Span], said: Sequence[Prediction], *, keep_segments: bool = False
    ) -> Prediction:
        """The clip's prediction from those of its stretches, with as much detail as was asked for.

        The stretches are kept where the settings cut clips into any, or always with `keep_segments`.
        """
        answer = combined(spans, said, self.listening.combine)
        if not self.listening.return_all_emotions:
            bare = tuple(replace(segment, scores=None) for segment in answer.segments)
            answer = replace(answer, scores=None, segments=bare)
        return answer if keep_segments or not self.segmenter.settings.whole else replace(answer, segments=())


def _ms_since(begin: float) -> float:
    return (time.perf_counter() - begin) * 1000
