"""The counts of a group of clips and of all others, by the same speakers, and what figures of them differ by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.scoring.clusters import effective_number
from sv_eval.scoring.paired.differences import JACKKNIFE, Difference, difference_with

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupCounts:
    """Scored clips and right answers inside a group and outside, by label and speaker."""

    support: Floats
    """[2, labels, units]: inside, then outside."""
    hits: Floats
    """Right answers, of the same shape."""

    def differences(self, *, confidence: float) -> list[Difference]:
        """Inside less outside: UAR over the labels that both have, accuracy, the recall of each label.

        Their standard errors leave out a speaker at a time, on whichever side its clips are.
        """
        whole = _figures(self.support.sum(axis=2)[..., None], self.hits.sum(axis=2)[..., None])[..., 0]
        without = _figures(
            self.support.sum(axis=2)[..., None] - self.support, self.hits.sum(axis=2)[..., None] - self.hits
        )
        n, worth = self._units()
        apart = without[0] - without[1]
        # A figure that the deletion of a speaker leaves undefined takes its whole value for that one.
        apart = np.where(np.isnan(apart), (whole[0] - whole[1])[:, None], apart)
        units = apart.shape[1]
        spread = ((apart - apart.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
        errors = np.sqrt(spread * (units - 1) / max(units, 1))
        inside, outside = whole[0].tolist(), whole[1].tolist()
        return [
            difference_with(
                outside[at], inside[at], float(errors[at]), int(n[at]), float(worth[at]), JACKKNIFE, confidence
            )
            for at in range(len(inside))
        ]

    def _units(self) -> tuple[Codes, Floats]:
        """On how many speakers each figure rests, and how many of equal size they are worth: of the poorer side.

        A mean over labels rests on as many as its scarcest label.
        """
        has, sizes = self.support > 0, self.support
        one = np.ones(self.support.shape[2], dtype=np.int64)
        by_label = has.sum(axis=2).min(axis=0)
        worth_by_label = effective_number(sizes, one).min(axis=0)
        both = (self.support.sum(axis=2) > 0).all(axis=0)
        whole = has.any(axis=1).sum(axis=1).min()
        worth = effective_number(sizes.sum(axis=1), one).min()
        scarcest = by_label[both].min() if both.any() else 0
        least = worth_by_label[both].min() if both.any() else 0.0
        return (
            np.concatenate([[scarcest, whole], by_label]).astype(np.int64),
            np.concatenate([[least, worth], worth_by_label]),
        )


def group_counts(reference: Codes, right: Mask, inside: Mask, unit: Codes, n_labels: int) -> GroupCounts:
    """The counts of scored clips. reference: places of their labels; unit: codes of whom they are of, from 0."""
    _, of = np.unique(unit, return_inverse=True)
    shape = (n_labels, int(of.max()) + 1 if len(of) else 0)

    def count(which: Mask) -> Floats:
        cells = reference[which] * shape[1] + of[which]
        return np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)

    return GroupCounts(
        support=np.stack([count(inside), count(~inside)]),
        hits=np.stack([count(inside & right), count(~inside & right)]),
    )


def _figures(support: Floats, hits: Floats) -> Floats:
    """UAR over the labels that both sides have, accuracy and recalls [2, 2 + labels, ...] of [2, labels, ...]."""
    with np.errstate(invalid="ignore", divide="ignore"):
        recalls = hits / support
        accuracy = hits.sum(axis=1) / support.sum(axis=1)
    # Of what is left without one speaker, a label that is gone leaves the mean undefined.
    both = (support.max(axis=2) > 0).all(axis=0)
    uar = recalls[:, both].mean(axis=1) if both.any() else np.full_like(accuracy, np.nan)
    return np.concatenate([uar[:, None], accuracy[:, None], recalls], axis=1)
