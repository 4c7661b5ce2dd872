"""SenseVoice's encoder written for an ONNX runtime: the same arithmetic as FunASR's, in fewer and quicker nodes.

What differs from FunASR's own forward, whose weights are used as they are:

- The memory block's convolution along time is a two-dimensional one over [batch, channel, 1, time]. onnxruntime has
  a vectorised kernel for depthwise convolutions in two dimensions only, and takes the transpositions around it into
  its own change of layout.
- The attention mask is made once, as something to add, and not in every block by two selections.
- Shapes are taken from the very tensor that is reshaped, so that a runtime can fold them into constants.

Importing this module imports torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor


class Encoder(torch.nn.Module):
    """FunASR's SenseVoiceEncoderSmall, to be traced."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Hidden frames [B, T, D] of input frames [B, T, 560], of which `lengths` [B] are the clips' own."""
        encoder = self.encoder
        there = torch.arange(frames.shape[1], device=frames.device)[None, :] < lengths[:, None]
        kept = there.to(frames.dtype)[:, :, None]
        # Minus infinity where a key is padding, zero elsewhere; the logarithm of the mask is just that.
        bias = torch.log(kept).transpose(1, 2)[:, None]
        x = encoder.embed(frames * encoder.output_size() ** 0.5)
        for block in (*encoder.encoders0, *encoder.encoders):
            x = _block(block, x, kept, bias)
        x = encoder.after_norm(x)
        for block in encoder.tp_encoders:
            x = _block(block, x, kept, bias)
        hidden: Tensor = encoder.tp_norm(x)
        return hidden


def is_familiar(encoder: Any) -> bool:
    """Whether the encoder is built of the blocks that this module writes out."""
    names = ("embed", "encoders0", "encoders", "tp_encoders", "after_norm", "tp_norm")
    if not all(hasattr(encoder, name) for name in names):
        return False
    return all(
        block.normalize_before and not block.concat_after and hasattr(block.self_attn, "linear_q_k_v")
        for block in _blocks(encoder)
    )


def _blocks(encoder: Any) -> Iterator[Any]:
    yield from encoder.encoders0
    yield from encoder.encoders
    yield from encoder.tp_encoders


def _block(block: Any, x: Tensor, kept: Tensor, bias: Tensor) -> Tensor:
    """One block: attention with its memory, then the feed-forward layer, each normalised before and added after."""
    heard = _attention(block.self_attn, block.norm1(x), kept, bias)
    if block.in_size == block.size:
        heard = x + heard
    layer = block.feed_forward
    out: Tensor = heard + layer.w_2(layer.activation(layer.w_1(block.norm2(heard))))
    return out


def _attention(attention: Any, x: Tensor, kept: Tensor, bias: Tensor) -> Tensor:
    q, k, v = torch.split(attention.linear_q_k_v(x), attention.h * attention.d_k, dim=-1)
    scores = torch.matmul(_heads(q * attention.d_k**-0.5, attention), _heads(k, attention).transpose(-2, -1))
    mixed = torch.matmul(torch.softmax(scores + bias, dim=-1), _heads(v, attention)).transpose(1, 2)
    joined = mixed.reshape(mixed.shape[0], mixed.shape[1], attention.h * attention.d_k)
    out: Tensor = attention.linear_out(joined) + _memory(attention, v, kept)
    return out


def _heads(x: Tensor, attention: Any) -> Tensor:
    """[B, T, heads * d] to [B, heads, T, d]."""
    return x.reshape(x.shape[0], x.shape[1], attention.h, attention.d_k).transpose(1, 2)


def _memory(attention: Any, v: Tensor, kept: Tensor) -> Tensor:
    """FSMN: each channel of the values is filtered along time, and added to itself."""
    v = v * kept
    left, right = attention.pad_fn.padding
    image = v[:, None].permute(0, 3, 1, 2)
    if left != right:
        image, left = torch.nn.functional.pad(image, (left, right)), 0
    weights = attention.fsmn_block.weight[:, :, None, :]
    filtered = torch.nn.functional.conv2d(image, weights, padding=(0, left), groups=weights.shape[0])
    return (filtered.permute(0, 2, 3, 1)[:, 0] + v) * kept
