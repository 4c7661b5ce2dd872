"""What people reach: each rater of a clip held against the others, as an answer is held against all.

Who hears a clip without being told is the measure of how well it can be heard. As an answer, a rater has said one
class (or several alike), and the others' distribution is what he or she is held against. Cross-entropy turns that
round, since the logarithm of what a single vote holds impossible has no value: there the others' votes are the
answer, half a vote added to each class (Krichevsky and Trofimov 1981, The Performance of Universal Encoding), and
the one rater's vote is what it is held against.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.scoring.soft.distances import entropy, jensen_shannon, total_variation
from sv_eval.scoring.soft.raters import Raters

Floats = NDArray[np.float64]

_HALF = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ceiling:
    """The mean over the raters of each set of ballots; meaningless for sets of fewer than two raters."""

    cross_entropy: Floats
    """Nats."""
    kl: Floats
    """That less the entropy of the set, nats."""
    js: Floats
    """Bits."""
    tvd: Floats
    """0 to 1."""
    soft_accuracy: Floats
    """The share of the others that said the same."""
    hit: Floats
    """By class: the smaller of the rater's share and the others'; shape [sets, classes]."""
    whole: Floats
    """By class: both shares together."""


def ceiling_of(raters: Raters) -> Ceiling:
    """What the raters of each set of ballots reach."""
    votes = raters.others()
    left = votes.sum(axis=1)
    others = votes / np.where(left > 0, left, 1.0)[:, None]
    rater = raters.ballot
    smoothed = (votes + _HALF) / (left + _HALF * votes.shape[1])[:, None]
    surprise = raters.mean_by_set(-(rater * np.log(smoothed)).sum(axis=1))
    return Ceiling(
        cross_entropy=surprise,
        kl=surprise - entropy(raters.distribution),
        js=raters.mean_by_set(jensen_shannon(others, rater)),
        tvd=raters.mean_by_set(total_variation(others, rater)),
        soft_accuracy=raters.mean_by_set((rater * others).sum(axis=1)),
        hit=raters.mean_by_set(np.minimum(rater, others)),
        whole=raters.mean_by_set(rater + others),
    )
