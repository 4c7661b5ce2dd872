"""What the service does with a recording, whatever protocol it came over."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from sv_eval.answer_words import AnswerWords
from sv_eval.backend import Adjustments, Backend, Request, SpeechDetectingBackend
from sv_eval.data.audio.decoding import decode, decode_raw
from sv_eval.data.audio.level import peak_dbfs, rms_dbfs
from sv_eval.data.audio.measuring import measured
from sv_eval.errors import AudioError, nearest
from sv_eval.records import SAMPLE_RATE_HZ, Failure, Prediction, Waveform
from sv_eval.report.calibration_file import CalibrationFile, read_calibration
from sv_eval.report.thresholds_file import ThresholdsFile, read_thresholds
from sv_eval.run.guard import around_one_clip, around_the_backend, check_told
from sv_eval.scoring.decisions import Decisions
from sv_eval.scoring.labels.naming import Naming
from sv_eval.serve.answers import emotion_data, sound_data
from sv_eval.serve.batching import BatchingRule, MicroBatcher
from sv_eval.serve.config import ServeConfig
from sv_eval.serve.sound import refuse_header
from sv_eval.serve.trace import Trace
from sv_eval.wire.messages import FORMATS, RAW_FORMATS, EmotionData, Options, UploadData
from sv_eval.wire.problems import ServiceError

if TYPE_CHECKING:
    from sv_eval.serve.meters import ServiceMetrics

Result = TypeVar("Result")

ADJUSTABLE = ("language", "use_itn", "vad_threshold", "chunk_size")
"""What a caller of the service may ask for."""
_RAW_RATE_HZ = 16_000
_SAID_AS = {"wrong_scale": "not_audio", "cancelling": "not_audio"}
"""What runs tell apart and callers need not."""
_OF_THE_AUDIO = ("not_audio", "truncated", "empty", "too_short", "too_long", "too_large")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A recording as it came in."""

    data: bytes
    """The file's bytes."""
    format: str = "auto"
    """One of FORMATS."""
    sample_rate_hz: int | None = None
    """Of raw samples; None for 16 kHz."""


class Recognition:
    """Decodes, checks, batches and asks the backend.

    backend: entered by `open`. meters: where to count.
    """

    def __init__(self, backend: Backend, config: ServeConfig, meters: ServiceMetrics) -> None:
        self.backend, self.config, self.meters = backend, config, meters
        self._limits = config.limits.audio
        self._decoding = ThreadPoolExecutor(config.decode_workers, thread_name_prefix="decode")
        self._batcher: MicroBatcher | None = None
        self._calibration, self._thresholds = read_files(config)
        self.decisions = self._decisions(None)
        """The classes that answers name, and what an answer must reach."""
        self._opened = False
        self.model_id = config.model_id or ""
        self.draining = False
        """Set when the service is about to stop: it is no longer ready, and answers all the same."""

    async def open(self) -> None:
        """Load the model, or connect.

        Raises BackendLost for whatever a plug-in raises, and errors of sv_eval that say what the user can mend.
        """
        with around_the_backend("it was opened"):
            await self.backend.__aenter__()
        self._opened = True
        with around_the_backend("it told of itself"):
            check_told(self.backend)
        able, config = self.backend.capabilities, self.config
        self.decisions = self._decisions(self.backend.info.words)
        self.decisions.check(self.backend.info, able)
        together = able.max_batch if able.batch_invariant or config.vary_with_batch else 1
        rule = BatchingRule(
            max_batch=min(together, config.batch_size or together),
            max_in_flight=able.max_in_flight,
            busy_from=min(able.parallel, able.max_in_flight),
            queue_size=config.queue_size,
            max_wait_s=config.batch_wait_ms / 1000,
        )
        self.model_id = config.model_id or slug(self.backend.info.model)
        if self.backend.info.in_process:
            # The first inference is slower than any later one; nobody should have to wait for it.
            with around_the_backend("it was warmed up"):
                await self.backend.recognize([Request(clip_id="warm-up", waveform=_noise(1.0))])
        self._batcher = MicroBatcher(self.backend.recognize, rule, on_batch=self.meters.batch)

    async def close(self) -> None:
        """Finish what was begun and release the backend. Raises BackendLost where it fails or hangs in that."""
        self._decoding.shutdown(wait=False, cancel_futures=True)
        batcher, self._batcher = self._batcher, None
        opened, self._opened = self._opened, False
        with around_the_backend("it was closed"):
            async with asyncio.timeout(self.config.shutdown_s):
                if batcher is not None:
                    await batcher.drained()
                if opened:
                    await self.backend.__aexit__(None, None, None)

    def _decisions(self, words: AnswerWords | None) -> Decisions:
        return Decisions(Naming(self.config.labels, words), self._calibration, self._thresholds)

    @property
    def naming(self) -> Naming:
        """The classes that answers name."""
        return self.decisions.naming

    @property
    def queue_depth(self) -> int:
        """How many recordings wait for the model."""
        return 0 if self._batcher is None else self._batcher.depth

    @property
    def batcher(self) -> MicroBatcher:
        """The queue; raises ServiceError `not_ready` before the model is there."""
        if self._batcher is None:
            raise ServiceError("not_ready", "the model is being loaded", retry_after_s=2)
        return self._batcher

    def check_ready(self) -> None:
        """Raises ServiceError when a request would not be answered now."""
        if self.draining:
            raise ServiceError("shutting_down", "the service is about to stop")
        if self.batcher.lost is not None:
            raise ServiceError("not_ready", "the backend does not answer at the moment")
        if self.batcher.full:
            raise ServiceError("overloaded", "the queue is full", retry_after_s=self.batcher.expected_wait_s)

    def adjustments(self, options: Options) -> Adjustments:
        """What the backend is asked for; raises ServiceError for what it can't do."""
        able = self.backend.capabilities
        asked = Adjustments(**{name: getattr(options, name) for name in ADJUSTABLE})
        languages = able.languages
        if asked.language is not None and languages and asked.language not in languages:
            raise ServiceError(
                "unknown_language",
                f"language '{asked.language[:32]}' is not known; {nearest(asked.language, languages)}",
            )
        if unable := [name for name in asked.asked if name not in able.adjusts]:
            raise ServiceError(
                "unsupported_parameter",
                f"this backend does not take {', '.join(unable)} with a request",
                errors=[{"parameter": name, "message": "not taken by this backend"} for name in unable],
            )
        return asked

    async def recognise(self, upload: Upload, options: Options, trace: Trace) -> EmotionData:
        """What was heard in a recording, within the deadline. Raises ServiceError."""
        return await self._in_time(self._recognise(upload, options, trace), trace)

    async def inspect(self, upload: Upload, trace: Trace) -> UploadData:
        """What a file holds, without judging it, within the deadline. Raises ServiceError."""
        return await self._in_time(self._inspect(upload, trace), trace)

    def answer(self, prediction: Prediction, duration_s: float, options: Options, trace: Trace) -> EmotionData:
        """The answer for a prediction, counted and noted; raises ServiceError `silence` without speech."""
        trace.audio_s = duration_s
        if prediction.no_speech:
            self.meters.answer("no_speech", duration_s)
            raise ServiceError("silence", "no speech was found in the audio")
        data = emotion_data(
            self.decisions.prediction(prediction), duration_s=duration_s, model=self.model_id, options=options
        )
        self.meters.answer(data.emotion or "no_tag", duration_s, data.alarms, data.below_threshold)
        trace.emotion, trace.confidence, trace.text = data.emotion, data.confidence, data.text
        trace.below_threshold = data.below_threshold
        return data

    async def _in_time(self, work: Coroutine[Any, Any, Result], trace: Trace) -> Result:
        try:
            async with asyncio.timeout(max(0.0, trace.left_s(self.config.deadline_s))):
                return await work
        except TimeoutError as error:
            raise ServiceError(
                "deadline_exceeded", f"there was no answer within {self.config.deadline_s:g} s"
            ) from error

    async def _recognise(self, upload: Upload, options: Options, trace: Trace) -> EmotionData:
        batcher, adjustments = self.batcher, self.adjustments(options)
        waveform = await self._decoded(upload, trace)
        loudest = peak_dbfs(waveform.samples)
        if loudest is None or loudest < self.config.silence_dbfs:
            self.meters.answer("no_speech", waveform.duration_s)
            raise ServiceError("silence", _silence(loudest, self.config.silence_dbfs))
        request = Request(clip_id=trace.request_id, waveform=waveform, adjustments=adjustments)
        done = await batcher.submit(request, within_s=trace.left_s(self.config.deadline_s))
        if isinstance(done.answer, Failure):
            raise failed(done.answer, trace)
        stages = dict(done.answer.stages_ms) or {"backend": done.call_ms}
        # What a call spends beyond its stages it waits, for the thread before it in the backend.
        trace.add({"queue": done.queue_ms + max(0.0, done.call_ms - sum(stages.values())), **stages})
        trace.batch_size = done.batch_size
        return self.answer(done.answer, waveform.duration_s, options, trace)

    async def _inspect(self, upload: Upload, trace: Trace) -> UploadData:
        waveform = await self._decoded(upload, trace)
        share, reason = await self._speech_share(Request(clip_id=trace.request_id, waveform=waveform), trace)
        data = UploadData(
            bytes=len(upload.data),
            format=waveform.container,
            sample_rate=waveform.source_rate_hz,
            channels=waveform.source_channels,
            duration=round(waveform.duration_s, 6),
            loudness_dbfs=rms_dbfs(waveform.samples),
            peak_dbfs=peak_dbfs(waveform.samples),
            speech_share=share,
            sound=sound_data(await asyncio.get_running_loop().run_in_executor(self._decoding, measured, waveform)),
        )
        if reason is not None:
            data.speech_share_reason = reason
        return data

    async def _speech_share(self, request: Request, trace: Trace) -> tuple[float | None, str | None]:
        """The share of the duration that is speech; without one, the reason."""
        _ = self.batcher
        if not self.backend.capabilities.detects_speech:
            return None, "this backend does not detect speech"
        with around_one_clip("backend_error") as failures:
            found = await cast("SpeechDetectingBackend", self.backend).detect(request)
            spans = [(float(begin), float(end)) for begin, end in found]
        if failures and failures[0].kind == "vad_unavailable":
            return None, "no speech detector is installed"
        if failures:
            raise failed(failures[0], trace)
        return round(min(1.0, sum(end - begin for begin, end in spans) / request.waveform.duration_s), 4), None

    async def _decoded(self, upload: Upload, trace: Trace) -> Waveform:
        begin = perf_counter()
        decoding = asyncio.get_running_loop().run_in_executor(self._decoding, self._decode, upload)
        waveform = await decoding
        if self.config.metrics:
            # Beside the recognition: nobody waits for what is only counted, and a service that stops does not.
            with contextlib.suppress(RuntimeError):
                self._decoding.submit(self._count_sound, waveform)
        trace.audio_s = waveform.duration_s
        trace.add({"decode": (perf_counter() - begin) * 1000})
        return waveform

    def _count_sound(self, waveform: Waveform) -> None:
        self.meters.sound(measured(waveform))

    def _decode(self, upload: Upload) -> Waveform:
        check_format(upload.format)
        try:
            if upload.format in RAW_FORMATS:
                rate_hz = upload.sample_rate_hz or _RAW_RATE_HZ
                kind = RAW_FORMATS[upload.format]
                refuse_header(upload.data, upload.format)
                return decode_raw(upload.data, sample_type=kind, rate_hz=rate_hz, limits=self._limits)
            return decode(upload.data, limits=self._limits)
        except AudioError as error:
            raise ServiceError(_SAID_AS.get(error.kind, error.kind), self._detail(error)) from error

    def _detail(self, error: AudioError) -> str:
        """The error in words for a caller, who can't change the service's limits."""
        limits = self._limits
        return {
            "too_short": f"the audio is shorter than {limits.min_duration_s:g} s",
            "too_long": f"the audio is longer than {limits.max_duration_s:g} s",
            "too_large": f"the file has more than {limits.max_encoded_bytes} bytes, or unpacks to more than "
            f"{limits.max_decoded_bytes}",
            "wrong_scale": "the samples reach far beyond full scale, as floats in the scale of integers do; divide "
            "them, so that full scale is 1",
            "cancelling": "the channels cancel each other when they are mixed; send one of them",
        }.get(error.kind, str(error))


def read_files(config: ServeConfig) -> tuple[CalibrationFile | None, ThresholdsFile | None]:
    """The calibration and the thresholds that the service answers under; raises ConfigError for what is none."""
    return (
        None if config.calibration is None else read_calibration(Path(config.calibration).expanduser()),
        None if config.thresholds is None else read_thresholds(Path(config.thresholds).expanduser()),
    )


def check_format(word: str) -> None:
    """Raises ServiceError `unsupported_format` for a word that `format` does not take."""
    if word not in FORMATS:
        raise ServiceError("unsupported_format", f"format '{word[:32]}' is not supported; {nearest(word, FORMATS)}")


def failed(failure: Failure, trace: Trace) -> ServiceError:
    """The error for a backend's failure; what the backend said of itself goes into the log alone."""
    trace.reason = f"{failure.kind}: {failure.message}"
    if failure.kind == "vad_unavailable":
        return ServiceError("unsupported_parameter", "vad_threshold is not taken: no speech detector is installed")
    if failure.kind == "bad_setting":
        return ServiceError("invalid_parameter", failure.message)
    kind = _SAID_AS.get(failure.kind, failure.kind)
    if kind in _OF_THE_AUDIO:
        return ServiceError(kind, failure.message)
    if failure.kind == "out_of_memory":
        return ServiceError("inference_failed", "the recording needs more memory than there is; send a shorter one")
    return ServiceError("inference_failed", "the model failed on this recording")


def slug(title: str) -> str:
    """A model's title as a name without blanks.

    >>> slug("SenseVoice (small, fp32)")
    'sensevoice-small-fp32'
    """
    return re.sub(r"[^a-z0-9.]+", "-", title.lower()).strip("-") or "model"


def _noise(seconds: float) -> Waveform:
    samples = np.random.default_rng(0).normal(0, 0.05, round(seconds * SAMPLE_RATE_HZ))
    return Waveform(samples=samples.astype(np.float32))


def _silence(loudest: float | None, limit: float) -> str:
    if loudest is None:
        return "the audio is digital silence: every sample is zero"
    return f"the loudest sample is at {loudest:g} dBFS, below {limit:g} dBFS"
