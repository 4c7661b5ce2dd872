"""What a comparison finds of scores: how much their errors and average precision changed between two runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from sv_eval.report.change import written
from sv_eval.report.comparison import AdjustedChange, ScoreChanges
from sv_eval.scoring.paired.differences import Difference
from sv_eval.scoring.paired.score_sides import confidence_sides_of, score_sides_of
from sv_eval.scoring.paired.significance import holm
from sv_eval.studies.gate.subject import Subject

Places = tuple[int, int]
_Key = TypeVar("_Key")


def score_changes(
    subjects: Sequence[Subject], labels: tuple[str, ...], pairs: Sequence[Places], confidence: float
) -> dict[Places, ScoreChanges]:
    """By pair of runs, for those that both have scores or a confidence of 40 clips of the same.

    Errors are adjusted over pairs and errors together, average precision over the emotions of a pair.
    """
    errors: dict[tuple[Places, str], Difference] = {}
    areas: dict[Places, dict[str, Difference]] = {}
    clips: dict[Places, int] = {}
    for places in pairs:
        before, after = (subjects[place] for place in places)
        sure = confidence_sides_of(before.table, after.table, labels, confidence)
        if sure is not None:
            clips[places] = len(sure.before)
            errors |= {(places, "ece"): sure.ece(), (places, "aurc"): sure.aurc()}
        sides = score_sides_of((before.table, before.scores), (after.table, after.scores), labels, confidence)
        if sides is not None:
            clips[places] = len(sides.before.values)
            errors |= {(places, "brier"): sides.brier(), (places, "log_loss"): sides.log_loss()}
            areas[places] = {label: sides.average_precision(label) for label in labels}
    told = _adjusted({key: _of_error(found) for key, found in errors.items()})
    return {
        places: ScoreChanges(
            n=n,
            errors={name: change for (place, name), change in told.items() if place == places},
            average_precision=_adjusted(areas.get(places, {})),
        )
        for places, n in clips.items()
    }


def _of_error(found: Difference) -> Difference:
    """A rise is what is worse."""
    return found if found.p_worse is None else replace(found, p_worse=1 - found.p_worse)


def _adjusted(found: Mapping[_Key, Difference]) -> dict[_Key, AdjustedChange]:
    adjusted = iter(holm([each.p_value for each in found.values() if each.p_value is not None]))
    return {
        key: written(AdjustedChange, each, p_adjusted=None if each.p_value is None else next(adjusted))
        for key, each in found.items()
    }
