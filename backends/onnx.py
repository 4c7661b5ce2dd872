"""`backend=onnx`: any SenseVoice-format directory on onnxruntime."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from backends.model_thread import ModelThread
from backends.sensevoice.answers import AnswerReader
from backends.sensevoice.frontend import Float32, Frontend, pad_batch
from backends.sensevoice.model_dir import ModelDirectory, content_hash, open_model
from backends.sensevoice.tokens import LANGUAGE_PROMPTS, TEXTNORM_PROMPTS
from sv_eval.backend import Answer, BackendInfo, Capabilities, Request
from sv_eval.emotions import EMOTIONS
from sv_eval.errors import ConfigError, InferenceError, ModelError, nearest
from sv_eval.records import Prediction

_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
_OUTPUTS = ["ctc_logits", "encoder_out_lens"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Features:
    """A batch on its way to the encoder."""

    speech: Float32
    lengths: NDArray[np.int32]
    stages_ms: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inferred:
    """A batch on its way back."""

    logits: Float32
    lengths: NDArray[np.int32]
    stages_ms: dict[str, float]


class OnnxBackend:
    """SenseVoice on onnxruntime: features, encoder, posteriors and transcript in one pass.

    model: a directory with `model.onnx` (or `model_quant.onnx`), `am.mvn`, `config.yaml` and a
        sentencepiece model; `bundled` is the demonstration model.
    precision: `fp32` or `int8`: which of the directory's graphs is used.
    provider: `cpu` or `cuda`. device_id: which GPU.
    threads: onnxruntime's intra-op threads; 0 lets it choose.
    language: the language prompt, `auto` or one of SenseVoice's; anything else is refused.
    use_itn: ask for inverse text normalisation in the transcript.
    batch_size: the most clips in one inference.
    """

    def __init__(
        self,
        *,
        model: str = "bundled",
        precision: str = "fp32",
        provider: str = "cpu",
        device_id: int = 0,
        threads: int = 0,
        language: str = "auto",
        use_itn: bool = False,
        batch_size: int = 8,
    ) -> None:
        if language not in LANGUAGE_PROMPTS:
            raise ConfigError(f"backend.language={language} is not known; {nearest(language, LANGUAGE_PROMPTS)}")
        if provider not in _PROVIDERS:
            raise ConfigError(f"backend.provider={provider} is not known; {nearest(provider, _PROVIDERS)}")
        if batch_size < 1 or threads < 0:
            raise ConfigError("backend.batch_size must be at least 1 and backend.threads at least 0")
        self._where, self._precision = model, precision
        self._labels: tuple[str, ...] = EMOTIONS
        self._provider, self._device_id, self._threads = provider, device_id, threads
        self._language, self._use_itn, self._batch_size = language, use_itn, batch_size

    @property
    def capabilities(self) -> Capabilities:
        """Batches, three in flight: features, inference and reading of answers work on one each."""
        return Capabilities(
            labels=self._labels,
            max_batch=self._batch_size,
            max_in_flight=3,
            # Dynamic int8 takes its activation scale from the whole batch.
            batch_invariant=self._precision != "int8",
        )

    @property
    def info(self) -> BackendInfo:
        """Valid once entered."""
        return self._info

    async def __aenter__(self) -> Self:
        """Read the directory and build the inference session."""
        self._directory = open_model(self._where)
        self._graph = self._directory.graph(self._precision)
        self._session = self._open_session(self._graph)
        self._frontend = Frontend(self._directory.frontend, self._directory.cmvn)
        self._reader = AnswerReader(self._directory.vocabulary)
        self._labels = _labels(self._directory)
        self._info = self._describe()
        self._features = ModelThread("features")
        self._model = ModelThread("model")
        self._answers = ModelThread("answers")
        return self

    async def __aexit__(self, *reason: object) -> None:
        """End the threads and drop the session."""
        for thread in (self._features, self._model, self._answers):
            thread.close()
        del self._session

    async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """Answers for one batch."""
        waveforms = [request.waveform.samples for request in requests]
        if len(waveforms) == 1:
            # A single clip's stages follow each other anyway: one hop between threads instead of three.
            return await self._model.run(lambda: self._read(self._infer(self._extract(waveforms))))
        features = await self._features.run(lambda: self._extract(waveforms))
        inferred = await self._model.run(lambda: self._infer(features))
        return await self._answers.run(lambda: self._read(inferred))

    def _extract(self, waveforms: Sequence[Float32]) -> _Features:
        begin = time.perf_counter()
        speech, lengths = pad_batch([self._frontend(samples) for samples in waveforms])
        return _Features(speech=speech, lengths=lengths, stages_ms={"features": _milliseconds_since(begin)})

    def _infer(self, features: _Features) -> _Inferred:
        count = len(features.lengths)
        inputs = {
            "speech": features.speech,
            "speech_lengths": features.lengths,
            "language": np.full(count, LANGUAGE_PROMPTS[self._language], dtype=np.int32),
            "textnorm": np.full(count, TEXTNORM_PROMPTS[self._use_itn], dtype=np.int32),
        }
        begin = time.perf_counter()
        try:
            logits, lengths = self._session.run(_OUTPUTS, inputs)
        except _onnxruntime_errors() as error:
            raise InferenceError("inference", f"onnxruntime: {' '.join(str(error).split())[:300]}") from error
        stages = features.stages_ms | {"inference": _milliseconds_since(begin)}
        return _Inferred(logits=logits, lengths=lengths, stages_ms=stages)

    def _read(self, inferred: _Inferred) -> list[Prediction]:
        begin = time.perf_counter()
        predictions = self._reader.read(inferred.logits, inferred.lengths)
        stages = inferred.stages_ms | {"postprocess": _milliseconds_since(begin)}
        return [replace(prediction, stages_ms=stages) for prediction in predictions]

    def _open_session(self, graph: Path) -> Any:
        import onnxruntime

        wanted = _PROVIDERS[self._provider]
        available = onnxruntime.get_available_providers()
        if wanted not in available:
            raise ModelError(
                f"backend.provider={self._provider} needs {wanted}, and this onnxruntime has only "
                f"{', '.join(available)}; install onnxruntime-gpu, or use backend.provider=cpu"
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = 3
        provider = (wanted, {"device_id": self._device_id}) if self._provider == "cuda" else wanted
        try:
            session = onnxruntime.InferenceSession(str(graph), options, providers=[provider])
        except _onnxruntime_errors() as error:
            raise ModelError(
                f"{graph}: onnxruntime can't load it ({' '.join(str(error).split())[:300]})"
            ) from error
        _check_signature(session, graph, self._directory.frontend.dimension)
        if wanted not in session.get_providers():
            raise ModelError(f"onnxruntime could not start {wanted}: driver, CUDA or cuDNN is missing")
        return session

    def _describe(self) -> BackendInfo:
        card = self._directory.card
        return BackendInfo(
            name="onnx",
            model=str(card.get("title", self._directory.path.name)),
            model_hash=content_hash(self._graph),
            precision=self._precision,
            device=f"cuda:{self._device_id}" if self._provider == "cuda" else "cpu",
            details={
                "provider": _PROVIDERS[self._provider],
                "threads": self._threads or "chosen by onnxruntime",
                "language": self._language,
                "use_itn": self._use_itn,
                "batch_size": self._batch_size,
                "dither": 0,
            },
            card=card,
        )


def _onnxruntime_errors() -> tuple[type[Exception], ...]:
    """What onnxruntime raises: a dozen classes without a common parent of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as native

    own = [item for item in vars(native).values() if isinstance(item, type) and issubclass(item, Exception)]
    return (RuntimeError, *own)


def _milliseconds_since(begin: float) -> float:
    return (time.perf_counter() - begin) * 1000


def _labels(directory: ModelDirectory) -> tuple[str, ...]:
    """The emotions that the model was trained to say by its card, else those that its vocabulary holds."""
    said = directory.card.get("emotions")
    known = [emotion for emotion in EMOTIONS if emotion in directory.vocabulary.emotions]
    return tuple(emotion for emotion in known if said is None or emotion in said)


def _check_signature(session: Any, graph: Path, dimension: int) -> None:
    inputs = {item.name: item.shape for item in session.get_inputs()}
    outputs = [item.name for item in session.get_outputs()]
    expected = {"speech", "speech_lengths", "language", "textnorm"}
    if set(inputs) != expected or outputs[:2] != _OUTPUTS:
        raise ModelError(
            f"{graph}: not a SenseVoice graph; it takes {sorted(inputs)} and gives {outputs}, expected "
            f"{sorted(expected)} and {_OUTPUTS}"
        )
    width = inputs["speech"][-1]
    if isinstance(width, int) and width != dimension:
        raise ModelError(f"{graph}: takes {width} values a frame, the front end gives {dimension}")
