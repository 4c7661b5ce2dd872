"""Writes a trained network as a SenseVoice model directory, and proves that its files agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backends.sensevoice.training.features import INPUT_SIZE, LFR_M, LFR_N, MELS, SAMPLE_RATE_HZ, Cmvn
from backends.sensevoice.training.network import ENCODER, ENCODER_CONF, encoded
from backends.sensevoice.training.vocabulary import SIZE, Vocabulary

PIECES_FILE = "chn_jpn_yue_eng_ko_spectok.bpe.model"
OPSET = 17
INPUTS = ("speech", "speech_lengths", "language", "textnorm")
OUTPUTS = ("ctc_logits", "encoder_out_lens")


class Graph(torch.nn.Module):
    """The network as SenseVoice's ONNX form has it: raw logits, prompts as inputs."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, speech: Tensor, speech_lengths: Tensor, language: Tensor, textnorm: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Logits [B, T+4, 25055] and output lengths [B]."""
        prompts = torch.tensor([[1, 2]], dtype=torch.int32).expand(speech.shape[0], -1)
        queries = self.network.embed(torch.cat([language[:, None], prompts, textnorm[:, None]], dim=1))
        lengths = speech_lengths + 4
        hidden, lengths = self.network.encoder(torch.cat([queries, speech], dim=1), lengths)
        return self.network.ctc.ctc_lo(hidden), lengths


def write_model(network: Any, vocabulary: Vocabulary, cmvn: Cmvn, encoder: dict[str, Any], folder: Path) -> None:
    """All files that FunASR, funasr_onnx and this project read."""
    folder.mkdir(parents=True, exist_ok=True)
    network.eval()
    torch.save(network.state_dict(), folder / "model.pt")
    cmvn.write(folder / "am.mvn")
    (folder / PIECES_FILE).write_bytes(vocabulary.serialised())
    (folder / "config.yaml").write_text(configuration(ENCODER_CONF | encoder), encoding="utf-8")
    listing = {
        "framework": "pytorch",
        "task": "auto-speech-recognition",
        "model": {"type": "funasr"},
        "file_path_metas": {
            "init_param": "model.pt",
            "config": "config.yaml",
            "tokenizer_conf": {"bpemodel": PIECES_FILE},
            "frontend_conf": {"cmvn_file": "am.mvn"},
        },
    }
    (folder / "configuration.json").write_text(json.dumps(listing, indent=2) + "\n", encoding="utf-8")
    write_onnx(network, folder / "model.onnx")


def configuration(encoder: dict[str, Any]) -> str:
    """config.yaml in FunASR's form."""
    import yaml

    frontend = {
        "fs": SAMPLE_RATE_HZ,
        "window": "hamming",
        "n_mels": MELS,
        "frame_length": 25,
        "frame_shift": 10,
        "lfr_m": LFR_M,
        "lfr_n": LFR_N,
        # FunASR's own default is 1.0, and then the same clip gets another answer each time.
        "dither": 0.0,
        "cmvn_file": None,
    }
    content = {
        "model": "SenseVoiceSmall",
        "model_conf": {"length_normalized_loss": True, "sos": 1, "eos": 2, "ignore_id": -1},
        "encoder": ENCODER,
        "encoder_conf": encoder,
        "frontend": "WavFrontend",
        "frontend_conf": frontend,
        "tokenizer": "SentencepiecesTokenizer",
        "tokenizer_conf": {"bpemodel": None, "unk_symbol": "<unk>", "split_with_space": True},
        "ctc_conf": {"dropout_rate": 0.0, "ctc_type": "builtin", "reduce": True, "ignore_nan_grad": True},
        "normalize": None,
        "input_size": INPUT_SIZE,
        "vocab_size": SIZE,
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def write_onnx(network: Any, path: Path) -> None:
    """One fp32 file with free batch and time axes."""
    # Two different lengths, so that the mask is part of the trace.
    example = (
        torch.randn(2, 30, INPUT_SIZE),
        torch.tensor([17, 30], dtype=torch.int32),
        torch.tensor([0, 3], dtype=torch.int32),
        torch.tensor([15, 14], dtype=torch.int32),
    )
    axes = {name: {0: "batch"} for name in (*INPUTS, *OUTPUTS)}
    axes["speech"][1], axes["ctc_logits"][1] = "frames", "output_frames"
    with torch.no_grad():
        torch.onnx.export(
            Graph(network).eval(),
            example,
            str(path),
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )


def parity(network: Any, folder: Path, clips: list[Tensor]) -> dict[str, float]:
    """Largest differences of logits: ONNX against torch, and a padded ONNX batch against one by one.

    `clips` are normalised input frames [T, 560] of different lengths.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])

    def onnx(frames: Tensor, lengths: list[int]) -> Any:
        prompts = np.zeros(len(lengths), np.int32)
        values = (frames.numpy(), np.array(lengths, np.int32), prompts, prompts + 15)
        return session.run(None, dict(zip(INPUTS, values, strict=True)))[0]

    torch_gap = batch_gap = 0.0
    lengths = [len(c) for c in clips]
    batch = onnx(torch.nn.utils.rnn.pad_sequence(clips, batch_first=True), lengths)
    for n, clip in enumerate(clips):
        single = onnx(clip[None], [len(clip)])[0]
        with torch.no_grad():
            hidden = encoded(network, clip[None], torch.tensor([len(clip)]), torch.tensor([0]), torch.tensor([15]))
            reference = network.ctc.ctc_lo(hidden)[0].numpy()
        torch_gap = max(torch_gap, float(np.abs(single - reference).max()))
        batch_gap = max(batch_gap, float(np.abs(batch[n, : len(single)] - single).max()))
    return {"onnx_to_torch": torch_gap, "padded_to_single": batch_gap}
