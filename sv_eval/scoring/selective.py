"""What is won where only confident answers count.

With answers in order of confidence and e_i of the first i wrong, risk at coverage i/n is `e_i / i`, and AURC its
mean over all i (Geifman and El-Yaniv 2017, Selective Classification for Deep Neural Networks). The best order has
all right ones first; AURC less that order's is its excess (Geifman, Uziel and El-Yaniv 2019). Of equally confident
answers each is as wrong as they are in the mean: what order they come in is chance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from sv_eval.emotions import UNKNOWN
from sv_eval.record_file.score_table import ScoreTable
from sv_eval.report.interval import Interval
from sv_eval.report.selective import Abstention, CoveragePoint, Selective
from sv_eval.scoring.calibration.bins import FEWEST, Codes, Floats, units_of
from sv_eval.scoring.scope import Scope
from sv_eval.scoring.shares import share_by_unit
from sv_eval.scoring.unit_bounds import grouped, jackknife_interval

Mask = NDArray[np.bool_]
_Figure = Callable[[Floats, int], float]
"""Of the risks of answers and how many of them are wrong."""

COVERAGES = (0.8, 0.9, 0.95)
"""Where accuracy is given."""
_CURVE = 20
_FEWEST_UNKNOWN = 10


def selective_of(scope: Scope, scores: ScoreTable | None) -> Selective | None:
    """The figures of a run; None for too few answers with a confidence."""
    answers, level = scope.answers, scope.config.confidence
    there = scope.scored & (answers.predicted < answers.class_codes.answered) & np.isfinite(answers.confidence)
    if int(there.sum()) < FEWEST:
        return None
    confidence = answers.confidence[there]
    wrong = answers.predicted[there] != answers.reference[there]
    unit = units_of(answers.speaker[there])
    n = len(wrong)
    risk = risks(confidence, wrong)
    ordered = np.sort(confidence)[::-1]

    def accuracy_at(coverage: float) -> _Figure:
        return lambda risk, _: 1 - float(risk[kept(coverage, len(risk)) - 1])

    area, excess, *accuracies = intervals_of(
        (
            lambda risk, _: float(risk.mean()),
            lambda risk, errors: float(risk.mean()) - best_aurc(len(risk), errors),
            *map(accuracy_at, COVERAGES),
        ),
        confidence, wrong, unit, level,
    )  # fmt: skip
    places = np.unique(np.linspace(1, n, min(n, _CURVE)).round().astype(np.int64))
    return Selective(
        n=n,
        aurc=area,
        excess=excess,
        curve=tuple((round(int(i) / n, 6), round(float(risk[i - 1]), 6)) for i in places.tolist()),
        at=tuple(
            CoveragePoint(coverage=coverage, threshold=float(ordered[kept(coverage, n) - 1]), accuracy=accuracy)
            for coverage, accuracy in zip(COVERAGES, accuracies, strict=True)
        ),
        unknown=_abstention(scope, scores) or UNSET,
    )


def risks(confidence: Floats, wrong: Mask) -> Floats:
    """The share of wrong ones among the i most confident, for each i.

    >>> risks(np.array([0.9, 0.5, 0.5, 0.1]), np.array([False, True, False, True])).round(3).tolist()
    [0.0, 0.25, 0.333, 0.5]
    """
    _, rank = np.unique(-confidence, return_inverse=True)
    return _risks(np.bincount(rank, wrong.astype(np.float64)), np.bincount(rank))


def _risks(errors: NDArray[Any], sizes: NDArray[Any]) -> Floats:
    """The same of how many answers have each distinct confidence, descending, and how many of them are wrong."""
    mean = errors / np.maximum(sizes, 1)
    return np.asarray(np.cumsum(np.repeat(mean, sizes)) / np.arange(1, int(sizes.sum()) + 1), dtype=np.float64)


def aurc(confidence: Floats, wrong: Mask) -> float:
    """The area beneath risk by coverage."""
    return float(risks(confidence, wrong).mean())


def best_aurc(n: int, errors: int) -> float:
    """That of the best order of n answers: those that are wrong last.

    >>> best_aurc(4, 1)
    0.0625
    """
    last = np.arange(1, errors + 1)
    return float((last / (n - errors + last)).sum()) / n


def kept(coverage: float, n: int) -> int:
    """How many of n answers that coverage keeps, 1 at least."""
    return max(1, round(coverage * n))


def intervals_of(
    figures: Sequence[_Figure], confidence: Floats, wrong: Mask, unit: Codes, level: float
) -> list[Interval]:
    """Figures of `risks` and of what is wrong, with bounds that leave out one speaker at a time."""
    group = grouped(unit)
    # Sorted once, whoever is left out.
    _, rank = np.unique(-confidence, return_inverse=True)
    errors, counts = np.bincount(rank, wrong.astype(np.float64)), np.bincount(rank)

    def found(left_out: Codes) -> list[float]:
        theirs = rank[left_out]
        false = errors - np.bincount(theirs, wrong[left_out].astype(np.float64), minlength=len(errors))
        risk = _risks(false, counts - np.bincount(theirs, minlength=len(errors)))
        return [figure(risk, int(false.sum())) for figure in figures]

    values = found(np.zeros(0, dtype=np.int64))
    sizes = np.bincount(group).astype(np.float64)
    by_group = np.split(np.argsort(group, kind="stable"), np.cumsum(sizes[:-1]).astype(np.int64))
    without = [found(one) for one in by_group] if len(by_group) > 1 else [values]
    return [
        jackknife_interval(value, np.array(each), sizes, level, least=0.0, most=1.0, on_logit=True)
        for value, each in zip(values, zip(*without, strict=True), strict=True)
    ]


def _abstention(scope: Scope, scores: ScoreTable | None) -> Abstention | None:
    """How well `unknown` picks what not to answer."""
    answers, codes = scope.answers, scope.answers.class_codes
    if scores is None or not len(scores):
        return None
    column = np.array([scores.names.index(name) if name in scores.names else -1 for name in codes.answers])
    values = scores.of_clips(answers.clip_ids)
    forced = np.maximum(answers.banned.astype(np.int64), 0)
    sure = np.where(column[forced] >= 0, values[np.arange(len(answers)), column[forced]], np.nan)
    named = answers.predicted < codes.answered
    declined = answers.predicted == codes.answer(UNKNOWN)
    there = scope.scored & (named | declined) & (answers.banned < codes.answered) & np.isfinite(sure)
    if int((there & declined).sum()) < _FEWEST_UNKNOWN or not (there & named).any():
        return None
    chosen = np.zeros(len(answers), dtype=np.bool_)
    places = np.flatnonzero(there)
    chosen[places[np.argsort(-sure[places], kind="stable")[: int((there & named).sum())]]] = True
    unit, level = answers.speaker.astype(np.int64), scope.config.confidence
    right, right_forced = answers.predicted == answers.reference, answers.banned == answers.reference
    return Abstention(
        n_unknown=int((there & declined).sum()),
        coverage=float((there & named).sum() / there.sum()),
        by_unknown=share_by_unit(right[there & named], unit[there & named], level),
        by_confidence=share_by_unit(right_forced[chosen], unit[chosen], level),
    )
