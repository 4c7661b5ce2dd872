"""Writes a model directory of SenseVoiceSmall's full size with random weights, to measure speed with.

    python tests/benchmarks/make_full_size.py OUT

Needs torch and funasr. Its answers mean nothing; its arithmetic is that of the real model (234 M parameters).
The normalisation and the vocabulary are the bundled model's.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import torch

from backends.sensevoice.model_dir import bundled_model
from backends.sensevoice.training.export import configuration, write_onnx
from backends.sensevoice.training.network import ENCODER_CONF, tiny_network

FULL_SIZE = {
    "output_size": 512,
    "attention_heads": 4,
    "linear_units": 2048,
    "num_blocks": 50,
    "tp_blocks": 20,
    "kernel_size": 11,
}


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    network = tiny_network(**FULL_SIZE).eval()
    write_onnx(network, out / "model.onnx")
    (out / "config.yaml").write_text(configuration(ENCODER_CONF | FULL_SIZE), encoding="utf-8")
    for pattern in ("am.mvn", "*.bpe.model"):
        for path in bundled_model().glob(pattern):
            shutil.copy(path, out / path.name)
    parameters = sum(p.numel() for p in network.parameters())
    print(f"{parameters / 1e6:.1f} M parameters, {(out / 'model.onnx').stat().st_size / 1e6:.0f} MB in {out}")


if __name__ == "__main__":
    main()
