"""The joint counts of two runs by cluster: the units that a paired bootstrap exchanges.

A resample takes a speaker's clips with both runs' answers to them, so that what the runs have in common cancels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.scoring import tally as formulas
from sv_eval.scoring.clusters import effective_number
from sv_eval.scoring.paired.pairs import Codes, Pairs
from sv_eval.scoring.tally import Floats, Tally

BEFORE, AFTER = slice(0, 3), slice(3, 6)
"""The rows of each run: support, hits, answers."""
OVERALL: tuple[str, ...] = ("uar", "accuracy", "macro_f1")
"""The figures over all labels; the recall of each label follows them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedClusters:
    """The joint counts of every cluster."""

    counts: Floats
    """Shape [6, labels, groups]: support, hits and answers of the first run, then of the second."""
    multiplicity: NDArray[np.int64]
    """How many equal clusters a group stands for; shape [groups]."""
    kind: str
    """`speaker`, `clip` (no speaker is known) or `mixed`."""
    among: NDArray[np.bool_]
    """Which labels have a clip."""

    @property
    def n(self) -> int:
        """The number of clusters."""
        return int(self.multiplicity.sum())

    @property
    def total(self) -> Floats:
        """The counts of all clusters; shape [6, labels]."""
        return np.asarray(self.counts @ self.multiplicity.astype(np.float64), dtype=np.float64)

    def figures(self, counts: Floats) -> tuple[Floats, Floats]:
        """UAR, accuracy, macro F1, recalls of both runs for counts [6, labels, ...]; shape [3 + labels, ...]."""
        return self._figures(Tally(*counts[BEFORE])), self._figures(Tally(*counts[AFTER]))

    def differences(self, counts: Floats) -> Floats:
        """The second run's figures less the first's; shape [3 + labels, ...]."""
        before, after = self.figures(counts)
        return after - before

    def contributors(self) -> NDArray[np.int64]:
        """How many clusters each figure rests on; a mean over labels, on as many as its scarcest label."""
        has = (self.counts[0] > 0) | (self.counts[3] > 0)
        by_label = has @ self.multiplicity
        scarcest = int(by_label[self.among].min()) if self.among.any() else 0
        return np.concatenate([[scarcest, self.n, scarcest], by_label]).astype(np.int64)

    def effective(self) -> Floats:
        """How many clusters of equal size those are worth."""
        sizes = np.maximum(self.counts[0], self.counts[3])
        by_label = effective_number(sizes, self.multiplicity)
        scarcest = float(by_label[self.among].min()) if self.among.any() else 0.0
        whole = float(effective_number(sizes.sum(axis=0), self.multiplicity))
        return np.concatenate([[scarcest, whole, scarcest], by_label])

    def _figures(self, tally: Tally) -> Floats:
        over_all = [
            formulas.uar(tally, self.among),
            formulas.accuracy(tally),
            formulas.macro_f1(tally, self.among),
        ]
        return np.concatenate([np.stack(over_all), formulas.recalls(tally)])


def paired_clusters(pairs: Pairs) -> PairedClusters:
    """The joint counts of pairs, by speaker; a clip without a speaker is a cluster of its own."""
    size = len(pairs.labels)
    group, multiplicity, kind = _groups(pairs)
    shape = (size, len(multiplicity))
    counts = np.stack(
        [
            _count(pairs.reference, group, pairs.before >= 0, shape),
            _count(pairs.reference, group, pairs.right_before, shape),
            _count(pairs.before, group, (pairs.before >= 0) & (pairs.before < size), shape),
            _count(pairs.reference, group, pairs.after >= 0, shape),
            _count(pairs.reference, group, pairs.right_after, shape),
            _count(pairs.after, group, (pairs.after >= 0) & (pairs.after < size), shape),
        ]
    )
    among = np.bincount(pairs.reference, minlength=size) > 0
    return PairedClusters(counts=counts / multiplicity, multiplicity=multiplicity, kind=kind, among=among)


def _groups(pairs: Pairs) -> tuple[Codes, NDArray[np.int64], str]:
    """Each clip's group and each group's number of clusters: speakers first, then lone clips that are alike."""
    known = pairs.speaker >= 0
    names, of_known = np.unique(pairs.speaker[known], return_inverse=True)
    size = len(pairs.labels) + 2
    cells = (pairs.reference * size + pairs.before + 1) * size + pairs.after + 1
    _, of_lone, lone = np.unique(cells[~known], return_inverse=True, return_counts=True)
    group = np.empty(pairs.n, dtype=np.int64)
    group[known] = of_known
    group[~known] = of_lone + len(names)
    kind = "speaker" if known.all() else "mixed" if known.any() else "clip"
    return group, np.concatenate([np.ones(len(names), dtype=np.int64), lone.astype(np.int64)]), kind


def _count(label: Codes, group: Codes, which: NDArray[np.bool_], shape: tuple[int, int]) -> Floats:
    cells = label[which] * shape[1] + group[which]
    return np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
