"""What thresholds on an emotion's score give, and which one keeps a wanted precision on speakers not heard yet.

A threshold that was chosen because its precision looked high enough keeps less than it showed. Here thresholds are
tested in an order that is fixed before any reference is looked at (fixed-sequence testing, as in Angelopoulos and
others 2021, Learn then Test): from a strict one, which as many clips reach as a quarter of the answers that name
the emotion, FEWEST_ALARMS at least, to ever looser ones, for as long as the lower bound of the precision is what is
wanted. The last that passed is promised. So the chance that it does not keep its promise is that of one bound.

That bound is Clopper and Pearson's, one-sided, over as many independent alarms as they are worth: inflated by what
alarms of one speaker share, at this threshold or among as many clips as there are answers that name the emotion,
whichever is more, and less for how unsure that inflation is itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from sv_eval.report.interval import Interval
from sv_eval.report.operating import EmotionPoints, Operating, OperatingPoint, PromisedThreshold
from sv_eval.scoring.calibration.bins import Codes, Floats
from sv_eval.scoring.calibration.folds import folds_of
from sv_eval.scoring.calibration.judging import JudgedScores
from sv_eval.scoring.dependence import dependence_of
from sv_eval.scoring.shares import clopper_pearson, share_by_unit
from sv_eval.scoring.unit_bounds import grouped, jackknife_interval

Mask = NDArray[np.bool_]
_Area = Callable[[Floats, Mask], float]

SURE = 0.95
"""How sure a promised threshold is to keep its precision."""
FEWEST_ALARMS = 30
"""Where testing begins at the latest; as many right ones are the fewest that promise 90 %."""
_STEP = 1.1
"""By how much more clips reach each next threshold that is tested."""
_LOOSEST = 3.0
"""The loosest one is reached by so many times the clips that are answered with the emotion."""
GRID = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Thresholds that are shown."""


def operating_of(found: JudgedScores | None, precision: float | None, confidence: float) -> Operating | None:
    """The thresholds of each scored class; None without scores."""
    if found is None:
        return None
    parts = folds_of(found.unit)
    per_emotion = {}
    for place, label in enumerate(found.labels):
        was = found.reference == place
        if was.any() and not was.all():
            per_emotion[label] = _of_emotion(found, place, was, parts, precision, confidence)
    return Operating(n=len(found.clip_ids), precision=precision, sure=SURE, per_emotion=per_emotion)


def _of_emotion(
    found: JudgedScores, place: int, was: Mask, parts: Codes, precision: float | None, confidence: float
) -> EmotionPoints:
    scores = found.values[:, place]
    group = grouped(found.unit)
    shown = [one for one in GRID if (scores >= one).any()]
    return EmotionPoints(
        support=int(was.sum()),
        average_precision=_area(average_precision, scores, was, group, confidence),
        roc_auc=_area(roc_auc, scores, was, group, confidence),
        points=tuple(_point(scores, was, found, one, confidence) for one in shown),
        wanted=UNSET if precision is None else _promised(found, place, was, parts, precision, confidence),
    )


def _point(scores: Floats, was: Mask, found: JudgedScores, threshold: float, confidence: float) -> OperatingPoint:
    alarm = scores >= threshold
    hours = float(found.audio_s.sum()) / 3600
    return OperatingPoint(
        threshold=threshold,
        precision=share_by_unit(was[alarm], found.unit[alarm], confidence),
        recall=share_by_unit(alarm[was], found.unit[was], confidence),
        false_alarm_rate=share_by_unit(alarm[~was], found.unit[~was], confidence),
        false_alarms_per_hour=int((alarm & ~was).sum()) / hours if math.isfinite(hours) and hours > 0 else None,
    )


def _promised(
    found: JudgedScores, place: int, was: Mask, parts: Codes, precision: float, confidence: float
) -> PromisedThreshold:
    scores, said, unit = found.values[:, place], found.answer == place, found.unit
    threshold = promised_threshold(scores, was, said, unit, precision)
    alarm, without = np.zeros(len(scores), dtype=np.bool_), 0
    for part in range(int(parts.max()) + 1):
        there = parts == part
        of_others = promised_threshold(scores[~there], was[~there], said[~there], unit[~there], precision)
        without += of_others is None
        alarm[there] = scores[there] >= (math.inf if of_others is None else of_others)
    held_out = share_by_unit(was[alarm], unit[alarm], confidence)
    if held_out.high is not None and held_out.high < precision:
        # What speakers held out refute is not promised, whatever the whole looks like.
        threshold = None
    return PromisedThreshold(
        threshold=threshold,
        point=UNSET if threshold is None else _point(scores, was, found, threshold, confidence),
        parts=int(parts.max()) + 1,
        parts_without=without,
        held_out=held_out,
        held_out_recall=share_by_unit(alarm[was], unit[was], confidence),
    )


def promised_threshold(
    scores: Floats, was: Mask, said: Mask, unit: Codes, precision: float, sure: float = SURE
) -> float | None:
    """The loosest threshold that surely keeps the precision on other speakers; None where that can't be promised.

    scores: of one emotion; was: whether it was the reference; said: whether it was the answer.
    """
    order = np.argsort(-scores, kind="stable")
    answers = int(said.sum())
    first = max(FEWEST_ALARMS, answers // 4)
    last = min(len(scores), max(first, int(_LOOSEST * answers)))
    if first > len(scores):
        return None
    loosest = _inflation(was[order[: max(first, answers)]], unit[order[: max(first, answers)]])
    chosen, size = None, float(first)
    while int(size) <= last:
        threshold = float(scores[order[int(size) - 1]])
        alarm = scores >= threshold
        if _lower_bound(was[alarm], unit[alarm], loosest, sure) < precision:
            break
        chosen = threshold
        size = max(size * _STEP, size + 1)
    return chosen


def _inflation(was: Mask, unit: Codes) -> float:
    return dependence_of(was, in_order=False, clip=unit, audio_s=None).inflation


def _lower_bound(was: Mask, unit: Codes, loosest: float, sure: float) -> float:
    """The one-sided lower bound of the share that was."""
    n, right = len(was), int(was.sum())
    found = dependence_of(was, in_order=False, clip=unit, audio_s=None)
    worth = min(found.bounding(n, 2 * sure - 1), n / max(1.0, loosest))
    return clopper_pearson(right / n * worth, worth, 2 * sure - 1)[0]


def average_precision(scores: Floats, was: Mask) -> float:
    """`sum (R_i - R_{i-1}) P_i` over thresholds descending, as scikit-learn has it; NaN without a clip that was."""
    hits, sizes, total = _steps(scores, was)
    if not total:
        return math.nan
    return float((np.diff(hits, prepend=0.0) / total * hits / sizes).sum())


def roc_auc(scores: Floats, was: Mask) -> float:
    """How often a clip that was has a higher score than one that was not, ties counting half."""
    hits, sizes, total = _steps(scores, was)
    rest = len(was) - total
    if not total or not rest:
        return math.nan
    recall = np.concatenate([[0.0], hits / total])
    alarms = np.concatenate([[0.0], (sizes - hits) / rest])
    return float(np.trapezoid(recall, alarms))


def _steps(scores: Floats, was: Mask) -> tuple[Floats, Floats, int]:
    """Hits and clips at each distinct score, descending, and how many there are to hit."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    hits = np.cumsum(was[order])[ends].astype(np.float64)
    return hits, ends + 1.0, int(was.sum())


def _area(area: _Area, scores: Floats, was: Mask, unit: Codes, confidence: float) -> Interval:
    value = area(scores, was)
    without = np.array([area(scores[unit != one], was[unit != one]) for one in range(int(unit.max()) + 1)])
    sizes = np.bincount(unit).astype(np.float64)
    known = np.isfinite(without)
    return jackknife_interval(value, without[known], sizes[known], confidence, least=0.0, most=1.0)
