"""How far an ONNX graph's emotion posteriors are from the network's own, on a few made sounds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.backends.frontend import Float32, Frontend
from sv_eval.backends.sensevoice.answers import EMOTION_FRAME, emotion_posteriors
from sv_eval.backends.sensevoice.model_dir import ModelDirectory
from sv_eval.backends.sensevoice.tokens import LANGUAGE_PROMPTS, TEXTNORM_PROMPTS
from sv_eval.records import SAMPLE_RATE_HZ

SOUNDS = ((0.8, 110.0), (1.4, 220.0), (2.1, 160.0), (3.0, 300.0), (1.9, 0.0), (1.0, 0.0))
"""Length in seconds and pitch in Hz of each sound; pitch 0 is noise."""

Posteriors = NDArray[np.float64]


class Fp32Reference:
    """The sounds, as one model's front end hears them, and what its fp32 network answers."""

    def __init__(self, network: Any, directory: ModelDirectory) -> None:
        frontend = Frontend(directory.frontend, directory.cmvn)
        self._ids = np.array(list(directory.vocabulary.emotions.values()))
        self._features = [frontend(sound(*each, seed=n)) for n, each in enumerate(SOUNDS)]
        self._reference = self._of_network(network)

    def gap(self, graph: Path) -> float:
        """The largest difference between the graph's posteriors of an emotion and the network's."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        logits = [session.run(["ctc_logits"], _inputs(features))[0] for features in self._features]
        return float(np.abs(self._posteriors(logits) - self._reference).max())

    def _of_network(self, network: Any) -> Posteriors:
        import torch

        from sv_eval.backends.sensevoice.models.graph import INPUTS, Graph

        graph = Graph(network).eval()
        with torch.inference_mode():
            answers = [
                graph(*(torch.from_numpy(_inputs(features)[name]) for name in INPUTS))[0].numpy()
                for features in self._features
            ]
        return self._posteriors(answers)

    def _posteriors(self, logits: Sequence[Float32]) -> Posteriors:
        return emotion_posteriors(np.concatenate([one[:, EMOTION_FRAME, self._ids] for one in logits]))


def sound(length_s: float, pitch_hz: float, seed: int) -> Float32:
    """A voice-like sound (harmonics of a moving pitch in syllables), or noise; -1 to 1, 16 kHz, always the same."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(length_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    noise = rng.standard_normal(len(time_s))
    if pitch_hz == 0:
        return (0.05 * noise).astype(np.float32)
    phase = 2 * np.pi * np.cumsum(pitch_hz * (1 + 0.2 * np.sin(2 * np.pi * 0.7 * time_s))) / SAMPLE_RATE_HZ
    voice = sum(np.sin(n * phase) / n for n in range(1, 15))
    syllables = np.clip(np.sin(2 * np.pi * 3.5 * time_s), 0, 1)
    mixed: Float32 = (0.15 * voice * syllables + 0.003 * noise).astype(np.float32)
    return mixed


def _inputs(features: Float32) -> dict[str, NDArray[Any]]:
    """One sound as a batch of one: language found out by the model, no inverse text normalisation."""
    return {
        "speech": features[None],
        "speech_lengths": np.array([len(features)], dtype=np.int32),
        "language": np.array([LANGUAGE_PROMPTS["auto"]], dtype=np.int32),
        "textnorm": np.array([TEXTNORM_PROMPTS[False]], dtype=np.int32),
    }
