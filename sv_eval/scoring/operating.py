"""What thresholds on an emotion's score give: alarms, right ones among them, what is missed, and what that
costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from sv_eval.records import Streamed
from sv_eval.report.interval import DIGITS, Interval
from sv_eval.report.operating import (
    CurvePoint,
    EmotionPoints,
    Operating,
    OperatingPoint,
    Percentiles,
    PromisedThreshold,
)
from sv_eval.scoring.alarm_costs import cheapest_of
from sv_eval.scoring.calibration.bins import Codes, Floats
from sv_eval.scoring.calibration.folds import folds_of
from sv_eval.scoring.calibration.judging import JudgedScores
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.promising import SURE, promised_threshold, rare_threshold
from sv_eval.scoring.shares import share_by_unit
from sv_eval.scoring.unit_bounds import grouped, jackknife_interval

Mask = NDArray[np.bool_]
Rule = Callable[[Mask], float | None]
"""A threshold from the clips of a mask; None where none can be promised."""

GRID = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Thresholds that are shown."""
_CURVE = 25
"""Points of a curve."""


def operating_of(
    found: JudgedScores | None, config: ScoringConfig, streamed: Mapping[str, Streamed] | None = None
) -> Operating | None:
    """The thresholds of each scored class; None without scores.

    streamed: how clips went that came as streams, their steps' scores by class and calibrated as those of `found`.
    """
    if found is None:
        return None
    parts = folds_of(found.unit)
    per_emotion = {}
    for place, label in enumerate(found.labels):
        was = found.reference == place
        if was.any() and not was.all():
            per_emotion[label] = _of_emotion(found, place, was, parts, config, streamed or {})
    costs = config.costs
    return Operating(
        n=len(found.clip_ids),
        precision=config.precision,
        false_alarms_per_hour=UNSET if config.false_alarms_per_hour is None else config.false_alarms_per_hour,
        costs=UNSET if costs is None else {"miss": costs.miss, "false_alarm": costs.false_alarm},
        sure=SURE,
        per_emotion=per_emotion,
    )


def _of_emotion(
    found: JudgedScores,
    place: int,
    was: Mask,
    parts: Codes,
    config: ScoringConfig,
    streamed: Mapping[str, Streamed],
) -> EmotionPoints:
    # Sorted once: what is looked for below sorts by score again and again, which of sorted ones takes no time.
    order = np.argsort(-found.values[:, place], kind="stable")
    scores, unit, parts, was, level = (
        found.values[order, place],
        found.unit[order],
        parts[order],
        was[order],
        config.confidence,
    )
    said, audio_s, hours = found.answer[order] == place, found.audio_s[order], float(found.audio_s.sum()) / 3600
    precision_area, roc_area = areas(scores, was, grouped(unit), level)

    def point(threshold: float) -> OperatingPoint:
        return point_of(found, place, threshold, level, streamed)

    def promised(rule: Rule, refuted: Callable[[Mask], bool]) -> PromisedThreshold:
        return _promised(was, scores, unit, parts, rule, refuted, point, level, hours)

    wanted: PromisedThreshold | UnsetType = UNSET
    rare: PromisedThreshold | UnsetType = UNSET
    if (precision := config.precision) is not None:
        wanted = promised(
            lambda there: promised_threshold(scores[there], was[there], said[there], unit[there], precision),
            lambda alarm: (share_by_unit(was[alarm], unit[alarm], level).high or 1.0) < precision,
        )
    if (per_hour := config.false_alarms_per_hour) is not None and math.isfinite(hours) and hours > 0:
        rare = promised(
            lambda there: rare_threshold(
                scores[there], was[there], said[there], unit[there], per_hour,
                float(audio_s[there].sum()) / 3600,
            ),
            lambda alarm: (share_by_unit(alarm & ~was, unit, level).low or 0.0) * len(was) / hours > per_hour,
        )  # fmt: skip
    return EmotionPoints(
        support=int(was.sum()),
        average_precision=precision_area,
        roc_auc=roc_area,
        points=tuple(point(one) for one in GRID if (scores >= one).any()),
        curve=curve_of(scores, was, unit, level),
        wanted=wanted,
        rare=rare,
        cheapest=UNSET if config.costs is None else cheapest_of(scores, was, unit, parts, config.costs, level),
    )


def point_of(
    found: JudgedScores,
    place: int,
    threshold: float,
    confidence: float,
    streamed: Mapping[str, Streamed] | None = None,
) -> OperatingPoint:
    """What a threshold on the score of the class at `place` gives."""
    was, alarm = found.reference == place, found.values[:, place].round(DIGITS) >= round(threshold, DIGITS)
    hours = float(found.audio_s.sum()) / 3600
    return OperatingPoint(
        threshold=threshold,
        precision=share_by_unit(was[alarm], found.unit[alarm], confidence),
        recall=share_by_unit(alarm[was], found.unit[was], confidence),
        false_alarm_rate=share_by_unit(alarm[~was], found.unit[~was], confidence),
        false_alarms_per_hour=_per_hour(alarm & ~was, hours),
        alarms_per_hour=_per_hour(alarm, hours),
        delay_s=_delays(found, place, threshold, streamed) if streamed else UNSET,
    )


def _per_hour(alarm: Mask, hours: float) -> float | None:
    return int(alarm.sum()) / hours if math.isfinite(hours) and hours > 0 else None


def _delays(
    found: JudgedScores, place: int, threshold: float, streamed: Mapping[str, Streamed]
) -> Percentiles | UnsetType:
    """From the beginning of a stream to its first alarm, of clips of the emotion that have one on their way."""
    label, delays = found.labels[place], []
    for row in np.flatnonzero(found.reference == place).tolist():
        steps = streamed[found.clip_ids[row]].steps if found.clip_ids[row] in streamed else ()
        first = next((one.emitted_s for one in steps if (one.scores or {}).get(label, -1.0) >= threshold), None)
        if first is not None:
            delays.append(first)
    if not delays:
        return UNSET
    p50, p90 = np.percentile(delays, [50, 90], method="inverted_cdf").tolist()
    return Percentiles(n=len(delays), p50=p50, p90=p90)


def _promised(
    was: Mask,
    scores: Floats,
    unit: Codes,
    parts: Codes,
    rule: Rule,
    refuted: Callable[[Mask], bool],
    point: Callable[[float], OperatingPoint],
    confidence: float,
    hours: float,
) -> PromisedThreshold:
    """What a rule promises on all clips, and by those of the other parts on each part's."""
    threshold = rule(np.ones(len(scores), dtype=np.bool_))
    alarm, without = np.zeros(len(scores), dtype=np.bool_), 0
    for part in range(int(parts.max()) + 1):
        there = parts == part
        of_others = rule(~there)
        without += of_others is None
        alarm[there] = scores[there] >= (math.inf if of_others is None else of_others)
    if refuted(alarm):
        # What speakers held out refute is not promised, whatever the whole looks like.
        threshold = None
    return PromisedThreshold(
        threshold=threshold,
        point=UNSET if threshold is None else point(threshold),
        parts=int(parts.max()) + 1,
        parts_without=without,
        held_out=share_by_unit(was[alarm], unit[alarm], confidence),
        held_out_recall=share_by_unit(alarm[was], unit[was], confidence),
        held_out_false_per_hour=_per_hour(alarm & ~was, hours),
    )


def curve_of(scores: Floats, was: Mask, unit: Codes, confidence: float) -> tuple[CurvePoint, ...]:
    """Precision, recall and false alarms at thresholds from strict to loose, where scores are."""
    ordered = np.unique(scores)
    if len(ordered) > _CURVE:
        # As many found clips from each to the next, so that the strict end is as fine as the loose one.
        found = np.sort(scores[was])[::-1]
        ordered = np.unique(found[np.unique(np.linspace(0, len(found) - 1, _CURVE).round().astype(np.int64))])
    thresholds = ordered[::-1]
    place = len(thresholds) - np.searchsorted(ordered, scores, side="right")
    units, bins = int(unit.max()) + 1, len(thresholds) + 1
    cell = unit * bins + place

    def counted(which: Mask) -> Floats:
        """How many clips of each unit reach each threshold; shape [units, thresholds]."""
        sums = np.bincount(cell[which], minlength=units * bins).reshape(units, bins)
        return np.cumsum(sums, axis=1)[:, :-1].astype(np.float64)

    hits, false = counted(was), counted(~was)
    own, other = (np.bincount(unit[which], minlength=units).astype(np.float64)[:, None] for which in (was, ~was))
    shares = [
        _bounded(n, of, confidence)
        for n, of in (
            (hits, hits + false),
            (hits, np.repeat(own, bins - 1, 1)),
            (false, np.repeat(other, bins - 1, 1)),
        )
    ]
    return tuple(
        CurvePoint(threshold=float(threshold), precision=one, recall=two, false_alarm_rate=three)
        for threshold, one, two, three in zip(thresholds.tolist(), *shares, strict=True)
    )


def _bounded(n: Floats, of: Floats, confidence: float) -> list[tuple[float, float, float]]:
    """Shares with bounds over as many clips as they are worth; shapes [units, thresholds].

    The inflation is that of `dependence_of`: of units with clips, `sum (n_u - share of_u)^2 / (of share (1 -
    share))` by `G / (G - 1)`.
    """
    from scipy.special import betaincinv

    whole, total = of.sum(axis=0), n.sum(axis=0)
    share = total / np.maximum(whole, 1.0)
    units = (of > 0).sum(axis=0)
    variance = whole * share * (1 - share)
    spread = ((n - share * of) ** 2).sum(axis=0) * units / np.maximum(units - 1, 1)
    inflation = np.where(
        (variance > 0) & (units > 1), np.maximum(spread / np.where(variance > 0, variance, 1), 1), 1
    )
    k, worth, tail = total / inflation, whole / inflation, (1 - confidence) / 2
    with np.errstate(invalid="ignore"):
        low = np.where(k > 0, betaincinv(np.maximum(k, 1e-9), worth - k + 1, tail), 0.0)
        high = np.where(k < worth, betaincinv(k + 1, np.maximum(worth - k, 1e-9), 1 - tail), 1.0)
    rounded = (np.round(each, DIGITS).tolist() for each in (low, share, high))
    return list(zip(*rounded, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranking:
    """Clips by score, descending: sorted once, whatever is left out of them afterwards."""

    hits: Floats
    """How many clips of the emotion have each distinct score."""
    sizes: Floats
    """How many clips have it."""
    was: Floats
    """1 for a clip of the emotion, 0 for another; unit by unit."""
    rank: Codes
    """Which of the distinct scores each clip has, in the same order."""
    ends: Codes
    """Where each unit ends."""

    @classmethod
    def of(cls, scores: Floats, was: Mask, unit: Codes) -> Self:
        """The clips in order."""
        order = np.argsort(-scores, kind="stable")
        new = np.diff(scores[order], prepend=scores[order[:1]]) != 0
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.cumsum(new)
        by_unit = np.argsort(unit, kind="stable")
        hits = np.bincount(rank, was).astype(np.float64)
        sizes = np.bincount(rank).astype(np.float64)
        ends = np.cumsum(np.bincount(unit))
        return cls(
            hits=hits, sizes=sizes, was=was[by_unit].astype(np.float64), rank=rank[by_unit], ends=ends
        )  # fmt: skip

    def areas(self, without: int | None = None) -> tuple[float, float]:
        """Average precision and the area beneath the ROC, of all clips or without those of a unit.

        Average precision is `sum (R_i - R_{i-1}) P_i` over thresholds descending, as scikit-learn has it; the other
        how often a clip that was has a higher score than one that was not, ties counting half. NaN where one of the
        two is missing.
        """
        gained, sizes = self.hits, self.sizes
        if without is not None:
            left_out = slice(int(self.ends[without - 1]) if without else 0, int(self.ends[without]))
            rank, distinct = self.rank[left_out], len(gained)
            gained = gained - np.bincount(rank, self.was[left_out], minlength=distinct)
            sizes = sizes - np.bincount(rank, minlength=distinct)
        hits, sizes = np.cumsum(gained), np.cumsum(sizes)
        total, rest = float(hits[-1]), float(sizes[-1] - hits[-1])
        if not total or not rest:
            return math.nan, math.nan
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
