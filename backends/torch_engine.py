"""A SenseVoice network in torch, as the engine of a recogniser."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sv_eval.backends.frontend import Float32
from sv_eval.backends.sensevoice.answers import EMOTION_FRAME, ReducedLogits
from sv_eval.backends.sensevoice.listening import Listening, Prompts
from sv_eval.errors import InferenceError, ModelError

_EVENT_EMOTION_PROMPTS = (1, 2)
_QUERIES = 4
_LAYERS = ("embed", "encoder", "ctc")


class _Batch(NamedTuple):
    """Stretches on their way to the network."""

    features: Sequence[Any]
    prompts: Sequence[Prompts]


class TorchEngine:
    """The network's own query embedding, encoder and CTC layer, called one after another.

    FunASR's `inference` does the same and then takes the logarithm of a softmax over all ids and decodes clip by
    clip; here the output layer's values are used as they are, which gives the posterior as well as the text.
    """

    def __init__(
        self,
        network: Any,
        *,
        device: str,
        precision: str,
        frontend: Callable[[Float32], Any],
        listening: Listening,
        emotion_ids: NDArray[np.int64],
        compiled: bool = False,
    ) -> None:
        """Compiled, the encoder's blocks are so when this returns; raises ModelError where torch can't."""
        import torch

        missing = [name for name in _LAYERS if not hasattr(network, name)]
        if missing or not hasattr(network.ctc, "ctc_lo"):
            raise ModelError(f"the model is a {type(network).__name__}, not a SenseVoice network")
        self.features = frontend
        self._prompts = listening.prompts
        self._device = torch.device(device)
        self._network = network.to(self._device).eval()
        if precision != "fp32":
            _lower(self._network, {"fp16": torch.float16, "bf16": torch.bfloat16}[precision])
        self._emotion_ids = torch.from_numpy(emotion_ids).to(self._device)
        if compiled:
            self._compile()

    def batch(self, features: Sequence[Any], prompts: Sequence[Prompts] | None = None) -> _Batch:
        """Stretches of [frames, dimension] each with their prompts; they are padded where the network runs."""
        return _Batch(features, prompts or [self._prompts] * len(features))

    def infer(self, batch: _Batch) -> ReducedLogits:
        """What the network says to a batch of stretches."""
        import torch

        with torch.inference_mode(), _memory_watched(batch.features):
            logits, lengths = self._forward(batch)
            best, emotions = self._fetched(
                logits.argmax(dim=2), logits[:, EMOTION_FRAME, self._emotion_ids].float()
            )
            return ReducedLogits(best=best, lengths=lengths, emotions=emotions)

    def reduced(self, output: ReducedLogits) -> ReducedLogits:
        """The output is what is needed already."""
        return output

    def logits(self, features: Any) -> Float32:
        """All logits for one stretch, [frames, ids]."""
        import torch

        with torch.inference_mode(), _memory_watched([features]):
            logits, _ = self._forward(self.batch([features]))
            clip: Float32 = logits[0].float().cpu().numpy()
            return clip

    def _compile(self) -> None:
        """Have torch compile the encoder's blocks, of which but two differ, for any length and number of clips."""
        for block in _blocks(self._network):
            block.compile(dynamic=True)
        # One clip and several are two programs.
        second = self.features(np.zeros(16000, dtype=np.float32))
        try:
            for batch in ([second], [second, second[: len(second) // 2]]):
                self.infer(self.batch(batch))
        except InferenceError as error:
            raise ModelError(
                f"backend.compile=true: torch can't compile the network ({error}); a C++ compiler, and on a GPU "
                "Triton, are needed; use backend.compile=false"
            ) from error

    def _forward(self, batch: _Batch) -> tuple[Any, NDArray[np.int64]]:
        import torch

        frames = [torch.as_tensor(features) for features in batch.features]
        # Padded where they are: sound that the device made features of stays there.
        speech = self._sent(torch.nn.utils.rnn.pad_sequence(frames, batch_first=True))
        rows = [(one.language, *_EVENT_EMOTION_PROMPTS, one.textnorm) for one in batch.prompts]
        inputs = torch.cat([self._network.embed(self._sent(torch.tensor(rows))), speech], dim=1)
        counts = torch.tensor([len(one) + _QUERIES for one in frames])
        # The encoder returns the lengths, too, but sums them up in its own precision, and bf16 counts to 256.
        hidden, _ = self._network.encoder(inputs, self._sent(counts))
        return self._network.ctc.ctc_lo(hidden), counts.numpy()

    def _sent(self, tensor: Any) -> Any:
        """The tensor on the device; nobody waits for the copy."""
        if self._device.type == "cuda" and tensor.device.type == "cpu":
            tensor = tensor.pin_memory()
        return tensor.to(self._device, non_blocking=True)

    def _fetched(self, *tensors: Any) -> list[NDArray[Any]]:
        """The tensors' values, with one wait for all that the device was given."""
        if self._device.type != "cuda":
            return [tensor.numpy() for tensor in tensors]
        import torch

        here = [torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True) for tensor in tensors]
        for to, tensor in zip(here, tensors, strict=True):
            to.copy_(tensor, non_blocking=True)
        torch.cuda.current_stream(self._device).synchronize()
        # The pinned memory goes back to its pool; an answer may be kept.
        return [to.numpy().copy() for to in here]


def _lower(network: Any, dtype: Any) -> None:
    """Put the encoder's blocks and the output layer into a lower precision.

    The query embedding and the position encoding stay in fp32: in bf16 positions beyond 256 could not be told
    apart. What enters a block is converted there, since the encoder makes its masks in fp32.
    """

    def convert(_block: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(value.to(dtype) for value in inputs)

    network.encoder.to(dtype)
    network.ctc.to(dtype)
    for block in _blocks(network):
        block.register_forward_pre_hook(convert)


def _blocks(network: Any) -> Iterator[Any]:
    """The encoder's blocks."""
    for group in (network.encoder.encoders0, network.encoder.encoders, network.encoder.tp_encoders):
        yield from group


@contextmanager
def _memory_watched(batch: Sequence[Any]) -> Iterator[None]:
    """Turn torch's errors into InferenceErrors, one about memory into advice about the batch."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        words = " ".join(str(error).split())
        if isinstance(error, MemoryError) or "out of memory" in words or "can't allocate memory" in words:
            longest_s = max(len(features) for features in batch) * 0.06
            raise InferenceError(
                "out_of_memory",
                f"a batch of {len(batch)} x {longest_s:.1f} s of audio did not fit into memory; set a smaller "
                "backend.batch_size, or backend.batch_s or backend.chunk_size",
            ) from error
        raise InferenceError("inference", f"torch: {words[:300]}") from error
