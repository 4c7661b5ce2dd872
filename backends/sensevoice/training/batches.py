"""Which clips make up a step, and how they become one tensor."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import torch
from torch import Tensor

from sv_eval.backends.sensevoice.training.corpora import Example
from sv_eval.backends.sensevoice.training.features import Array

LONGEST_CROP = 300  # filterbank frames of a clip whose words are not known


class Sampler:
    """Draws clips so that every emotion, and within it every speaker, comes equally often."""

    def __init__(self, examples: list[Example], rng: np.random.Generator) -> None:
        self.rng = rng
        groups: dict[str, dict[str, list[Example]]] = defaultdict(lambda: defaultdict(list))
        for example in examples:
            groups[example.emotion][example.speaker].append(example)
        self.groups = [[groups[e][s] for s in sorted(groups[e])] for e in sorted(groups)]

    def draw(self, count: int) -> list[tuple[Example, int]]:
        """Clips with the index of the copy to use."""
        drawn = []
        for _ in range(count):
            speakers = self.groups[int(self.rng.integers(len(self.groups)))]
            clips = speakers[int(self.rng.integers(len(speakers)))]
            example = clips[int(self.rng.integers(len(clips)))]
            drawn.append((example, int(self.rng.integers(len(example.mels)))))
        return drawn


def padded(clips: list[tuple[Example, int]], crop_share: float, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Clips as one [B, T, 80] batch with lengths; with a crop share, LONGEST_CROP at most, some shorter still."""
    chosen = []
    for example, copy_index in clips:
        mels = example.mels[copy_index]
        if crop_share:
            keep = min(len(mels), LONGEST_CROP)
            if rng.random() < crop_share:
                keep = max(min(keep, 80), int(keep * rng.uniform(0.5, 1.0)))
            start = int(rng.integers(max(1, len(mels) - keep + 1)))
            mels = mels[start : start + keep]
        chosen.append(mels)
    return whole(chosen)


def whole(clips: list[Array]) -> tuple[Tensor, Tensor]:
    """Filterbanks as one [B, T, 80] batch with lengths."""
    lengths = torch.tensor([len(mels) for mels in clips])
    return torch.nn.utils.rnn.pad_sequence([torch.from_numpy(mels) for mels in clips], batch_first=True), lengths
