"""Silero's voice activity detector on onnxruntime, without torch."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.backends.onnxruntime_errors import onnxruntime_errors
from sv_eval.errors import ModelError

Float32 = NDArray[np.float32]

FRAME = 512
"""Samples in a frame: 32 ms."""
_CONTEXT = 64
_STATE = 128
_BLOCK = 512
"""Frames in one call: 16 s."""
_SEQUENCE, _FRAMEWISE = "silero_vad_16k_sequence.onnx", "silero_vad.onnx"


class SileroVad:
    """Speech probabilities by the model that the silero-vad package carries.

    Newer packages hold a graph that takes a whole sequence of frames in one call; with an older one the same
    network is called frame by frame. `import silero_vad` would import torch, so only its files are used.
    """

    frame = FRAME

    def __init__(self) -> None:
        import onnxruntime

        folder = model_folder()
        path = next((folder / name for name in (_SEQUENCE, _FRAMEWISE) if (folder / name).is_file()), None)
        if path is None:
            raise ModelError(f"{folder}: holds no {_FRAMEWISE}; install another version of silero-vad")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except onnxruntime_errors() as error:
            raise ModelError(f"{path}: onnxruntime can't load it ({' '.join(str(error).split())[:300]})") from error
        self._whole = path.name == _SEQUENCE
        self.name = f"silero ({_version()})"

    def __call__(self, samples: Float32) -> Float32:
        """Speech probability of each frame of FRAME samples, shape [ceil(n / FRAME)]."""
        frames = _with_context(samples)
        if not len(frames):
            return np.zeros(0, np.float32)
        return self._sequence(frames) if self._whole else self._framewise(frames)

    def _sequence(self, frames: Float32) -> Float32:
        hidden = cell = np.zeros((1, 1, _STATE), np.float32)
        parts = []
        for begin in range(0, len(frames), _BLOCK):
            inputs = {"input": frames[begin : begin + _BLOCK], "h": hidden, "c": cell}
            part, hidden, cell = self._session.run(["speech_probs", "hn", "cn"], inputs)
            parts.append(part.reshape(-1))
        return np.concatenate(parts)

    def _framewise(self, frames: Float32) -> Float32:
        state: Any = np.zeros((2, 1, _STATE), np.float32)
        rate = np.array(16_000, np.int64)
        out = np.empty(len(frames), np.float32)
        for index, frame in enumerate(frames):
            probability, state = self._session.run(None, {"input": frame[None], "state": state, "sr": rate})
            out[index] = probability[0, 0]
        return out


def _with_context(samples: Float32) -> Float32:
    """Frames [count, _CONTEXT + FRAME]: each with the end of the one before it; the last is padded with zeros."""
    count = -(-len(samples) // FRAME)
    frames = np.zeros((count, FRAME), np.float32)
    frames.reshape(-1)[: len(samples)] = samples
    contexts = np.zeros((count, _CONTEXT), np.float32)
    contexts[1:] = frames[:-1, -_CONTEXT:]
    return np.concatenate([contexts, frames], axis=1)


def model_folder() -> Path:
    """Where the package keeps its graphs; raises ModelError without it."""
    spec = importlib.util.find_spec("silero_vad")
    if spec is None or spec.origin is None:
        raise ModelError(
            "backend.vad=silero needs the silero-vad package: pip install --no-deps silero-vad (its model file "
            "is enough, torch is not), or use backend.vad=none"
        )
    return Path(spec.origin).parent / "data"


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("silero-vad")
    except PackageNotFoundError:
        return "of unknown version"
