"""What comparisons of runs need of answers that are held against raters: two figures, clip by clip."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.record_file.score_table import ScoreTable
from sv_eval.record_file.table import RecordTable
from sv_eval.report.reasons import Why
from sv_eval.scoring.calibration.bins import units_of
from sv_eval.scoring.clusters import effective_number
from sv_eval.scoring.paired.differences import JACKKNIFE, Difference, difference_with
from sv_eval.scoring.soft.distances import total_variation
from sv_eval.scoring.soft.held import certain, held_against
from sv_eval.scoring.soft.raters import raters_of

Floats = NDArray[np.float64]

SOFT = ("overlap", "soft_accuracy")
"""What is in both distributions, the answer's and the raters': 1 less the total variation distance; and the share
of raters that said what the answer says. Of both, more is better."""


def soft_by_clip(
    answers: RecordTable,
    labels: tuple[str, ...],
    policy: str,
    scores: ScoreTable | None,
    class_of: Callable[[str], str],
    *,
    certain_where: NDArray[np.bool_] | None = None,
) -> dict[str, Floats]:
    """The figures by name, a number a clip of the table; NaN for a clip without votes or without such an answer.

    certain_where: clips whose answer holds itself certain where it has no scores.
    """
    raters = raters_of(answers.ballot_sets, labels, class_of)
    clips = held_against(answers, labels, policy, scores, raters)
    if certain_where is not None:
        bare = ~clips.scored & certain_where[clips.places]
        clips.p[bare] = certain(clips.said[bare], len(labels))
    found = {name: np.full(len(answers), np.nan) for name in SOFT}
    found["overlap"][clips.places] = 1 - total_variation(clips.q, clips.p)
    found["soft_accuracy"][clips.places] = clips.q[np.arange(len(clips.q)), clips.said]
    return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SoftSides:
    """One figure of the clips that both runs have."""

    before: Floats
    """The earlier run's."""
    after: Floats
    """The later one's, of the same clips."""
    speaker: NDArray[np.int32]
    """Whose each clip is; negative where nobody knows."""
    untold: int
    """Clips that the earlier run has and the later one lacks."""


def soft_sides(
    before: tuple[RecordTable, Mapping[str, Floats]], after: tuple[RecordTable, Mapping[str, Floats]], name: str
) -> SoftSides:
    """The common clips of two runs, each given as its answers and their figures."""
    told = dict(zip(after[0].clip_ids, after[1][name].tolist(), strict=True))
    mine = np.flatnonzero(np.isfinite(before[1][name]))
    theirs = np.array([told.get(before[0].clip_ids[place], math.nan) for place in mine.tolist()])
    there = np.isfinite(theirs)
    return SoftSides(
        before=before[1][name][mine[there]],
        after=theirs[there],
        speaker=before[0].speaker[mine[there]],
        untold=int((~there).sum()),
    )


def soft_difference(sides: SoftSides, confidence: float = 0.95) -> Difference:
    """How much the mean changed, with a jackknife that leaves out one speaker's clips on both sides."""
    if not len(sides.before):
        return Difference(
            before=None, after=None, value=None, low=None, high=None, error=None, p_worse=None, p_value=None,
            n_clusters=0, method=None, reason=Why.of("no_pairs"),
        )  # fmt: skip
    unit = units_of(sides.speaker)
    sizes = np.bincount(unit).astype(np.float64)
    changes = np.bincount(unit, sides.after - sides.before)
    n, total = len(sizes), sizes.sum()
    error = 0.0
    if n > 1:
        without = (changes.sum() - changes) / (total - sizes)
        error = math.sqrt((n - 1) / n * float(((without - without.mean()) ** 2).sum()))
    worth = float(effective_number(sizes[None, :], np.ones(n, dtype=np.int64))[0])
    was, now = float(sides.before.mean()), float(sides.after.mean())
    return difference_with(was, now, error, n, worth, JACKKNIFE, confidence)
