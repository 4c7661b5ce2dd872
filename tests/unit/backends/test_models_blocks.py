"""The encoder that is exported is FunASR's, written out otherwise."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

if find_spec("torch") is None or find_spec("funasr") is None:
    pytest.skip("torch and funasr are not installed", allow_module_level=True)

import torch

from sv_eval.backends.quiet import quiet
from sv_eval.backends.sensevoice.models.architecture import TINY
from sv_eval.backends.sensevoice.models.blocks import Encoder, is_familiar
from sv_eval.backends.sensevoice.models.network import seeded_network


def network(**changes: Any) -> Any:
    with quiet():
        return seeded_network({**TINY, **changes}, seed=3)


@pytest.mark.parametrize("changes", [{}, {"sanm_shfit": 2}, {"kernel_size": 6}, {"num_blocks": 1, "tp_blocks": 0}])
@torch.no_grad()
def test_hidden_frames_are_those_of_funasr(changes: dict[str, Any]) -> None:
    encoder = network(**changes).encoder
    frames = torch.randn(3, 40, 560)
    lengths = torch.tensor([40, 23, 1])

    expected, _ = encoder(frames.clone(), lengths)
    found = Encoder(encoder)(frames, lengths)

    for row, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(found[row, :length], expected[row, :length], rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_padding_changes_nothing() -> None:
    encoder = Encoder(network().encoder)
    frames = torch.randn(1, 30, 560)
    padded = torch.cat([frames, torch.randn(1, 25, 560)], dim=1)

    alone = encoder(frames, torch.tensor([30]))
    beside = encoder(padded, torch.tensor([30]))

    torch.testing.assert_close(beside[:, :30], alone, rtol=1e-4, atol=1e-5)


def test_an_encoder_of_other_blocks_is_left_to_its_own_forward() -> None:
    ordinary, other = network().encoder, network().encoder
    other.encoders[0].normalize_before = False

    assert is_familiar(ordinary)
    assert not is_familiar(other)
    assert not is_familiar(torch.nn.Linear(2, 2))
