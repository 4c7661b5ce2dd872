"""FunASR's own SenseVoiceSmall class at a chosen size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sv_eval.backends.sensevoice.models.architecture import ENCODER, INPUT_SIZE, VOCABULARY_SIZE


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
