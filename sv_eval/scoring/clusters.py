"""The counts of a run by cluster: the units that a bootstrap may exchange.

Clips of one speaker are not independent, so the unit is the speaker. A clip whose speaker is unknown is a
unit of its own; equal ones of these are kept once, with their number, so that a hundred thousand clips
without speakers take no more room than their confusion cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.record_file.table import RecordTable
from sv_eval.scoring.tally import Floats

SUPPORT, HITS, PREDICTED, ABSTAINED, BANNED_HITS, BANNED_PREDICTED, BANNED_ABSTAINED = range(7)
"""Rows of `Clusters.counts`; `banned` is the answer with `unknown` banned."""
STATISTICS = 7
_CHUNK_CELLS = 400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """The counts of every cluster that has a scored clip."""

    counts: Floats
    """Shape [STATISTICS, labels, groups]: whole numbers."""
    multiplicity: NDArray[np.int64]
    """How many equal clusters a group stands for; shape [groups]."""
    kind: str
    """`speaker`, `clip` (no speaker is known) or `mixed` (some are)."""

    @property
    def n(self) -> int:
        """The number of clusters."""
        return int(self.multiplicity.sum())

    @property
    def total(self) -> Floats:
        """The counts of the whole run; shape [STATISTICS, labels]."""
        return np.asarray(self.counts @ self.multiplicity.astype(np.float64), dtype=np.float64)

    def resampled(self, *, resamples: int, seed: int) -> Iterator[Floats]:
        """Counts [STATISTICS, labels, b] of resamples, whole clusters drawn with replacement, in chunks."""
        rng = np.random.default_rng(seed)
        statistics, labels, groups = self.counts.shape
        flat = self.counts.reshape(-1, groups)
        chunk = max(1, _CHUNK_CELLS // max(groups, len(flat)))
        for start in range(0, resamples, chunk):
            weights = self._weights(rng, min(chunk, resamples - start))
            yield (flat @ weights.T).reshape(statistics, labels, -1)

    def _weights(self, rng: np.random.Generator, rows: int) -> Floats:
        """How often each group is drawn in each of `rows` resamples; shape [rows, groups]."""
        groups, n = len(self.multiplicity), self.n
        if n > groups:
            return rng.multinomial(n, self.multiplicity / n, size=rows).astype(np.float64)
        drawn = rng.integers(0, groups, size=(rows, groups), dtype=np.int32)
        drawn += (np.arange(rows, dtype=np.int32) * groups)[:, None]
        return np.bincount(drawn.ravel(), minlength=rows * groups).reshape(rows, groups).astype(np.float64)


def clusters_of(table: RecordTable, labels: Sequence[str], scope: NDArray[np.bool_]) -> Clusters:
    """The clusters of the clips in scope, as `in_scope` has them: reference in `labels`, and not a FAILURE."""
    answered = table.class_codes.answered
    place = np.full(len(table.class_codes.answers), len(labels))
    place[[table.class_codes.answer(label) for label in labels]] = np.arange(len(labels))
    reference = place[table.reference[scope]]
    predicted, banned = table.predicted[scope], table.banned[scope]
    group, multiplicity, kind = _groups(table, scope, reference, predicted, banned)
    everything = np.ones(len(reference), dtype=np.bool_)
    answer, forced = place[predicted], place[banned]
    size = (len(labels), len(multiplicity))
    counts = np.stack(
        [
            _count(reference, group, everything, size),
            _count(reference, group, answer == reference, size),
            _count(answer, group, answer < len(labels), size),
            _count(reference, group, predicted >= answered, size),
            _count(reference, group, forced == reference, size),
            _count(forced, group, forced < len(labels), size),
            _count(reference, group, banned >= answered, size),
        ]
    )
    return Clusters(counts=counts / multiplicity, multiplicity=multiplicity, kind=kind)


def effective_number(sizes: Floats, multiplicity: NDArray[np.int64]) -> Floats:
    """How many clusters of equal size clusters of these sizes [..., groups] are worth: `(sum m)^2 / sum m^2`.

    By Kish (1965), Survey Sampling. A mean over clips in which one speaker has half of them rests on that one's
    luck: a standard error from such speakers has fewer degrees of freedom than there are speakers.

    >>> effective_number(np.array([[5.0, 5.0, 5.0], [9.0, 1.0, 2.0]]), np.array([1, 1, 1])).round(2).tolist()
    [3.0, 1.67]
    """
    whole, squares = sizes @ multiplicity, sizes**2 @ multiplicity
    return np.asarray(np.where(squares > 0, whole**2 / np.where(squares > 0, squares, 1.0), 0.0), dtype=np.float64)


def in_scope(table: RecordTable, labels: Sequence[str]) -> NDArray[np.bool_]:
    """Which clips are scored against `labels`."""
    codes = [table.class_codes.reference(label) for label in labels]
    return np.isin(table.reference, codes) & ~table.failed


def _groups(
    table: RecordTable,
    scope: NDArray[np.bool_],
    reference: NDArray[np.int64],
    predicted: NDArray[np.int8],
    banned: NDArray[np.int8],
) -> tuple[NDArray[np.int64], NDArray[np.int64], str]:
    """Each clip's group, each group's number of clusters, and the kind: speakers first, then lone clips."""
    speaker = table.speaker[scope].astype(np.int64)
    known = speaker >= 0
    names, group_of_known = np.unique(speaker[known], return_inverse=True)
    size = len(table.class_codes.answers)
    cells = (reference * size + predicted) * size + banned
    _, group_of_lone, lone = np.unique(cells[~known], return_inverse=True, return_counts=True)
    group = np.empty(len(speaker), dtype=np.int64)
    group[known] = group_of_known
    group[~known] = group_of_lone + len(names)
    kind = "speaker" if known.all() else "mixed" if known.any() else "clip"
    return group, np.concatenate([np.ones(len(names), dtype=np.int64), lone.astype(np.int64)]), kind


def _count(
    label: NDArray[np.int64], group: NDArray[np.int64], which: NDArray[np.bool_], size: tuple[int, int]
) -> Floats:
    cells = label[which] * size[1] + group[which]
    return np.bincount(cells, minlength=size[0] * size[1]).reshape(size).astype(np.float64)
