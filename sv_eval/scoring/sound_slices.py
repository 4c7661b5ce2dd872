"""Accuracy by slices of what the sound was.

Emotions sound different: the angry are loud, the sad are quiet. A slice is therefore held against what its own mix
of emotions would have at the run's recalls: of each clip's answer, right 1 and wrong 0, its emotion's recall is
taken off. The mean of what is left, inside less outside, is judged by Student's t with the variance of whole
speakers (Liang and Zeger 1986, Longitudinal data analysis using generalized linear models), with as many degrees of
freedom as the fewer speakers of either side are worth, less one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sv_eval.report.sound import SoundSlice, WorstSlice
from sv_eval.scoring.clusters import effective_number
from sv_eval.scoring.paired.significance import holm
from sv_eval.scoring.scope import Scope
from sv_eval.scoring.shares import share_by_speaker

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
_QUANTILES = (0.25, 0.5, 0.75)
_LEFT_OUT = ("peak_dbfs",)
"""Facts that others tell as well; each one more makes all the others harder to be sure of."""


def slices_of(scope: Scope, facts: Mapping[str, Floats]) -> dict[str, tuple[SoundSlice, ...]]:
    """The quarters of each fact's values that differ, with p-values adjusted over all of them."""
    judged = _Judged(scope)
    found = {
        name: slices
        for name, column in facts.items()
        if name not in _LEFT_OUT and len(slices := judged.slices(column)) > 1
    }
    places = [(name, place) for name, slices in found.items() for place in range(len(slices))]
    known = [(name, place) for name, place in places if found[name][place].p is not None]
    adjusted = dict(zip(known, holm([found[name][place].p or 0.0 for name, place in known]), strict=True))
    return {
        name: tuple(replace(one, p_adjusted=adjusted.get((name, place))) for place, one in enumerate(slices))
        for name, slices in found.items()
    }


def worst_of(slices: Mapping[str, tuple[SoundSlice, ...]], alpha: float) -> WorstSlice | None:
    """The slice furthest below its expectation; one that is sure comes before any that is not."""
    found = [
        WorstSlice(
            fact=name,
            place=place,
            difference=one.accuracy.value - one.expected,
            sure=one.p_adjusted is not None and one.p_adjusted < alpha,
        )
        for name, each in slices.items()
        for place, one in enumerate(each)
        if one.accuracy.value is not None and one.expected is not None and one.p is not None
    ]
    below = [one for one in found if one.difference < 0]
    return min(below, key=lambda one: (not one.sure, one.difference), default=None)


class _Judged:
    """The answers that the headline policy scores, each with what is left of it without its emotion's recall."""

    def __init__(self, scope: Scope) -> None:
        answers, policy = scope.answers, scope.config.policy
        given = answers.banned if policy == "ban" else answers.predicted
        self._answers, self._confidence = answers, scope.config.confidence
        self._scored = scope.scored & ((given < answers.class_codes.answered) | (policy != "abstain"))
        self._right = given == answers.reference
        size = len(answers.class_codes.references)
        of = np.bincount(answers.reference[self._scored], minlength=size)
        hits = np.bincount(answers.reference[self._scored & self._right], minlength=size)
        self._recall = (hits / np.maximum(of, 1))[answers.reference]
        lone = answers.speaker < 0
        self._speaker = np.where(lone, len(answers.speakers) + np.arange(len(answers)), answers.speaker)

    def slices(self, column: Floats) -> tuple[SoundSlice, ...]:
        """The slices of a fact with at least one scored clip, ascending."""
        known = self._scored & np.isfinite(column)
        if not known.any():
            return ()
        values = column[known]
        edges = [float(edge) for edge in np.unique(np.quantile(values, _QUANTILES)) if edge > values.min()]
        bounds: list[float | None] = [None, *edges, None]
        return tuple(
            self._slice(known & _between(column, low, high), known, low, high) for low, high in pairwise(bounds)
        )

    def _slice(self, inside: Mask, known: Mask, low: float | None, high: float | None) -> SoundSlice:
        return SoundSlice(
            low=low,
            high=high,
            accuracy=share_by_speaker(self._right, inside, self._answers, self._confidence),
            expected=float(self._recall[inside].mean()) if inside.any() else None,
            p=self._p(inside[known], known),
            p_adjusted=None,
        )

    def _p(self, inside: Mask, known: Mask) -> float | None:
        left = self._right[known] - self._recall[known]
        return p_of_difference(left, inside, self._speaker[known])


def _between(column: Floats, low: float | None, high: float | None) -> Mask:
    with np.errstate(invalid="ignore"):
        return (column >= (-math.inf if low is None else low)) & (column < (math.inf if high is None else high))


def p_of_difference(values: Floats, inside: Mask, cluster: NDArray[np.int64]) -> float | None:
    """The two-sided p-value of mean(inside) - mean(outside), clusters being independent; all of the shape [n].

    None where a side has fewer than two clusters, or nothing varies.

    >>> values, inside = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0]), np.arange(8) < 4
    >>> round(p_of_difference(values, inside, np.array([0, 1, 2, 3, 0, 1, 2, 3])), 4)
    1.0
    """
    from scipy.special import stdtr

    names, which = np.unique(cluster, return_inverse=True)
    sizes = [np.bincount(which[side], minlength=len(names)).astype(np.float64) for side in (inside, ~inside)]
    fewest = min(int((size > 0).sum()) for size in sizes)
    if fewest < 2:
        return None
    means = [values[side].mean() for side in (inside, ~inside)]
    pull = np.where(inside, (values - means[0]) / sizes[0].sum(), -(values - means[1]) / sizes[1].sum())
    variance = float((np.bincount(which, weights=pull) ** 2).sum()) * fewest / (fewest - 1)
    if variance <= 1e-24:
        return None
    one = np.ones(len(names), dtype=np.int64)
    freedom = max(1.0, min(float(effective_number(size, one)) for size in sizes) - 1.0)
    return float(2 * stdtr(freedom, -abs(means[0] - means[1]) / math.sqrt(variance)))
