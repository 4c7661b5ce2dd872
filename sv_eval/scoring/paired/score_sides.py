"""Two runs' scores and confidence for the same clips, and how much figures of them changed.

Standard errors are a jackknife's that leaves out one speaker's clips on both sides at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sv_eval.record_file.score_table import ScoreTable
from sv_eval.record_file.table import RecordTable
from sv_eval.record_file.texts import places_in
from sv_eval.report.reasons import Why
from sv_eval.scoring.calibration.bins import FEWEST, binned, units_of
from sv_eval.scoring.calibration.errors import FLOOR, ece_debiased
from sv_eval.scoring.calibration.judging import JudgedScores, judged_of, without_each
from sv_eval.scoring.clusters import effective_number, in_scope
from sv_eval.scoring.operating import Ranking
from sv_eval.scoring.paired.differences import JACKKNIFE, Difference, difference_with, no_difference
from sv_eval.scoring.selective import aurc
from sv_eval.scoring.unit_bounds import grouped

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]

STEPS = 62**3 - 1
"""A baseline file keeps scores in steps of 1 / 238,327; what is held against one is rounded to them as well."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoreSides:
    """Scores of the clips that both runs have some of."""

    before: JudgedScores
    """The first run's."""
    after: JudgedScores
    """The second one's: the same clips, in the same order."""
    confidence: float = 0.95
    """Of bounds."""
    stepped: bool = False
    """Whether the scores are rounded to a baseline file's steps."""

    @property
    def changed(self) -> bool:
        """Whether any score is another one."""
        return bool((self.before.values != self.after.values).any())

    def log_loss(self) -> Difference:
        """Of minus the logarithm of the reference's probability."""
        return self._mean(lambda found: -np.log(np.maximum(_given(found), FLOOR)), span=-math.log(FLOOR))

    def brier(self) -> Difference:
        """Of the mean sum of squares."""
        return self._mean(lambda found: (found.values**2).sum(axis=1) - 2 * _given(found) + 1, span=2.0)

    def average_precision(self, label: str) -> Difference:
        """Of the area beneath precision by recall of a class."""
        place = self.before.labels.index(label)
        unit = grouped(self.before.unit)
        rankings = [
            Ranking.of(found.values[:, place], found.reference == place, unit)
            for found in (self.before, self.after)
        ]
        units = range(int(unit.max()) + 1)
        was, now = (one.areas()[0] for one in rankings)
        without = [np.array([one.areas(left)[0] for left in units]) for one in rankings]
        return _difference(was, now, without[0], without[1], unit, self.confidence)

    def precision(self, label: str, threshold: float) -> Difference:
        """Of the share of right ones among clips whose score of a class is the threshold and more."""
        place, unit = self.before.labels.index(label), self.before.unit
        at = float(in_steps(np.array(threshold))) if self.stepped else threshold
        shares = []
        for found in (self.before, self.after):
            alarm = found.values[:, place] >= at
            n = np.bincount(unit, alarm)
            right = np.bincount(unit, alarm & (found.reference == place))
            left = n.sum() - n
            each = np.where(left > 0, (right.sum() - right) / np.where(left > 0, left, 1.0), np.nan)
            shares.append((float(right.sum() / n.sum()) if n.sum() else math.nan, each))
        return _difference(shares[0][0], shares[1][0], shares[0][1], shares[1][1], unit, self.confidence)

    def _mean(self, of_clip: Callable[[JudgedScores], Floats], *, span: float) -> Difference:
        unit = self.before.unit
        sizes = np.bincount(unit).astype(np.float64)
        left = len(unit) - sizes
        parts = []
        for found in (self.before, self.after):
            values = of_clip(found)
            sums = np.bincount(unit, values)
            parts.append((float(values.mean()), (sums.sum() - sums) / np.where(left > 0, left, 1.0)))
        return _difference(parts[0][0], parts[1][0], parts[0][1], parts[1][1], unit, self.confidence, span)


def score_sides_of(
    before: tuple[RecordTable, ScoreTable | None],
    after: tuple[RecordTable, ScoreTable | None],
    labels: tuple[str, ...],
    confidence: float = 0.95,
) -> ScoreSides | None:
    """The scores of two runs over the same classes; None where a side has too few, or both too few of the same."""
    found = [judged_of(table, labels, in_scope(table, labels), scores) for table, scores in (before, after)]
    one, other = found
    if one is None or other is None:
        return None
    theirs = places_in(other.clip_ids, one.clip_ids)
    mine = np.flatnonzero(theirs >= 0)
    if len(mine) < FEWEST:
        return None
    theirs = theirs[mine]
    left = one.at(mine)
    right = other.at(theirs, unit=left.unit)
    was, now, stepped = _alike(left.values, right.values)
    return ScoreSides(
        before=replace(left, values=was), after=replace(right, values=now), confidence=confidence, stepped=stepped
    )


def in_steps(values: Floats) -> Floats:
    """Scores as a baseline file keeps them."""
    return np.asarray(np.rint(values * STEPS) / STEPS, dtype=np.float64)


def _alike(before: Floats, after: Floats) -> tuple[Floats, Floats, bool]:
    """Both rounded where one of them is, and whether they are."""
    rounded = in_steps(before), in_steps(after)
    if np.array_equal(rounded[0], before) or np.array_equal(rounded[1], after):
        return *rounded, True
    return before, after, False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConfidenceSides:
    """Confidence of the clips that both runs answer with a class."""

    before: Floats
    """The first run's."""
    after: Floats
    """The second one's."""
    right_before: Mask
    """Whether the first run is right."""
    right_after: Mask
    """Whether the second one is."""
    unit: Codes
    """Whose each clip is, numbered from 0."""
    confidence: float = 0.95
    """Of bounds."""

    @property
    def changed(self) -> bool:
        """Whether any confidence, or any answer's being right, is another one."""
        return bool(((self.before != self.after) | (self.right_before != self.right_after)).any())

    def ece(self) -> Difference:
        """Of the debiased calibration error."""
        found = [
            without_each(binned(probability, right, self.unit), ece_debiased) for probability, right in self._each()
        ]
        return _difference(found[0][0], found[1][0], found[0][1], found[1][1], self.unit, self.confidence)

    def aurc(self) -> Difference:
        """Of the area beneath risk by coverage."""
        group = grouped(self.unit)
        parts = [group != one for one in range(int(group.max()) + 1)]
        values, without = [], []
        for probability, right in self._each():
            values.append(aurc(probability, ~right))
            # Without a speaker who alone said everything there is no area, and are no bounds that would need it.
            left = [aurc(probability[there], ~right[there]) if there.any() else 0.0 for there in parts]
            without.append(np.array(left))
        return _difference(values[0], values[1], without[0], without[1], group, self.confidence)

    def _each(self) -> Iterator[tuple[Floats, Mask]]:
        yield self.before, self.right_before
        yield self.after, self.right_after


def confidence_sides_of(
    before: RecordTable, after: RecordTable, labels: tuple[str, ...], confidence: float = 0.95
) -> ConfidenceSides | None:
    """The confidence of two runs' answers to scored clips; None where too few of the same have one on both
    sides."""
    theirs = places_in(after.clip_ids, before.clip_ids)
    if not len(after):
        return None
    there = (theirs >= 0) & _confident(before, labels) & _confident(after, labels)[theirs]
    if int(there.sum()) < FEWEST:
        return None
    mine, theirs = np.flatnonzero(there), theirs[there]
    was, now, _ = _alike(before.confidence[mine], after.confidence[theirs])
    return ConfidenceSides(
        before=was,
        after=now,
        right_before=before.predicted[mine] == before.reference[mine],
        right_after=after.predicted[theirs] == after.reference[theirs],
        unit=units_of(before.speaker[mine]),
        confidence=confidence,
    )


def _confident(table: RecordTable, labels: tuple[str, ...]) -> Mask:
    found = in_scope(table, labels) & (table.predicted < table.class_codes.answered)
    return np.asarray(found & np.isfinite(table.confidence), dtype=np.bool_)


def _given(found: JudgedScores) -> Floats:
    return np.asarray(found.values[np.arange(len(found.values)), found.reference], dtype=np.float64)


def _difference(
    was: float, now: float, before: Floats, after: Floats, unit: Codes, confidence: float, span: float = 1.0
) -> Difference:
    if math.isnan(was) or math.isnan(now):
        return no_difference(Why.of("not_in_both"))
    sizes = np.bincount(unit).astype(np.float64)
    n = len(sizes)
    without = after - before
    # Without a speaker who alone has what the figure is of, nothing changed.
    without = np.where(np.isfinite(without), without, now - was)
    error = math.sqrt((n - 1) / n * float(((without - without.mean()) ** 2).sum())) if n > 1 else 0.0
    worth = float(effective_number(sizes[None, :], np.ones(n, dtype=np.int64))[0])
    return difference_with(was, now, error, n, worth, JACKKNIFE, confidence, span=span)
