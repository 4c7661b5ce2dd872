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

import numpy as np
from numpy.typing import NDArray

from sv_eval.scoring.calibration.bins import Codes, Floats
from sv_eval.scoring.dependence import Dependence, dependence_of
from sv_eval.scoring.nested_shares import shares_of_all, shares_of_reached

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
    tested = _tested(scores, first, max(first, int(_LOOSEST * answers)))
    chosen = None
    for some in shares_of_reached(scores, was, unit, tested, 2 * sure - 1):
        worth = np.minimum(some.worth, some.n / max(1.0, inflation))
        low = _bound(some.flagged / some.n * worth, worth, sure, upper=False)
        chosen, failed = _last_kept(some.threshold, low >= precision, chosen)
        if failed:
            break
    return chosen


def rare_threshold(
    scores: Floats, was: Mask, said: Mask, unit: Codes, per_hour: float, hours: float, sure: float = SURE
) -> float | None:
    """The loosest threshold with surely so many false alarms in an hour at most; None where none is promised.

    hours: how long all clips are.
    """
    n, answers = len(scores), int(said.sum())
    usual = np.zeros(n, dtype=np.bool_)
    widest = np.argsort(-scores, kind="stable")[: max(FEWEST_ALARMS, answers)]
    usual[widest] = ~was[widest]
    inflation = _dependence(usual, unit).inflation
    tested = _tested(scores, 1, max(FEWEST_ALARMS, int(_LOOSEST * answers)))
    chosen = None
    for some in shares_of_all(scores, ~was, unit, tested, 2 * sure - 1):
        worth = np.minimum(some.worth, n / max(1.0, inflation))
        high = _bound(some.flagged / n * worth, worth, sure, upper=True)
        chosen, failed = _last_kept(some.threshold, high * n / hours <= per_hour, chosen)
        if failed:
            break
    return chosen


def _tested(scores: Floats, first: int, last: int) -> Floats:
    """Scores that as many clips reach as are tested, each once, descending."""
    ordered, sizes, size = np.sort(scores)[::-1], [], float(first)
    while int(size) <= min(len(scores), last):
        sizes.append(int(size) - 1)
        size = max(size * _STEP, size + 1)
    return np.unique(ordered[sizes])[::-1]


def _last_kept(thresholds: Floats, kept: Mask, before: float | None) -> tuple[float | None, bool]:
    """The last threshold before the first that fails, and whether one fails."""
    failing = np.flatnonzero(~kept)
    n = int(failing[0]) if len(failing) else len(kept)
    return (float(thresholds[n - 1]) if n else before), bool(len(failing))


def _dependence(flags: Mask, unit: Codes) -> Dependence:
    return dependence_of(flags, in_order=False, clip=unit, audio_s=None)


def _bound(flagged: Floats, worth: Floats, sure: float, *, upper: bool) -> Floats:
    """Clopper and Pearson's one-sided bound."""
    from scipy.special import betaincinv

    if upper:
        found = betaincinv(flagged + 1, np.maximum(worth - flagged, 1e-9), sure)
        return np.where(flagged >= worth, 1.0, found)
    found = betaincinv(np.maximum(flagged, 1e-9), worth - flagged + 1, 1 - sure)
    return np.where(flagged <= 0, 0.0, found)
