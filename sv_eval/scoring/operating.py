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
from dataclasses import dataclass
from typing import Self

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

SURE = 0.95
"""How sure a promised threshold is to keep its precision."""
FEWEST_ALARMS = 30
"""Where testing begins at the latest; as many right ones are the fewest that promise 90 %."""
_STEP = 1.1
"""By how much more clips reach each next threshold that is tested."""
_LOOSEST = 3.0
"""The loosest one is reached by so many times the clips that are answered with the emotion."""
GRID = (0.1, 0.3, 0.5, 0.7, 0.9)
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
    precision_area, roc_area = areas(scores, was, grouped(found.unit), confidence)
    shown = [one for one in GRID if (scores >= one).any()]
    return EmotionPoints(
        support=int(was.sum()),
        average_precision=precision_area,
        roc_auc=roc_area,
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranking:
    """Clips by score, descending: sorted once, whatever is left out of them afterwards."""

    was: Floats
    """1 for a clip of the emotion, 0 for another."""
    unit: Codes
    """Whose each is."""
    ends: Codes
    """The last place of each distinct score."""

    @classmethod
    def of(cls, scores: Floats, was: Mask, unit: Codes) -> Self:
        """The clips in order."""
        order = np.argsort(-scores, kind="stable")
        ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
        return cls(was=was[order].astype(np.float64), unit=unit[order], ends=ends)

    def areas(self, without: int | None = None) -> tuple[float, float]:
        """Average precision and the area beneath the ROC, of all clips or without those of a unit.

        Average precision is `sum (R_i - R_{i-1}) P_i` over thresholds descending, as scikit-learn has it; the other
        how often a clip that was has a higher score than one that was not, ties counting half. NaN where one of the
        two is missing.
        """
        kept = np.ones(len(self.was)) if without is None else (self.unit != without).astype(np.float64)
        hits, sizes = np.cumsum(self.was * kept)[self.ends], np.cumsum(kept)[self.ends]
        total, rest = float(hits[-1]), float(sizes[-1] - hits[-1])
        if not total or not rest:
            return math.nan, math.nan
        gained = np.diff(hits, prepend=0.0)
        precision = float((gained * hits / np.maximum(sizes, 1.0)).sum()) / total
        recall = np.concatenate([[0.0], hits / total])
        return precision, float(np.trapezoid(recall, np.concatenate([[0.0], (sizes - hits) / rest])))


def areas(scores: Floats, was: Mask, unit: Codes, confidence: float) -> tuple[Interval, Interval]:
    """Average precision and the area beneath the ROC with bounds; `unit` numbers the speakers from 0."""
    ranking, sizes = Ranking.of(scores, was, unit), np.bincount(unit).astype(np.float64)
    without = np.array([ranking.areas(one) for one in range(len(sizes))])
    known = np.isfinite(without).all(axis=1)
    precision, roc = (
        jackknife_interval(value, each[known], sizes[known], confidence, least=0.0, most=1.0, on_logit=True)
        for value, each in zip(ranking.areas(), without.T, strict=True)
    )
    return precision, roc
