"""Differences of drops: what one recogniser loses under conditions against what another loses, on the same clips.

With U the UAR, the drop's difference under a condition c is `(U_after(c) - U_after(clean)) - (U_before(c) -
U_before(clean))`. Its standard error leaves out a speaker of all four runs at once (delete-one jackknife).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sv_eval.scoring.paired.counts import PairedClusters, paired_clusters
from sv_eval.scoring.paired.differences import JACKKNIFE, Difference, difference_with
from sv_eval.scoring.paired.pairs import Codes, Pairs
from sv_eval.scoring.tally import Floats

_UAR = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drops:
    """The differences of drops. `before` and `after` are each side's change of UAR; a negative value is worse."""

    by_condition: Sequence[Difference]
    """Of each condition."""
    mean: Difference
    """Of the mean over the conditions."""


def drops_of(before: Sequence[Pairs], after: Sequence[Pairs], *, confidence: float = 0.95) -> Drops:
    """The differences between two recognisers, whose pairs are each of its clean run and a condition.

    Both have the same conditions in the same order, and all pairs the same clips.
    """
    unit = units_of(before[0].speaker)
    sides = [[_changes(replace(pairs, speaker=unit)) for pairs in side] for side in (before, after)]
    whole = np.array([[one.whole for one in side] for side in sides])
    without = np.array([[one.without for one in side] for side in sides])
    clusters = sides[0][0].clusters
    n, effective = int(clusters.contributors()[_UAR]), float(clusters.effective()[_UAR])

    def difference(values: Floats, left_out: Floats) -> Difference:
        apart = left_out[1] - left_out[0]
        fine = np.isfinite(apart).all() and len(apart) > 1
        error = math.sqrt((len(apart) - 1) / len(apart) * ((apart - apart.mean()) ** 2).sum()) if fine else math.nan
        return difference_with(float(values[0]), float(values[1]), error, n, effective, JACKKNIFE, confidence)

    return Drops(
        by_condition=[difference(whole[:, place], without[:, place]) for place in range(len(before))],
        mean=difference(whole.mean(axis=1), without.mean(axis=1)),
    )


def units_of(speaker: Codes) -> Codes:
    """The speakers' codes; a clip without one has a code of its own, so that the same clips make the same units."""
    lone = speaker < 0
    found = np.where(lone, 0, speaker)
    found[lone] = (speaker.max() if len(speaker) else 0) + 1 + np.arange(int(lone.sum()))
    return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Changes:
    """A recogniser's change of UAR under a condition."""

    clusters: PairedClusters
    whole: float
    without: NDArray[np.float64]


def _changes(pairs: Pairs) -> _Changes:
    clusters = paired_clusters(pairs)
    whole = float(clusters.differences(clusters.total)[_UAR])
    without = clusters.differences(clusters.total[:, :, None] - clusters.counts)[_UAR]
    # A figure that the deletion of a unit leaves undefined takes its whole value for that unit.
    return _Changes(clusters=clusters, whole=whole, without=np.where(np.isnan(without), whole, without))
