"""What real speech is to be called, told by a linear model of its acoustic functionals.

Six actors are too few for an encoder that hears every frame: it learns who they are and what they say. A linear
model of a few dozen numbers can't, and is right more often about speakers whom neither has heard. So it teaches:
the encoder sees its probabilities in the labels' place (distillation: Hinton, Vinyals and Dean 2015,
arXiv:1503.02531), for as many varied copies of a clip as there are steps. Recognition needs none of it.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from sv_eval.backends.sensevoice.training.augmentation import Augmentation, augmented
from sv_eval.backends.sensevoice.training.batches import whole
from sv_eval.backends.sensevoice.training.corpora import Example
from sv_eval.backends.sensevoice.training.functionals import functionals

COPIES = 20
"""Varied copies of every clip that the teacher itself learns from."""
_AT_A_TIME = 32


class Teacher:
    """Multinomial logistic regression on standardised functionals, emotions weighted alike.

    examples: the clips to learn from. how: the variation of their copies. strength: the inverse of the L2
    penalty, as scikit-learn counts it. seed: of the variation.
    """

    def __init__(self, examples: list[Example], how: Augmentation, *, strength: float, seed: int) -> None:
        from sklearn.linear_model import LogisticRegression

        torch.manual_seed(seed)
        rows, said = [], []
        for turn in range(COPIES):
            for begin in range(0, len(examples), _AT_A_TIME):
                some = examples[begin : begin + _AT_A_TIME]
                # Resampled copies in turn, another one for each clip of a batch.
                mels, lengths = whole([e.mels[(3 * turn + n) % len(e.mels)] for n, e in enumerate(some)])
                rows.append(functionals(*augmented(mels, lengths, how)).numpy())
                said += [e.emotion for e in some]
        seen = np.concatenate(rows)
        mean, spread = seen.mean(0), seen.std(0) + 1e-6
        fit = LogisticRegression(C=strength, class_weight="balanced", max_iter=3000)
        fit.fit((seen - mean) / spread, said)
        self.emotions: tuple[str, ...] = tuple(fit.classes_)
        """What it can say, in the order of its probabilities."""
        self._mean, self._spread = torch.from_numpy(mean), torch.from_numpy(spread)
        weight, bias = fit.coef_, fit.intercept_
        if len(weight) == 1:
            # Of two emotions scikit-learn keeps the second one's odds.
            weight, bias = np.vstack([0 * weight, weight]), np.append(0 * bias, bias)
        self._weight, self._bias = torch.from_numpy(weight).float(), torch.from_numpy(bias).float()

    def standardised(self, found: Tensor) -> Tensor:
        """Functionals [B, COUNT] in standard deviations of what it learnt from, at most four either way."""
        return self._scaled(found).clamp(-4, 4)

    def probabilities(self, found: Tensor) -> Tensor:
        """[B, emotions] for functionals [B, COUNT]."""
        return torch.softmax(self._scaled(found) @ self._weight.T + self._bias, dim=-1)

    def _scaled(self, found: Tensor) -> Tensor:
        return (found - self._mean) / self._spread
