"""FunASR's own SenseVoiceSmall class at a tiny size, and training's short cut through its output layer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sv_eval.backends.sensevoice.models.architecture import TINY
from sv_eval.backends.sensevoice.models.network import sensevoice_network
from sv_eval.backends.sensevoice.training.vocabulary import BLANK_ID

# Logit of the ids that never occur in training; softmax gives them nothing.
NEVER = -30.0
EVENT_EMOTION_PROMPTS = (1, 2)
QUERIES = 4


class ClipDropout(torch.nn.Module):
    """Dropout with one mask a clip instead of one a frame (Gal & Ghahramani 2016), and so nearly free on CPU."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, values: Tensor) -> Tensor:
        """The values [B, T, C], some channels of each clip silenced."""
        if not self.training or values.ndim != 3:
            return values
        kept = torch.rand(values.shape[0], 1, values.shape[2]) >= self.share
        return values * (kept / (1 - self.share))


def with_clip_dropout(module: Any, share: float) -> None:
    """Replaces every dropout inside a module."""
    for name, child in module.named_children():
        if isinstance(child, torch.nn.Dropout):
            setattr(module, name, ClipDropout(share))
        else:
            with_clip_dropout(child, share)


def tiny_network(**changes: Any) -> Any:
    """A SenseVoiceSmall with random weights; `changes` overrides the sizes in `architecture.TINY`."""
    return sensevoice_network({**TINY, **changes})


def encoded(network: Any, frames: Tensor, lengths: Tensor, language: Tensor, textnorm: Tensor) -> Tensor:
    """Encoder output [B, T+4, D] of normalised input frames [B, T, 560], queries first."""
    prompts = torch.tensor([EVENT_EMOTION_PROMPTS]).expand(frames.shape[0], -1)
    queries = network.embed(torch.cat([language[:, None], prompts, textnorm[:, None]], dim=1))
    out, _ = network.encoder(torch.cat([queries, frames], dim=1), lengths + QUERIES)
    return out  # type: ignore[no-any-return]


class UsedHead:
    """The rows of the output layer that training can move.

    25,055 outputs for a few hundred pieces would make the output layer nearly all of the training time. Rows
    of other ids never get a target: they are set to zero with a bias of NEVER, so the full softmax equals
    the one over the used rows.
    """

    def __init__(self, network: Any, used: list[int]) -> None:
        layer = network.ctc.ctc_lo
        self.ids = torch.tensor(used)
        self.place = {number: n for n, number in enumerate(used)}
        self.weight = torch.nn.Parameter(layer.weight.detach()[self.ids].clone())
        self.bias = torch.nn.Parameter(torch.zeros(len(used)))
        if used[0] != BLANK_ID:
            raise ValueError("blank must be the first used id")

    def __call__(self, hidden: Tensor) -> Tensor:
        """Logits of the used ids."""
        return torch.nn.functional.linear(hidden, self.weight, self.bias)

    @torch.no_grad()
    def write_back(self, network: Any) -> None:
        """Puts the rows into the network's real output layer."""
        layer = network.ctc.ctc_lo
        layer.weight.zero_()
        layer.bias.fill_(NEVER)
        layer.weight[self.ids] = self.weight
        layer.bias[self.ids] = self.bias
