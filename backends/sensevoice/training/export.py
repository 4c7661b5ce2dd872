"""Writes a trained network as a SenseVoice model directory, and proves that its files agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sv_eval.backends.sensevoice.models.architecture import PIECES_FILE, TINY, configuration, listing
from sv_eval.backends.sensevoice.models.graph import INPUTS, write_onnx
from sv_eval.backends.sensevoice.training.features import Cmvn
from sv_eval.backends.sensevoice.training.network import encoded
from sv_eval.backends.sensevoice.training.vocabulary import TrainingVocabulary


def write_model(
    network: Any, vocabulary: TrainingVocabulary, cmvn: Cmvn, encoder: dict[str, Any], folder: Path
) -> None:
    """All files that FunASR, funasr_onnx and this project read."""
    folder.mkdir(parents=True, exist_ok=True)
    network.eval()
    torch.save(network.state_dict(), folder / "model.pt")
    cmvn.write(folder / "am.mvn")
    (folder / PIECES_FILE).write_bytes(vocabulary.serialised())
    (folder / "config.yaml").write_text(configuration({**TINY, **encoder}), encoding="utf-8")
    (folder / "configuration.json").write_text(listing(), encoding="utf-8")
    write_onnx(network, folder / "model.onnx")


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
