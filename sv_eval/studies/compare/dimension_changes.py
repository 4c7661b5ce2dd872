"""What a comparison finds of emotional dimensions: how much their concordance changed from one run to another."""

from __future__ import annotations

from collections.abc import Sequence

from sv_eval.dimensions import DIMENSIONS
from sv_eval.report.change import written
from sv_eval.report.comparison import DimensionChange
from sv_eval.scoring.dimensions.sides import Sides, ccc_difference, sides_of
from sv_eval.scoring.paired.differences import Difference
from sv_eval.scoring.paired.significance import holm
from sv_eval.studies.gate.subject import Subject

Places = tuple[int, int]


def dimension_changes(
    subjects: Sequence[Subject], pairs: Sequence[Places], confidence: float
) -> dict[Places, dict[str, DimensionChange]]:
    """By pair of runs and dimension, for the dimensions that both tell of references in one range."""
    found: dict[tuple[Places, str], tuple[Sides, Difference]] = {}
    for one, other in pairs:
        before, after = subjects[one], subjects[other]
        for name in DIMENSIONS:
            was, now = before.ranges.get(name), after.ranges.get(name)
            if was is None or now is None or was.reference != now.reference:
                continue
            sides = sides_of(before.table, after.table, name, (was, now))
            if len(sides.reference):
                found[(one, other), name] = sides, ccc_difference(sides, confidence)
    adjusted = iter(holm([each.p_value for _, each in found.values() if each.p_value is not None]))
    changes: dict[Places, dict[str, DimensionChange]] = {places: {} for places in pairs}
    for (places, name), (sides, each) in found.items():
        changes[places][name] = written(
            DimensionChange,
            each,
            p_adjusted=None if each.p_value is None else next(adjusted),
            n=len(sides.reference),
            untold=sides.untold,
        )
    return changes
