"""What every way of running a SenseVoice model shares: stretches, features, batches, posteriors, answers.

A backend brings the model itself (an `Engine`) and the front end; everything that can change an answer is here,
so that two backends differ in the engine alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from sv_eval.backend import NO_ADJUSTMENTS, Adjustments, Answer, Request
from sv_eval.backends.frontend import Float32
from sv_eval.backends.model_thread import ModelThread
from sv_eval.backends.segmentation.segmenter import Segmenter
from sv_eval.backends.segmentation.spans import Span
from sv_eval.backends.sensevoice.answers import AnswerReader, ReducedLogits
from sv_eval.backends.sensevoice.combining import combined
from sv_eval.backends.sensevoice.inference_cache import InferenceCache
from sv_eval.backends.sensevoice.listening import LANGUAGES, Listening, Prompts
from sv_eval.errors import ConfigError, InferenceError, ModelError, nearest
from sv_eval.records import Failure, Prediction

Result = TypeVar("Result")


class Engine(Protocol):
    """The model: features in, logits out.

    `infer` and `logits` are called from the model's threads only; the others from any of the recogniser's threads,
    from several at once.
    """

    def features(self, samples: Float32) -> Any:
        """The encoder's input frames for one stretch, [frames, dimension]."""

    def batch(self, features: Sequence[Any], prompts: Sequence[Prompts] | None = None) -> Any:
        """Several stretches' features as `infer` takes them, so that its thread need not put them together.

        prompts: what each is asked with; the engine's own for all when None.
        """

    def infer(self, batch: Any) -> Any:
        """The model's output for a batch, finished when it returns. Raises InferenceError."""

    def reduced(self, output: Any) -> ReducedLogits:
        """What is needed of an output."""

    def logits(self, features: Any) -> NDArray[np.float32]:
        """All logits for one stretch, [frames, ids]; for looking into the model, not for speed."""


@dataclass(frozen=True, slots=True)
class ClipSettings:
    """How one clip is to be heard: the backend's settings with a request's own in their place."""

    segmenter: Segmenter
    prompts: Prompts


@dataclass(frozen=True, slots=True)
class _Cut:
    """A clip's stretches."""

    spans: list[Span]
    settings: ClipSettings
    samples: Float32
    audio: str | None = None
    """What stands for the samples, where work that was done before may be used."""
    known: Mapping[int, Prediction] = field(default_factory=dict)
    """What is known already about stretches, by their place."""

    @property
    def new(self) -> list[Span]:
        """The stretches that the model is to be asked about."""
        return [span for place, span in enumerate(self.spans) if place not in self.known]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """A call on its way to the model."""

    clips: list[_Cut | Failure]
    """The stretches of each clip, or why there are none."""
    batches: list[tuple[list[int], Any]]
    """Which stretches go to the model together, by their place among all, and the engine's batch of them."""
    stages_ms: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spoken:
    """A call on its way back."""

    clips: list[_Cut | Failure]
    outputs: list[tuple[list[int], Any]]
    """For each batch that was formed, which stretches it held and the engine's output."""
    stages_ms: dict[str, float]


class Recogniser:
    """Runs calls through three stages, each in threads of its own, so that one's work overlaps another's.

    A call with a single clip goes through all three in a thread of the model's.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        reader: AnswerReader,
        listening: Listening,
        segmenter: Segmenter,
        workers: int = 1,
        known: InferenceCache | None = None,
    ) -> None:
        self.engine, self.reader, self.listening, self.segmenter = engine, reader, listening, segmenter
        self._own = ClipSettings(segmenter, listening.prompts)
        self._preparing = ModelThread("features")
        self._model = ModelThread("model", workers)
        self._answers = ModelThread("answers")
        self._known = known

    def close(self) -> None:
        """End the threads."""
        for thread in (self._preparing, self._model, self._answers):
            thread.close()

    async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """Answers for one call."""
        known = self._known
        if known is not None and not known.alone and all(request.audio_key is not None for request in requests):
            return await self._model.run(lambda: [self._from_known(request, known) for request in requests])
        if len(requests) == 1:
            # A single clip's stages follow each other anyway: one hop between threads instead of three.
            return await self._model.run(lambda: self._read(self._hear(self._prepare(requests))))
        prepared = await self._preparing.run(lambda: self._prepare(requests))
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

    async def detect(self, request: Request) -> list[Span]:
        """Where in a clip somebody speaks. Raises InferenceError, kind `vad_unavailable`, without a detector."""

        def speech() -> list[Span]:
            try:
                return self.settings_for(request.adjustments).segmenter.speech(request.waveform.samples)
            except ModelError as error:
                raise InferenceError("vad_unavailable", str(error)) from error

        return await self._preparing.run(speech)

    def settings_for(self, asked: Adjustments) -> ClipSettings:
        """How a request with these settings of its own is heard.

        Raises InferenceError, kind `bad_setting` for a value that can't be, `vad_unavailable` when the speech
        detector that it needs can't be loaded.
        """
        if asked == NO_ADJUSTMENTS:
            return self._own
        if asked.language is not None and asked.language not in LANGUAGES:
            raise InferenceError(
                "bad_setting", f"language={asked.language} is not known; {nearest(asked.language, LANGUAGES)}"
            )
        try:
            changed = {name: getattr(asked, name) for name in ("language", "use_itn") if name in asked.asked}
            segmenter = self.segmenter.adjusted(vad_threshold=asked.vad_threshold, chunk_size=asked.chunk_size)
            return ClipSettings(segmenter, replace(self.listening, **changed).prompts)
        except ConfigError as error:
            raise InferenceError("bad_setting", str(error).removeprefix("backend.")) from error
        except ModelError as error:
            raise InferenceError("vad_unavailable", str(error)) from error

    def _prepare(self, requests: Sequence[Request]) -> _Prepared:
        begin = time.perf_counter()
        clips = [self._cut(request) for request in requests]
        middle = time.perf_counter()
        heard = [item for item in clips if isinstance(item, _Cut)]
        features = [
            self.engine.features(item.samples[span.start : span.end]) for item in heard for span in item.new
        ]
        prompts = [item.settings.prompts for item in heard for _ in item.new]
        batches = self._batches(features, prompts)
        whole = all(item.settings.segmenter.settings.whole for item in heard)
        stages = {} if whole else {"vad": (middle - begin) * 1000}
        stages |= {"features": _ms_since(middle)}
        return _Prepared(clips=clips, batches=batches, stages_ms=stages)

    def _batches(self, features: Sequence[Any], prompts: Sequence[Prompts]) -> list[tuple[list[int], Any]]:
        """Stretches put together for the model."""
        return [
            (places, self.engine.batch([features[place] for place in places], [prompts[place] for place in places]))
            for places in self.listening.batches([len(one) for one in features])
        ]

    def _cut(self, request: Request) -> _Cut | Failure:
        """A clip's stretches; a failure of its own when it asks for what can't be."""
        try:
            settings = self.settings_for(request.adjustments)
        except InferenceError as error:
            return Failure(kind=error.kind, message=str(error))
        samples, audio, known = request.waveform.samples, request.audio_key, self._known
        if audio is None or known is None:
            return _Cut(settings.segmenter(samples), settings, samples)
        spans = known.stretches(audio, samples, settings.segmenter)
        return _Cut(
            spans, settings, samples, audio, known.found(audio, spans, settings.prompts) if known.alone else {}
        )

    def _from_known(self, request: Request, known: InferenceCache) -> Answer:
        """The answer for a clip, with nothing done again that was done for another setting."""
        try:
            settings = self.settings_for(request.adjustments)
        except InferenceError as error:
            return Failure(kind=error.kind, message=str(error))
        audio, samples = request.audio_key or "", request.waveform.samples
        spans = known.stretches(audio, samples, settings.segmenter)
        said = known.said_together(
            audio, spans, settings.prompts, lambda new: self._say(samples, new, settings.prompts)
        )
        return self.answer(spans, said, keep_segments=not settings.segmenter.settings.whole)

    def _say(self, samples: Float32, spans: Sequence[Span], prompts: Prompts) -> list[Prediction]:
        """What is said about stretches of one clip, batched as in any other call."""
        features = [self.engine.features(samples[span.start : span.end]) for span in spans]
        batches = self._batches(features, [prompts] * len(spans))
        said = self._said(self._hear(_Prepared(clips=[], batches=batches, stages_ms={})))
        return [said[index] for index in range(len(spans))]

    def _hear(self, prepared: _Prepared) -> _Spoken:
        begin = time.perf_counter()
        outputs = [(places, self.engine.infer(batch)) for places, batch in prepared.batches]
        stages = prepared.stages_ms | {"inference": _ms_since(begin)}
        return _Spoken(clips=prepared.clips, outputs=outputs, stages_ms=stages)

    def _read(self, spoken: _Spoken) -> list[Answer]:
        begin = time.perf_counter()
        said = self._said(spoken)
        answers: list[Answer] = []
        first = 0
        for clip in spoken.clips:
            if isinstance(clip, Failure):
                answers.append(clip)
                continue
            new = [said[first + index] for index in range(len(clip.new))]
            first += len(new)
            answers.append(self._put_together(clip, new))
        stages = spoken.stages_ms | {"postprocess": _ms_since(begin)}
        return [
            one if isinstance(clip, Failure) or isinstance(one, Failure) or clip.audio is not None
            # Where work may have been done before, its time says nothing.
            else replace(one, stages_ms=stages)
            for clip, one in zip(spoken.clips, answers, strict=True)
        ]  # fmt: skip

    def _put_together(self, clip: _Cut, new: Sequence[Prediction]) -> Prediction:
        """A clip's answer from what was known about its stretches and what is new, which is known from now on."""
        if self._known is not None and clip.audio is not None and self._known.alone:
            for span, said in zip(clip.new, new, strict=True):
                self._known.keep(clip.audio, span, clip.settings.prompts, said)
        rest = iter(new)
        pieces = [clip.known[place] if place in clip.known else next(rest) for place in range(len(clip.spans))]
        return self.answer(clip.spans, pieces, keep_segments=not clip.settings.segmenter.settings.whole)

    def _said(self, spoken: _Spoken) -> dict[int, Prediction]:
        """What is said about each stretch, by its place among all of them."""
        said: dict[int, Prediction] = {}
        for batch, output in spoken.outputs:
            said.update(zip(batch, self.reader.read(self.engine.reduced(output)), strict=True))
        return said

    async def in_model_thread(self, work: Callable[[], Result]) -> Result:
        """The result of `work()`, computed where the model runs."""
        return await self._model.run(work)

    def answer(self, spans: Sequence[Span], said: Sequence[Prediction], *, keep_segments: bool) -> Prediction:
        """The clip's prediction from those of its stretches, with as much detail as was asked for."""
        answer = combined(spans, said, self.listening.combine)
        if not self.listening.return_all_emotions:
            bare = tuple(replace(segment, scores=None) for segment in answer.segments)
            answer = replace(answer, scores=None, segments=bare)
        return answer if keep_segments else replace(answer, segments=())


def _ms_since(begin: float) -> float:
    return (time.perf_counter() - begin) * 1000
