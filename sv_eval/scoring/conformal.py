"""Sets of emotions that hold the right one as often as is wanted: conformal prediction, by emotion.

An emotion is in a clip's set where its score is not among the lowest that clips of it have: with m of n such clips
at most as low, where `(m + 1) / (n + 1)` is more than 1 less the wanted coverage (Vovk, Gammerman and Shafer 2005,
Algorithmic learning in a random world; label-conditional, as in Vovk 2012, so that rare emotions are covered as
often as others). That holds for clips like those it was found on. Clips of another speaker are not, so here the
coverage is measured on speakers who had no part in it, instead of promised.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sv_eval.report.conformal import Conformal, SetsOfEmotion
from sv_eval.report.interval import Interval
from sv_eval.scoring.calibration.bins import Codes, Floats
from sv_eval.scoring.calibration.folds import folds_of
from sv_eval.scoring.calibration.judging import JudgedScores
from sv_eval.scoring.shares import share_by_unit
from sv_eval.scoring.unit_bounds import mean_by_unit

WANTED = 0.9
"""The coverage that is wanted where none is told."""


def conformal_of(found: JudgedScores | None, confidence: float, wanted: float | None = None) -> Conformal | None:
    """Sets on speakers held out; None without scores, or with clips of fewer than two speakers."""
    wanted = WANTED if wanted is None else wanted
    if found is None or int(found.unit.max()) < 1:
        return None
    parts = folds_of(found.unit)
    labels = np.unique(found.reference)
    inside = np.zeros((len(found.unit), len(labels)), dtype=np.bool_)
    scores = found.values[:, labels]
    place = np.searchsorted(labels, found.reference)
    for part in range(int(parts.max()) + 1):
        there = parts == part
        inside[there] = scores[there] >= thresholds_for(scores[~there], place[~there], wanted)
    covered, size = inside[np.arange(len(place)), place], inside.sum(axis=1)
    whole = thresholds_for(scores, place, wanted)
    single, unit = size == 1, found.unit

    def mean_size(sizes: Codes, unit: Codes) -> Interval:
        return mean_by_unit(sizes.astype(np.float64), unit, confidence, least=0.0, most=float(len(labels)))

    def of(which: int) -> SetsOfEmotion:
        rows = place == which
        owners = np.unique(unit[rows], return_inverse=True)[1]
        return SetsOfEmotion(
            threshold=float(whole[which]),
            coverage=share_by_unit(covered[rows], owners, confidence),
            size=mean_by_unit(
                size[rows].astype(np.float64), owners, confidence, least=0.0, most=float(len(labels))
            ),
        )

    return Conformal(
        n=len(place),
        wanted=wanted,
        parts=int(parts.max()) + 1,
        coverage=share_by_unit(covered, unit, confidence),
        size=mean_size(size, unit),
        single=share_by_unit(single, unit, confidence),
        single_right=share_by_unit(covered[single], unit[single], confidence),
        empty=share_by_unit(size == 0, unit, confidence),
        per_emotion={found.labels[label]: of(which) for which, label in enumerate(labels.tolist())},
    )


def thresholds_for(scores: Floats, reference: Codes, wanted: float) -> NDArray[np.float64]:
    """From which score on each label is in a set; 0 where too few clips are of it. Shape [labels].

    scores: of clips; shape [clips, labels]. reference: the place of each clip's label.

    >>> thresholds_for(np.linspace(0, 1, 11)[:, None], np.zeros(11, dtype=np.int64), 0.75).round(3).tolist()
    [0.2]
    """
    made = np.zeros(scores.shape[1])
    for label in range(scores.shape[1]):
        own = np.sort(scores[reference == label, label])
        # Below it lie as many as may be left out; a little less, so that 0.1 * 10 is 1.
        left_out = math.floor((1 - wanted) * (len(own) + 1) + 1e-9)
        made[label] = own[left_out - 1] if left_out else 0.0
    return made
