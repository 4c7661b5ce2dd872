"""A SenseVoice graph in an onnxruntime session, as the engine of a recogniser."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sv_eval.backends.frontend import Float32, Frontend, pad_batch
from sv_eval.backends.onnx_providers import Option, for_session, provider_named
from sv_eval.backends.onnxruntime_errors import onnxruntime_errors
from sv_eval.backends.sensevoice.answers import ReducedLogits
from sv_eval.backends.sensevoice.listening import Listening, Prompts
from sv_eval.backends.sensevoice.models.reducing import REDUCING
from sv_eval.errors import ConfigError, InferenceError, ModelError

OUTPUTS = ["ctc_logits", "encoder_out_lens"]
_REDUCED = ["best", "emotions"]
Output = TypeVar("Output")
_INPUTS = {"speech", "speech_lengths", "language", "textnorm"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """How onnxruntime is to run a graph; the names are the backend's settings."""

    provider: str = "cpu"
    """One of `onnx_providers.yaml`."""
    device_id: int = 0
    """Which GPU."""
    options: tuple[tuple[str, Option], ...] = ()
    """What the provider is given beside what the table says."""
    threads: int = 0
    """Threads inside one inference; 0 lets onnxruntime choose."""
    memory: str | None = None
    """Where logits stay until what is needed of them is taken; None for what `onnx_providers.yaml` says."""

    def __post_init__(self) -> None:
        provider_named(self.provider)
        if self.threads < 0:
            raise ConfigError(f"backend.threads={self.threads}: give 0, for onnxruntime's own choice, or more")

    @property
    def device(self) -> str:
        """Where it runs: `cpu`, `cuda:N`, `openvino`, ..."""
        return provider_named(self.provider).device.replace("{id}", str(self.device_id))


class OnDevice:
    """Runs a graph whose logits stay where they were computed, and fetches what is needed of them.

    session: of the graph; reducing: of `models/logits_reduced.onnx`, on the same device. memory: onnxruntime's name
    of its memory.
    """

    def __init__(
        self, session: Any, reducing: Any, *, memory: str, device_id: int, emotion_ids: NDArray[np.int64]
    ) -> None:
        self._session, self._reducing = session, reducing
        self._memory, self._device_id, self._emotion_ids = memory, device_id, emotion_ids

    def infer(self, batch: Mapping[str, Any]) -> ReducedLogits:
        """What a batch's answers are made of; the input goes to the device once, a few bytes a frame come back."""
        whole = self._session.io_binding()
        for name, value in batch.items():
            whole.bind_cpu_input(name, np.ascontiguousarray(value))
        logits, lengths = OUTPUTS
        whole.bind_output(logits, self._memory, self._device_id)
        whole.bind_output(lengths, "cpu")
        self._session.run_with_iobinding(whole)
        there, counts = whole.get_outputs()
        reduced = self._reducing.io_binding()
        reduced.bind_ortvalue_input("logits", there)
        reduced.bind_cpu_input("ids", self._emotion_ids)
        for name in _REDUCED:
            reduced.bind_output(name, "cpu")
        self._reducing.run_with_iobinding(reduced)
        best, emotions = (value.numpy() for value in reduced.get_outputs())
        return ReducedLogits(best=best, lengths=counts.numpy(), emotions=emotions)


class OnnxEngine:
    """A graph, ready to run. May be called from several threads at once: they share the weights."""

    def __init__(
        self,
        graph: Path,
        runtime: Runtime,
        frontend: Frontend,
        listening: Listening,
        emotion_ids: NDArray[np.int64],
    ) -> None:
        self.features = frontend
        self._prompts, self._emotion_ids = listening.prompts, emotion_ids
        self._errors = onnxruntime_errors()
        self._session = self._open(graph, runtime)
        _check_signature(self._session, graph, frontend.config.dimension)
        memory = runtime.memory or provider_named(runtime.provider).memory
        self._on_device: OnDevice | None = None
        if memory is not None:
            self._on_device = OnDevice(
                self._session,
                self._open(REDUCING, runtime),
                memory=memory,
                device_id=runtime.device_id,
                emotion_ids=emotion_ids,
            )

    def batch(self, features: Sequence[Float32], prompts: Sequence[Prompts] | None = None) -> Mapping[str, Any]:
        """The graph's inputs for stretches of [frames, dimension] each."""
        speech, lengths = pad_batch(features)
        asked = np.array(prompts or [self._prompts] * len(features), dtype=np.int32)
        return {
            "speech": speech,
            "speech_lengths": lengths,
            "language": asked[:, 0],
            "textnorm": asked[:, 1],
        }

    def infer(self, batch: Mapping[str, Any]) -> ReducedLogits | tuple[Float32, NDArray[np.int32]]:
        """Logits [batch, frames, ids] and true frame counts [batch]; of what a device computed, what is needed."""
        if self._on_device is None:
            return self._run(batch, self._whole)
        return self._run(batch, self._on_device.infer)

    def _whole(self, batch: Mapping[str, Any]) -> tuple[Float32, NDArray[np.int32]]:
        logits, counts = self._session.run(OUTPUTS, batch)
        return logits, counts

    def _run(self, batch: Mapping[str, Any], how: Callable[[Mapping[str, Any]], Output]) -> Output:
        try:
            return how(batch)
        except MemoryError as error:
            raise _out_of_memory(batch["speech"]) from error
        except self._errors as error:
            if "alloc" in str(error).lower() or "out of memory" in str(error).lower():
                raise _out_of_memory(batch["speech"]) from error
            raise InferenceError("inference", f"onnxruntime: {_one_line(error)}") from error

    def reduced(self, output: ReducedLogits | tuple[Float32, NDArray[np.int32]]) -> ReducedLogits:
        """What is needed of an output."""
        if isinstance(output, ReducedLogits):
            return output
        logits, lengths = output
        return ReducedLogits.of(logits, lengths, self._emotion_ids)

    def logits(self, features: Float32) -> Float32:
        """All logits for one stretch, [frames, ids]."""
        logits, _ = self._run(self.batch([features]), self._whole)
        clip: Float32 = logits[0]
        return clip

    def _open(self, graph: Path, runtime: Runtime) -> Any:
        import onnxruntime

        providers = for_session(runtime.provider, runtime.device_id, dict(runtime.options))
        wanted = providers[0][0]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = runtime.threads
        # Behind a call its threads would go on spinning, on the very core that decodes the next clip.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        # Its errors reach us as exceptions; on the terminal they would be said twice.
        options.log_severity_level = 4
        try:
            session = onnxruntime.InferenceSession(str(graph), options, providers=providers)
        except MemoryError as error:
            raise ModelError(f"{graph}: there is not enough memory to load it") from error
        except self._errors as error:
            raise ModelError(f"{graph}: onnxruntime can't load it ({_one_line(error)})") from error
        if wanted not in session.get_providers():
            needs = provider_named(runtime.provider).needs
            raise ModelError(
                f"onnxruntime could not start {wanted}: a driver or a library is missing (it needs {needs})"
            )
        return session


def _out_of_memory(speech: Float32) -> InferenceError:
    batch, frames, _ = speech.shape
    return InferenceError(
        "out_of_memory",
        f"a batch of {batch} x {frames * 0.06:.1f} s of audio did not fit into memory; set a smaller "
        "backend.batch_size, or backend.batch_s or backend.chunk_size",
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _check_signature(session: Any, graph: Path, dimension: int) -> None:
    inputs = {item.name: item.shape for item in session.get_inputs()}
    outputs = [item.name for item in session.get_outputs()]
    if set(inputs) != _INPUTS or outputs[:2] != OUTPUTS:
        raise ModelError(
            f"{graph}: not a SenseVoice graph; it takes {sorted(inputs)} and gives {outputs}, expected "
            f"{sorted(_INPUTS)} and {OUTPUTS}"
        )
    width = inputs["speech"][-1]
    if isinstance(width, int) and width != dimension:
        raise ModelError(f"{graph}: takes {width} values a frame, the front end gives {dimension}")
