"""The runs of a sweep over conditions, as its robustness report takes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sv_eval.errors import RunIncomplete
from sv_eval.report.sweep import MissingSetting
from sv_eval.studies.robustness.heard import CLEAN, Atlas, HeardRun
from sv_eval.studies.sweep.plan import Setting
from sv_eval.studies.sweep.runs import SweptRun, read_runs

_CONDITION = "condition"


def is_of_condition(key: str) -> bool:
    """Whether a swept key chooses the condition, or a setting of it."""
    return key.lstrip("+") == _CONDITION or key.lstrip("+").startswith(f"{_CONDITION}.")


def read_conditions(directory: Path, settings: Sequence[Setting]) -> tuple[Atlas, list[MissingSetting]]:
    """The runs that have a result, and why there are no others.

    Raises RunIncomplete when the setting that all are compared with has none, or no other has one.
    """
    runs, missing = read_runs(directory, settings)
    clean = [run for run in runs if run.setting.default]
    heard = [run for run in runs if not run.setting.default]
    if not clean or not heard:
        why = next(iter(missing.values()), "no condition but that of the clean run")
        raise RunIncomplete(f"there is nothing to compare: {why}")
    told = [
        MissingSetting(number=one.number, name=_name(one), reason=missing[one.number])
        for one in settings
        if one.number in missing
    ]
    return Atlas(source=str(directory), clean=_heard(clean[0]), heard=[_heard(run) for run in heard]), told


def _heard(run: SweptRun) -> HeardRun:
    return HeardRun(name=_name(run.setting), directory=run.setting.directory, run=run.run)


def _name(setting: Setting) -> str:
    """The condition's name; where settings of one are swept, those, and `none` for the sound as it is."""
    if list(setting.values) == [_CONDITION]:
        return str(setting.values[_CONDITION])
    return CLEAN if setting.default and all(value is None for value in setting.values.values()) else setting.name
