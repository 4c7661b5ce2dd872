"""The runs of a sweep over conditions, and those of a baseline, read back from their directories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.errors import RunDirectoryError
from sv_eval.finished.reading import FinishedRun, read_run
from sv_eval.report.codec import from_json
from sv_eval.report.report import Report
from sv_eval.report.robustness import RobustnessFile
from sv_eval.report.run_directory import read_json
from sv_eval.scoring.paired.pairs import Pairs, pairs_of

RESULT = "robustness.json"
CLEAN = "none"
"""What `condition=` calls the sound as it is."""
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeardRun:
    """A run under a condition."""

    name: str
    """What `condition=` calls it."""
    directory: str
    """Its run directory, relative to the sweep's."""
    run: FinishedRun
    """What was measured."""

    @property
    def condition(self) -> Mapping[str, Any]:
        """The condition's settings; empty for the sound as it is."""
        found = self.run.environment.settings.get("condition")
        return found if isinstance(found, Mapping) else {}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Atlas:
    """A clean run, and runs under conditions over the same clips."""

    source: str
    """Where it lies."""
    clean: HeardRun
    """The sound as it is."""
    heard: Sequence[HeardRun]
    """The conditions."""

    def pairs(self, one: HeardRun, scored_as: Report | None = None) -> Pairs:
        """The clips that the clean run answered, and what either said; this one's failures are wrong answers.

        scored_as: whose classes and unknown policy count; the clean run's without it.
        """
        report = self.clean.run.report if scored_as is None else scored_as
        before, after = self.clean.run.answers, one.run.answers
        return pairs_of(before, after, report.labels, report.policy, against_after=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A baseline of which errors alone are known."""

    source: str
    """The file."""
    clean: float
    """Percent of wrong answers to the sound as it is."""
    errors: Mapping[str, float]
    """The same by condition."""


def read_baseline(place: str) -> Atlas | Published:
    """What corruption errors are relative to. Raises RunDirectoryError, which names the place.

    place: the directory of a sweep over conditions, its robustness.json, or a JSON file of errors in percent as
    RobuSER's: `{"clean": 21.6, CORRUPTION: {LEVEL: 23.9, ...}, ...}`, whose levels are called as conditions are.
    """
    path = Path(place).expanduser()
    if path.is_dir():
        return read_atlas(path)
    data = read_json(path)
    if "clean" in data and "conditions" not in data:
        return _published(path, data)
    found = from_json(RobustnessFile, data, str(path))
    if (path.parent / found.clean.directory).is_dir():
        return read_atlas(path.parent)
    if found.clean.accuracy.value is None:
        raise RunDirectoryError(f"{path}: its clean run has no accuracy, so errors can't be relative to it")
    errors = {one.name: one.error for one in found.conditions if one.error is not None}
    return Published(source=str(path), clean=100 * (1 - found.clean.accuracy.value), errors=errors)


def read_atlas(directory: Path) -> Atlas:
    """The runs that a sweep over conditions left; raises RunDirectoryError when there are none."""
    if not (directory / RESULT).is_file():
        raise RunDirectoryError(
            f"{directory}: no {RESULT}; give the directory of a finished sweep over conditions (-m sweep=atlas)"
        )
    found = from_json(RobustnessFile, read_json(directory / RESULT), str(directory / RESULT))
    places = [(found.clean.name, found.clean.directory)]
    places += [(one.name, one.directory) for one in found.conditions]
    clean, *heard = [HeardRun(name=name, directory=at, run=read_run(directory / at)) for name, at in places]
    return Atlas(source=str(directory), clean=clean, heard=heard)


def _published(path: Path, data: Mapping[str, Any]) -> Published:
    errors: dict[str, float] = {}
    for key, value in data.items():
        if key != "clean":
            levels = value if isinstance(value, Mapping) else {key: value}
            errors |= {str(name): _percent(path, str(name), each) for name, each in levels.items()}
    return Published(source=str(path), clean=_percent(path, "clean", data["clean"]), errors=errors)


def _percent(path: Path, name: str, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 100:
        raise RunDirectoryError(f"{path}: {name}: {value!r} is no error in percent, 0 to 100")
    return float(value)
