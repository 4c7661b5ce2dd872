"""FunASR's network of a SenseVoice directory, for building and exporting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sv_eval.backends.funasr_model import load_auto_model
from sv_eval.errors import ModelError


def load_network(directory: Path) -> Any:
    """The network of a directory with `model.pt` and `config.yaml`: fp32, on the CPU, ready to infer."""
    network = load_auto_model(directory, asked=str(directory), device="cpu").model
    if not all(hasattr(network, part) for part in ("embed", "encoder", "ctc")):
        raise ModelError(f"{directory}: holds a {type(network).__name__}, not a SenseVoice model")
    return network.float().eval()
