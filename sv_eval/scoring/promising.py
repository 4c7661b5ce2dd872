"""Which threshold keeps a wanted precision, or false alarms an hour, on speakers not heard yet.

A threshold that was chosen because it looked good enough keeps less than it showed. Here thresholds are tested in
an order that is fixed before any reference is looked at (fixed-sequence testing, as in Angelopoulos and others
2021, Learn then Test): from a strict one to ever looser ones, for as long as what is wanted surely holds. The last
that passed is promised. So the chance that it does not keep its promise is that of one bound.

For a precision the first one is reached by as many clips as a quarter of the answers that name the emotion,
FEWEST_ALARMS at least, and the bound is Clopper and Pearson's lower one, one-sided, of the share of right alarms.
For false alarms an hour the first is reached by a single clip, and the bound is the upper one of the share of all
clips that are false alarms, times the clips in an hour of this audio. Both are over as many independent clips as
they are worth: inflated by what clips of one speaker share, at this threshold or at the loosest that is usual,
whichever is more, and less for how unsure that inflation is itself.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sv_eval.scoring.calibration.bins import Codes, Floats
from sv_eval.scoring.dependence import Dependence, dependence_of
from sv_eval.scoring.shares import clopper_pearson

Mask = NDArray[np.bool_]

SURE = 0.95
"""How sure a promised threshold is to keep what it promises."""
FEWEST_ALARMS = 30
"""Where testing a precision begins at the latest; as many right ones are the fewest that promise 90 %."""
_STEP = 1.1
"""By how much more clips reach each next threshold that is tested."""
_LOOSEST = 3.0
"""The loosest one is reached by so many times the clips that are answered with the emotion."""


def promised_threshold(
    scores: Floats, was: Mask, said: Mask, unit: Codes, precision: float, sure: float = SURE
) -> float | None:
    """The loosest threshold that surely keeps the precision on other speakers; None where that can't be promised.

    scores: of one emotion; was: whether it was the reference; said: whether it was the answer.
    """
    answers = int(said.sum())
    first = max(FEWEST_ALARMS, answers // 4)
    if first > len(scores):
        return None
    widest = np.argsort(-scores, kind="stable")[: max(first, answers)]
    inflation = _dependence(was[widest], unit[widest]).inflation

    def kept(alarm: Mask) -> bool:
        return _bounds(was[alarm], unit[alarm], inflation, sure)[0] >= precision

    return _loosest(scores, kept, first, max(first, int(_LOOSEST * answers)))


def rare_threshold(
    scores: Floats, was: Mask, said: Mask, unit: Codes, per_hour: float, hours: float, sure: float = SURE
) -> float | None:
    """The loosest threshold with surely at most so many false alarms in an hour; `hours` is how long the clips
    are."""
    n = len(scores)
    most = max(FEWEST_ALARMS, int(_LOOSEST * int(said.sum())))
    widest = np.argsort(-scores, kind="stable")[: max(FEWEST_ALARMS, int(said.sum()))]
    usual = np.zeros(n, dtype=np.bool_)
    usual[widest] = ~was[widest]
    inflation = _dependence(usual, unit).inflation

    def kept(alarm: Mask) -> bool:
        return _bounds(alarm & ~was, unit, inflation, sure)[1] * n / hours <= per_hour

    return _loosest(scores, kept, 1, most)


def _loosest(scores: Floats, kept: Callable[[Mask], bool], first: int, last: int) -> float | None:
    order = np.argsort(-scores, kind="stable")
    chosen, size = None, float(first)
    while int(size) <= min(len(scores), last):
        threshold = float(scores[order[int(size) - 1]])
        if not kept(scores >= threshold):
            break
        chosen = threshold
        size = max(size * _STEP, size + 1)
    return chosen


def _dependence(flags: Mask, unit: Codes) -> Dependence:
    return dependence_of(flags, in_order=False, clip=unit, audio_s=None)


def _bounds(flags: Mask, unit: Codes, inflation: float, sure: float) -> tuple[float, float]:
    """One-sided bounds of the share of flagged clips, each as sure."""
    n, flagged = len(flags), int(flags.sum())
    worth = min(_dependence(flags, unit).bounding(n, 2 * sure - 1), n / max(1.0, inflation))
    return clopper_pearson(flagged / n * worth, worth, 2 * sure - 1)
