"""Directories with random weights: for speed, for tests, for trying things out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sv_eval.backends.funasr_model import WEIGHTS
from sv_eval.backends.quiet import quiet
from sv_eval.backends.sensevoice.model_dir import GRAPH_FILES, bundled_model
from sv_eval.backends.sensevoice.models.architecture import SMALL, TINY, configuration, listing
from sv_eval.backends.sensevoice.models.files import CARD, copy_companions, prepare_out
from sv_eval.backends.sensevoice.models.installed import check_installed

SIZES: Mapping[str, Mapping[str, Any]] = {"tiny": TINY, "small": SMALL}


def build(size: str, out: Path, *, seed: int, onnx: bool) -> str:
    """Write a SenseVoice directory of this size with the random weights that `seed` gives.

    size: a key of SIZES. onnx: write `model.onnx` beside `model.pt`. What was written comes back, for people.
    """
    check_installed("torch", "funasr")
    prepare_out(out)
    import torch

    from sv_eval.backends.sensevoice.models.network import seeded_network

    with quiet():
        network = seeded_network(SIZES[size], seed)
    torch.save(network.state_dict(), out / WEIGHTS)
    copy_companions(bundled_model(), out, ("am.mvn", "*.bpe.model"))
    (out / "config.yaml").write_text(configuration(SIZES[size]), encoding="utf-8")
    (out / "configuration.json").write_text(listing(), encoding="utf-8")
    parameters = sum(p.numel() for p in network.parameters())
    (out / CARD).write_text(_card(size, seed, parameters), encoding="utf-8")
    if onnx:
        from sv_eval.backends.sensevoice.models.graph import write_onnx

        write_onnx(network, out / GRAPH_FILES["fp32"])
    files = [WEIGHTS, GRAPH_FILES["fp32"]] if onnx else [WEIGHTS]
    sizes = [f"  {name:18} {(out / name).stat().st_size / 1e6:7.1f} MB" for name in files]
    return "\n".join([f"{out}: {size}, {parameters / 1e6:.1f} M random parameters (seed {seed})", *sizes])


def _card(size: str, seed: int, parameters: int) -> str:
    """The model card, so that no report takes the answers for a recogniser's."""
    import yaml

    content = {
        "name": f"random-{size}",
        "title": f"Random weights at the size of SenseVoice's {size} model, seed {seed}",
        "kind": "random",
        "parameters": parameters,
        "precision": "fp32",
        "limitations": ["It has learnt nothing: its speed means something, its answers do not."],
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)
