"""`backend=onnx`: any SenseVoice-format directory on onnxruntime."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self, Unpack

from sv_eval.backend import BackendInfo, Capabilities
from sv_eval.backends.frontend import Frontend
from sv_eval.backends.onnx_engine import PROVIDERS, OnnxEngine, Runtime
from sv_eval.backends.segmentation.segmenter import Segmenter
from sv_eval.backends.sensevoice.answers import AnswerReader
from sv_eval.backends.sensevoice.calibration import (
    REFERENCE,
    Choice,
    fastest_that_agrees,
    labels_that_differ,
    worth_trying,
)
from sv_eval.backends.sensevoice.describing import labels_of, listening_details
from sv_eval.backends.sensevoice.in_process import InProcess
from sv_eval.backends.sensevoice.listening import ListeningSettings
from sv_eval.backends.sensevoice.model_dir import (
    PRECISIONS,
    ModelDirectory,
    content_hash,
    directory_state,
    open_model,
)
from sv_eval.backends.sensevoice.recogniser import Engine, Recogniser
from sv_eval.errors import ConfigError, nearest
from sv_eval.machine.native_precisions import native_precisions

AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Model:
    """What opening a directory gives, whatever stretches are then cut and however answers are combined."""

    directory: ModelDirectory
    reader: AnswerReader
    engine: OnnxEngine
    precision: str
    choice: Choice | None
    rounding: Mapping[str, int | None] | None
    hash: str


class OnnxBackend(InProcess):
    """SenseVoice on onnxruntime: features, encoder, posteriors and transcript in one pass.

    model: a directory with `model.onnx` (or `model_quant.onnx`, `model_fp16.onnx`), `am.mvn`, `config.yaml` and
        a sentencepiece model; `bundled` is the demonstration model.
    precision: `fp32`, `fp16` or `int8`: which of the directory's graphs is used. `auto` measures those that
        are there and that the processor has instructions for, and takes the fastest whose labels agree with fp32's
        on the bundled clips.
    provider: `cpu` or `cuda`. device_id: which GPU.
    threads: onnxruntime's threads inside one inference; 0 lets it choose.
    workers: how many inferences run at once, sharing the weights. For throughput, as many as there are cores,
        with threads=1.

    The other settings are those of `Listening`. Raises ConfigError for a value that can't be, ModelError for a
    detector that is not there.
    """

    def __init__(
        self,
        *,
        model: str = "bundled",
        precision: str = "fp32",
        provider: str = "cpu",
        device_id: int = 0,
        threads: int = 0,
        workers: int = 1,
        **listening: Unpack[ListeningSettings],
    ) -> None:
        if precision not in (AUTO, *PRECISIONS):
            raise ConfigError(
                f"backend.precision={precision} is not known; {nearest(precision, [AUTO, *PRECISIONS])}"
            )
        if workers < 1:
            raise ConfigError(f"backend.workers={workers}: at least 1 is needed")
        super().__init__(**listening)
        self._where, self._precision, self._workers = model, precision, workers
        self._runtime = Runtime(provider=provider, device_id=device_id, threads=threads)
        self._batch_invariant = precision not in (AUTO, "int8")

    @property
    def capabilities(self) -> Capabilities:
        """Batches; calls enough in flight that features, inference and reading of answers overlap."""
        return self._able(
            max_in_flight=self._workers + 2,
            parallel=self._workers,
            # Dynamic int8 takes its activation scale from the whole batch.
            batch_invariant=self._batch_invariant,
        )

    async def __aenter__(self) -> Self:
        """Read the directory and build the inference session, beside the event loop."""
        await asyncio.to_thread(self._open)
        return self

    def _open(self) -> None:
        segmenter = Segmenter(self._listening)
        # With the prompts that an engine asks with where it is given none.
        identity = (directory_state(self._where), self._precision, self._runtime, self._listening.prompts)
        model = self._kept_open(("onnx", *identity), self._load)
        self._batch_invariant = model.precision != "int8"
        self._info = self._describe(model, segmenter)
        self._recogniser = Recogniser(
            engine=model.engine,
            reader=model.reader,
            listening=self._listening,
            segmenter=segmenter,
            workers=self._workers,
            known=self._inference_cache(
                ("onnx", str(model.directory.path.resolve()), model.hash, self._runtime),
                # On a GPU another shape may be computed by another kernel.
                alone=model.precision == "fp32" and self._runtime.device == "cpu",
            ),
        )
        self._labels = labels_of(model.directory)

    def _load(self) -> _Model:
        """Read the directory and build the session, with the precision chosen where that is left to us."""
        directory = open_model(self._where)
        reader = AnswerReader(directory.vocabulary)
        frontend = Frontend(directory.frontend, directory.cmvn)

        def engine(precision: str) -> OnnxEngine:
            graph = directory.graph(precision)
            return OnnxEngine(graph, self._runtime, frontend, self._listening, reader.emotion_ids)

        choice = None
        if self._precision == AUTO:
            # Sessions that are not chosen are dropped before the one that runs is built.
            able = native_precisions() if self._runtime.device == "cpu" else None
            choice = fastest_that_agrees(dict.fromkeys(worth_trying(directory.precisions(), able), engine), reader)
        precision = self._precision if choice is None else choice.precision
        running = engine(precision)
        return _Model(
            directory=directory,
            reader=reader,
            engine=running,
            precision=precision,
            choice=choice,
            rounding=None if precision == REFERENCE else _rounding(directory, running, engine, reader),
            hash=content_hash(directory.graph(precision)),
        )

    def _describe(self, model: _Model, segmenter: Segmenter) -> BackendInfo:
        chosen = {} if model.choice is None else {"precision chosen by": model.choice.reason}
        return BackendInfo(
            name="onnx",
            model=str(model.directory.card.get("title", model.directory.path.name)),
            model_hash=model.hash,
            precision=model.precision,
            device=self._runtime.device,
            details={
                "provider": PROVIDERS[self._runtime.provider],
                "threads": self._runtime.threads or "chosen by onnxruntime",
                "workers": self._workers,
                **chosen,
                **listening_details(self._listening, segmenter),
            },
            rounding=model.rounding,
            card=model.directory.card,
        )


def _rounding(
    directory: ModelDirectory, running: Engine, build: Callable[[str], Engine], reader: AnswerReader
) -> Mapping[str, int | None]:
    """How a reduced precision's labels compare with full precision's, where the directory holds it."""
    if REFERENCE not in directory.precisions():
        return {"n": None, "differing": None}
    return labels_that_differ(running, build(REFERENCE), reader)
