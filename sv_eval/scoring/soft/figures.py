"""Figures of answers against raters' distributions, each beside the same of people, with bounds by speaker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sv_eval.report.interval import Interval
from sv_eval.report.reasons import Why
from sv_eval.report.soft import SoftFigure
from sv_eval.scoring.soft.ceiling import Ceiling, ceiling_of
from sv_eval.scoring.soft.distances import cross_entropy, entropy, soft_f1
from sv_eval.scoring.soft.raters import Raters
from sv_eval.scoring.unit_bounds import jackknife_interval, mean_by_unit

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldAgainst:
    """Clips with votes for a scored class and an answer, a row each."""

    places: Codes
    """Where they are in the table."""
    of_set: Codes
    """Their set of ballots."""
    unit: Codes
    """Their speaker, numbered from 0."""
    said: Codes
    """The class that the answer names, by position among the labels; -1 for none of them."""
    q: Floats
    """The raters' distribution and, last, a 0: nobody voted for none of the classes."""
    p: Floats
    """The answer's scores and, last, what is on none of the classes; NaN without scores."""

    def part(self, kept: Mask) -> Self:
        """Those that are kept."""
        return type(self)(
            places=self.places[kept],
            of_set=self.of_set[kept],
            unit=np.unique(self.unit[kept], return_inverse=True)[1],
            said=self.said[kept],
            q=self.q[kept],
            p=self.p[kept],
        )


class SoftFigures:
    """Figures of clips' answers, each beside what the clips' raters reach."""

    def __init__(self, raters: Raters, labels: Sequence[str], confidence: float) -> None:
        self._labels, self._level = labels, confidence
        self._raters = raters
        self._reach: Ceiling | None = ceiling_of(raters) if raters.several.any() else None

    def logarithmic(self, clips: HeldAgainst, name: str) -> SoftFigure:
        """Cross-entropy or divergence: of answers with scores alone, since a bare answer has no logarithm."""
        values = cross_entropy(clips.q, clips.p)
        if name == "kl":
            values = values - entropy(clips.q)
        return self._mean(clips, name, values, least=0.0 if name == "cross_entropy" else -np.inf, most=np.inf)

    def distance(self, clips: HeldAgainst, name: str, formula: Callable[[Floats, Floats], Floats]) -> SoftFigure:
        """A distance from 0 to 1."""
        return self._mean(clips, name, formula(clips.q, clips.p), least=0.0, most=1.0)

    def accuracy(self, clips: HeldAgainst) -> SoftFigure:
        """The share of raters that said what the answer says; an answer that names no class has none."""
        # The last column is that of no class.
        agreed = clips.q[np.arange(len(clips.q)), clips.said]
        return self._mean(clips, "soft_accuracy", agreed, least=0.0, most=1.0)

    def macro_f1(self, clips: HeldAgainst) -> SoftFigure:
        """The mean of soft F1 over the classes that anybody named."""
        return self._f1(clips, slice(None))

    def by_class(self, clips: HeldAgainst) -> dict[str, SoftFigure]:
        """The soft F1 of each class."""
        return {label: self._f1(clips, slice(place, place + 1)) for place, label in enumerate(self._labels)}

    def _mean(self, clips: HeldAgainst, name: str, values: Floats, *, least: float, most: float) -> SoftFigure:
        if not len(values):
            return SoftFigure(of_answers=Interval(value=None, reason=Why.of("no_distribution")))
        of_answers = mean_by_unit(values, clips.unit, self._level, least=least, most=most)
        several = self._raters.several[clips.of_set]
        if self._reach is None or not several.any():
            return SoftFigure(of_answers=of_answers)
        reached = getattr(self._reach, name)[clips.of_set[several]]
        _, unit = np.unique(clips.unit[several], return_inverse=True)
        return SoftFigure(
            of_answers=of_answers, of_raters=mean_by_unit(reached, unit, self._level, least=least, most=most)
        )

    def _f1(self, clips: HeldAgainst, columns: slice) -> SoftFigure:
        if not len(clips.q):
            return SoftFigure(of_answers=Interval(value=None, reason=Why.of("no_distribution")))
        p, q = clips.p[:, :-1][:, columns], clips.q[:, :-1][:, columns]
        of_answers = self._f1_interval(np.minimum(p, q), p + q, clips.unit)
        several = self._raters.several[clips.of_set]
        if self._reach is None or not several.any():
            return SoftFigure(of_answers=of_answers)
        sets = clips.of_set[several]
        _, unit = np.unique(clips.unit[several], return_inverse=True)
        hit, whole = self._reach.hit[sets][:, columns], self._reach.whole[sets][:, columns]
        return SoftFigure(of_answers=of_answers, of_raters=self._f1_interval(hit, whole, unit))

    def _f1_interval(self, hit: Floats, whole: Floats, unit: Codes) -> Interval:
        size = int(unit.max()) + 1
        sums = [
            np.stack([np.bincount(unit, column, minlength=size) for column in part.T], axis=1)
            for part in (hit, whole)
        ]
        total = [part.sum(axis=0) for part in sums]
        value = _macro(soft_f1(*total))
        if np.isnan(value):
            return Interval(value=None, n=len(hit), reason=Why.of("no_distribution"))
        without = _macro(soft_f1(total[0] - sums[0], np.maximum(total[1] - sums[1], 0.0)))
        sizes, there = np.bincount(unit).astype(np.float64), np.isfinite(without)
        return jackknife_interval(float(value), without[there], sizes[there], self._level, least=0.0, most=1.0)


def _macro(f1: Floats) -> Floats:
    """The mean over the classes that anybody named; NaN for none. Shape [...] of [..., classes]."""
    named = np.isfinite(f1)
    n = named.sum(axis=-1)
    return np.asarray(np.where(n > 0, np.where(named, f1, 0.0).sum(axis=-1) / np.maximum(n, 1), np.nan))
