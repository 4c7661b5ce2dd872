"""FunASR's own SenseVoiceSmall class: at a chosen size, or as a directory holds it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sv_eval.backends.funasr_model import load_auto_model
from sv_eval.backends.sensevoice.models.architecture import ENCODER, INPUT_SIZE, VOCABULARY_SIZE
from sv_eval.errors import ModelError


def sensevoice_network(encoder: Mapping[str, Any]) -> Any:
    """A SenseVoiceSmall with random weights, drawn from torch's global generator."""
    from funasr.models.sense_voice.model import SenseVoiceSmall

    return SenseVoiceSmall(
        encoder=ENCODER,
        encoder_conf=dict(encoder),
        input_size=INPUT_SIZE,
        vocab_size=VOCABULARY_SIZE,
        ctc_conf={"dropout_rate": 0.0},
    )


def seeded_network(encoder: Mapping[str, Any], seed: int) -> Any:
    """The same, ready to infer, with the weights that `seed` gives; the global generator is left as it was."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return sensevoice_network(encoder).eval()


def load_network(directory: Path) -> Any:
    """The network of a directory with `model.pt` and `config.yaml`: fp32, on the CPU, ready to infer."""
    network = load_auto_model(directory, asked=str(directory), device="cpu").model
    if not all(hasattr(network, part) for part in ("embed", "encoder", "ctc")):
        raise ModelError(f"{directory}: holds a {type(network).__name__}, not a SenseVoice model")
    return network.float().eval()
