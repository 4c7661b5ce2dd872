"""A SenseVoice network as one fp32 ONNX file. Importing this module imports torch."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sv_eval.backends.sensevoice.models.architecture import INPUT_SIZE
from sv_eval.backends.sensevoice.models.blocks import Encoder, is_familiar

OPSET = 17
INPUTS = ("speech", "speech_lengths", "language", "textnorm")
OUTPUTS = ("ctc_logits", "encoder_out_lens")


class Graph(torch.nn.Module):
    """The network as SenseVoice's ONNX form has it: raw logits, prompts as inputs."""

    def __init__(self, network: Any, *, as_upstream: bool = False) -> None:
        super().__init__()
        self.network = network
        own = not as_upstream and is_familiar(network.encoder)
        self.encoder = Encoder(network.encoder) if own else None

    def forward(
        self, speech: Tensor, speech_lengths: Tensor, language: Tensor, textnorm: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Logits [B, T+4, 25055] and output lengths [B]."""
        prompts = torch.tensor([[1, 2]], dtype=torch.int32).expand(speech.shape[0], -1)
        queries = self.network.embed(torch.cat([language[:, None], prompts, textnorm[:, None]], dim=1))
        lengths = speech_lengths + 4
        frames = torch.cat([queries, speech], dim=1)
        if self.encoder is not None:
            return self.network.ctc.ctc_lo(self.encoder(frames, lengths)), lengths
        hidden, lengths = self.network.encoder(frames, lengths)
        return self.network.ctc.ctc_lo(hidden), lengths


def write_onnx(network: Any, path: Path, *, as_upstream: bool = False) -> None:
    """One fp32 file with free batch and time axes.

    as_upstream: trace FunASR's own forward, as its export does, and not the quicker form of `blocks`.
    """
    # Two different lengths, so that the mask is part of the trace. The values leave no mark in the graph.
    example = (
        torch.zeros(2, 30, INPUT_SIZE),
        torch.tensor([17, 30], dtype=torch.int32),
        torch.tensor([0, 3], dtype=torch.int32),
        torch.tensor([15, 14], dtype=torch.int32),
    )
    axes = {name: {0: "batch"} for name in (*INPUTS, *OUTPUTS)}
    axes["speech"][1], axes["ctc_logits"][1] = "frames", "output_frames"
    with torch.no_grad(), warnings.catch_warnings():
        # The older exporter is asked for knowingly: it writes one file, in seconds. It and its own parts warn of
        # its age, of what it leaves unfolded, and of upstream's mask, which the two lengths above trace.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("ignore", "Constant folding", UserWarning)
        warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)  # type: ignore[attr-defined]
        torch.onnx.export(
            Graph(network, as_upstream=as_upstream).eval(),
            example,
            str(path),
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
