"""How far raters agree beyond chance: Krippendorff's alpha for names.

`1 - D_o / D_e`, observed over expected disagreement (Krippendorff 2004, Content Analysis, chapter 11). Of a clip
with m raters, each pair counts `1 / (m - 1)`; clips of one rater say nothing. A pair of votes differs or does not;
between raters who said several things, it is the chance that one of each differs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sv_eval.report.interval import Interval
from sv_eval.report.reasons import Why
from sv_eval.scoring.soft.raters import Raters
from sv_eval.scoring.unit_bounds import jackknife_interval

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def alpha(disagreement: Floats, votes: Floats) -> Floats:
    """Alpha from sums over clips: of their disagreement, and of votes by class; NaN where all votes are for one.

    >>> alpha(np.array([4.0]), np.array([[5.0, 5.0]])).round(4).tolist()
    [0.28]
    """
    n = votes.sum(axis=-1)
    expected = n**2 - (votes**2).sum(axis=-1)
    sure = expected > 1e-9
    return np.asarray(np.where(sure, 1 - (n - 1) * disagreement / np.where(sure, expected, 1.0), np.nan))


def disagreement_of(raters: Raters) -> Floats:
    """Of each set of ballots: ordered pairs of votes that differ, over the number of raters less 1."""
    pairs = raters.n**2 - (raters.votes**2).sum(axis=1)
    # A rater makes no pair with himself, however many things he said.
    own = np.bincount(raters.of_set, raters.cast * (1 - (raters.ballot**2).sum(axis=1)), minlength=len(raters.n))
    return np.asarray((pairs - own) / np.where(raters.several, raters.n - 1, 1.0), dtype=np.float64)


def alpha_of(raters: Raters, of_clip: Codes, unit: Codes, confidence: float) -> Interval:
    """Alpha over clips, with bounds that leave out one speaker at a time.

    of_clip: the set of ballots of each clip; unit: its speaker, numbered from 0.
    """
    paired = raters.several[of_clip]
    if raters.shares or not paired.any():
        return Interval(value=None, reason=Why.of("no_rater_pairs"))
    _, owner = np.unique(unit[paired], return_inverse=True)
    sets = of_clip[paired]
    size = int(owner.max()) + 1
    differ = np.bincount(owner, disagreement_of(raters)[sets], minlength=size)
    votes = np.stack([np.bincount(owner, column[sets], minlength=size) for column in raters.votes.T], axis=1)
    value = float(alpha(differ.sum(keepdims=True), votes.sum(axis=0, keepdims=True))[0])
    if np.isnan(value):
        return Interval(value=None, n=int(paired.sum()), reason=Why.of("one_class_voted"))
    without = alpha(differ.sum() - differ, votes.sum(axis=0) - votes)
    sizes = np.bincount(owner).astype(np.float64)
    there = np.isfinite(without)
    return jackknife_interval(value, without[there], sizes[there], confidence, most=1.0)
