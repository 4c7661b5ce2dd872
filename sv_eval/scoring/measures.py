"""All accuracy figures of all policies as one long vector, so that a resample is scored in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.scoring import tally as formulas
from sv_eval.scoring.clusters import (
    ABSTAINED,
    BANNED_ABSTAINED,
    BANNED_HITS,
    BANNED_PREDICTED,
    HITS,
    PREDICTED,
    SUPPORT,
    Clusters,
    effective_number,
)
from sv_eval.scoring.tally import Floats, Tally

OVERALL: tuple[str, ...] = ("uar", "accuracy", "macro_f1", "weighted_f1", "coverage")
"""The figures over all labels; they come first in a policy's stretch of the vector."""
PER_LABEL: tuple[str, ...] = ("recall", "precision", "f1")
"""The figures of one label; they follow, label by label within each."""


def under(policy: str, counts: Floats) -> tuple[Tally, Floats]:
    """The tally of counts [STATISTICS, labels, ...] under a policy, and how many got an emotion in it."""
    support = counts[SUPPORT]
    if policy == "ban":
        banned = Tally(support, counts[BANNED_HITS], counts[BANNED_PREDICTED])
        return banned, support - counts[BANNED_ABSTAINED]
    answered = support - counts[ABSTAINED]
    scored = answered if policy == "abstain" else support
    return Tally(scored, counts[HITS], counts[PREDICTED]), answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The figures of a run and what they rest on, in the vector's order."""

    values: Floats
    """The figures."""
    sizes: Floats
    """What each one's denominator holds: clips."""
    n_clusters: NDArray[np.int64]
    """How many clusters each rests on; of a mean over labels, as many as its scarcest label has."""
    effective: Floats
    """How many clusters of equal size those are worth."""
    support: Mapping[str, Floats]
    """By policy, the clips of each label that it scores."""
    means: tuple[tuple[int, NDArray[np.int64]], ...]
    """The place of each mean over labels in the vector, and the places of what it is the mean of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Which figures the vector holds.

    A mean's labels are settled here, by the whole run and alike for all policies: those with a clip in scope.
    Where a policy leaves out all clips of one of them, its means have no value rather than one over fewer
    labels.
    """

    policies: tuple[str, ...]
    """The policies, in the vector's order."""
    among: NDArray[np.bool_]
    """Which labels have a clip in scope."""

    @classmethod
    def over(cls, total: Floats, policies: Sequence[str]) -> Measures:
        """The measures for a run with counts `total` [STATISTICS, labels]."""
        return cls(policies=tuple(policies), among=total[SUPPORT] > 0)

    def _means(self) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """The place of each mean over labels in the vector, and the places of what it is the mean of."""
        labels = np.flatnonzero(self.among)
        size = len(self.among)
        for index in range(len(self.policies)):
            start = index * (len(OVERALL) + len(PER_LABEL) * size)
            first = start + len(OVERALL)
            yield start + OVERALL.index("uar"), first + PER_LABEL.index("recall") * size + labels
            yield start + OVERALL.index("macro_f1"), first + PER_LABEL.index("f1") * size + labels

    def __call__(self, counts: Floats) -> Floats:
        """The vector [measures, ...] for counts [STATISTICS, labels, ...]."""
        parts: list[Floats] = []
        for policy in self.policies:
            scored, answered = under(policy, counts)
            with np.errstate(invalid="ignore"):
                coverage = answered.sum(axis=0) / counts[SUPPORT].sum(axis=0)
            overall = [
                formulas.uar(scored, self.among),
                formulas.accuracy(scored),
                formulas.macro_f1(scored, self.among),
                formulas.weighted_f1(scored),
                coverage,
            ]
            parts += [np.stack(overall), formulas.recalls(scored), formulas.precisions(scored)]
            parts.append(formulas.f1s(scored))
        return np.concatenate(parts)

    def facts(self, clusters: Clusters) -> Facts:
        """What the figures of a run are, and what they rest on."""
        total = clusters.total
        return Facts(
            values=self(total),
            sizes=self._sizes(total),
            n_clusters=self._contributors(clusters.counts, clusters.multiplicity),
            effective=self._effective(clusters.counts, clusters.multiplicity),
            support={policy: under(policy, total)[0].support for policy in self.policies},
            means=tuple(self._means()),
        )

    def _sizes(self, counts: Floats) -> Floats:
        """What each measure's denominator holds: clips, for counts [STATISTICS, labels]; shape [measures]."""
        parts: list[Floats] = []
        for policy in self.policies:
            scored, _ = under(policy, counts)
            clips = scored.support.sum()
            overall = np.array([clips, clips, clips, clips, counts[SUPPORT].sum()])
            parts += [overall, scored.support, scored.predicted, scored.support]
        return np.concatenate(parts)

    def _contributors(self, counts: Floats, multiplicity: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many clusters each measure rests on, for counts [STATISTICS, labels, groups].

        A mean over labels rests on as many as its scarcest label: an emotion that three speakers have is
        known from three, however many have the others.
        """
        parts: list[NDArray[np.int64]] = []
        for policy in self.policies:
            scored, _ = under(policy, counts)
            by_support = (scored.support > 0) @ multiplicity
            by_answer = (scored.predicted > 0) @ multiplicity
            anyone = int((scored.support.sum(axis=0) > 0) @ multiplicity)
            scarcest = int(by_support[self.among].min()) if self.among.any() else 0
            covered = int((counts[SUPPORT].sum(axis=0) > 0) @ multiplicity)
            overall = np.array([scarcest, anyone, scarcest, anyone, covered], dtype=np.int64)
            parts += [overall, by_support, by_answer, by_support]
        return np.concatenate(parts)

    def _effective(self, counts: Floats, multiplicity: NDArray[np.int64]) -> Floats:
        """How many clusters of equal size each measure rests on; a mean over labels, on its scarcest label's."""
        parts: list[Floats] = []
        for policy in self.policies:
            scored, _ = under(policy, counts)
            by_support = effective_number(scored.support, multiplicity)
            anyone = float(effective_number(scored.support.sum(axis=0), multiplicity))
            scarcest = float(by_support[self.among].min()) if self.among.any() else 0.0
            covered = float(effective_number(counts[SUPPORT].sum(axis=0), multiplicity))
            overall = np.array([scarcest, anyone, scarcest, anyone, covered])
            parts += [overall, by_support, effective_number(scored.predicted, multiplicity), by_support]
        return np.concatenate(parts)
