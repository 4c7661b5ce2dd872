"""What a comparison of runs needs of a dimension: both runs' answers to the same clips, in the corpus's unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.dimensions import DIMENSIONS, Range
from sv_eval.record_file.table import RecordTable
from sv_eval.record_file.texts import places_in
from sv_eval.report.reasons import Why
from sv_eval.scoring.calibration.bins import units_of
from sv_eval.scoring.clusters import effective_number
from sv_eval.scoring.dimensions.bounds import error_about
from sv_eval.scoring.dimensions.judging import compared, in_corpus_unit
from sv_eval.scoring.dimensions.moments import Codes, Floats, Moments
from sv_eval.scoring.paired.differences import JACKKNIFE, Difference, difference_with

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges:
    """The ranges of one dimension in a run."""

    reference: Range
    """The corpus's."""
    answer: Range
    """The recogniser's."""


def ranges_of(told: Mapping[str, Range], declared: Mapping[str, Range]) -> dict[str, Ranges]:
    """Those of the dimensions that both sides declare."""
    return {
        name: Ranges(reference=declared[name], answer=told[name])
        for name in DIMENSIONS
        if name in told and name in declared
    }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sides:
    """Clips with a reference that both runs have told a dimension of."""

    reference: Floats
    """In the corpus's unit."""
    before: Floats
    """The first run's answers, likewise."""
    after: Floats
    """The second one's."""
    unit: Codes
    """Whose each clip is, numbered from 0."""
    told_before: int
    """Clips that the first run told it of."""
    untold: int
    """Those of them that the second run did not."""


def sides_of(before: RecordTable, after: RecordTable, name: str, ranges: tuple[Ranges, Ranges]) -> Sides:
    """The common clips of two runs over one corpus."""
    there_before, there_after = compared(before, name), compared(after, name)
    mine = np.flatnonzero(there_before)
    theirs = places_in(after.clip_ids, before.clip_ids)[mine]
    both = (theirs >= 0) & (there_after[theirs] if len(after) else np.zeros(len(theirs), dtype=np.bool_))
    at_before, at_after = mine[both], theirs[both]
    values = [
        in_corpus_unit(table, name, one.answer, one.reference)[places]
        if len(places)
        else np.zeros(0, dtype=np.float64)
        for table, one, places in zip((before, after), ranges, (at_before, at_after), strict=True)
    ]
    reference = before.true_dimensions[name][at_before] if len(at_before) else np.zeros(0, dtype=np.float64)
    return Sides(
        reference=reference,
        before=values[0],
        after=values[1],
        unit=units_of(before.speaker[at_before]),
        told_before=len(mine),
        untold=len(mine) - len(at_before),
    )


def ccc_difference(sides: Sides, confidence: float = 0.95) -> Difference:
    """How much the concordance changed, with a jackknife that leaves out one speaker's clips on both sides."""
    if not len(sides.reference):
        return _none(Why.of("no_pairs"))
    before = Moments.of(sides.reference, sides.before, sides.unit)
    after = Moments.of(sides.reference, sides.after, sides.unit)
    was, now = float(before.whole().ccc[0]), float(after.whole().ccc[0])
    n = len(before.n)
    worth = float(effective_number(before.n[None, :], np.ones(n, dtype=np.int64))[0])
    without = after.without_each().ccc - before.without_each().ccc
    # A speaker without whom one of them has no spread takes part as if nothing changed without it.
    error = 0.0 if n < 2 else error_about(now - was, np.where(np.isfinite(without), without, now - was))
    return difference_with(was, now, error, n, worth, JACKKNIFE, confidence, span=2.0)


def _none(reason: Why) -> Difference:
    return Difference(
        before=None, after=None, value=None, low=None, high=None, error=None, p_worse=None, p_value=None,
        n_clusters=0, method=None, reason=reason,
    )  # fmt: skip
