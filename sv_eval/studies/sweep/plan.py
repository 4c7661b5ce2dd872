"""The settings of a sweep, in order, and the file that a later start must agree with."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sv_eval.config.overrides import as_word
from sv_eval.errors import RunDirectoryError
from sv_eval.report.identity import OF_BACKEND, differences, settings_hash
from sv_eval.report.run_directory import ENVIRONMENT, METRICS, read_environment, read_json, read_report, write_json
from sv_eval.scoring.config import ScoringConfig, settings_told
from sv_eval.scoring.labels.config import LabelsConfig

PLAN = "plan.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One point of the grid."""

    number: int
    """Its place in the plan, from 0; also the number of its job."""
    directory: str
    """Its run directory, relative to the sweep's."""
    values: Mapping[str, Any]
    """What is swept, to its value here."""
    overrides: tuple[str, ...]
    """The command line words that make it."""
    measured: Mapping[str, Any]
    """The part of its configuration that changes records."""
    default: bool = False
    """Whether it is the one that the others are compared with."""
    again: bool = False
    """Whether it is that one measured once more at the end, to see if the machine is as fast as it was."""

    @property
    def name(self) -> str:
        """What a report calls it."""
        return ", ".join(f"{short_name(key)}={as_word(value)}" for key, value in self.values.items())

    def to_json(self) -> dict[str, Any]:
        """Plain data, as the plan keeps it."""
        return {
            "number": self.number,
            "directory": self.directory,
            "values": dict(self.values),
            "overrides": list(self.overrides),
            "measured": dict(self.measured),
            "default": self.default,
            "again": self.again,
        }


def short_name(key: str) -> str:
    """A swept key without its group, as long as that can't be misread: `backend.chunk_size` is `chunk_size`."""
    return key.rpartition(".")[2]


def grid(choices: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """Every combination, the last key's values changing fastest.

    >>> grid({"a": ["1", "2"], "b": ["x", "y"]})[1]
    {'a': '1', 'b': 'y'}
    """
    return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]


def shuffled(settings: Sequence[Setting]) -> list[Setting]:
    """The settings in an order that their values alone decide and that is none of the grid's.

    A machine that grows slower in the course of a sweep would otherwise look like a parameter that makes it slower.
    """

    def key(setting: Setting) -> bytes:
        text = json.dumps(dict(setting.values), sort_keys=True, default=str)
        return hashlib.sha256(text.encode(errors="surrogatepass")).digest()

    return sorted(settings, key=key)


def plain_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as they stand in a file, so that both can be compared."""
    plain: dict[str, Any] = json.loads(json.dumps(settings, default=str))
    return plain


def keep_to_plan(directory: Path, settings: Sequence[Setting]) -> None:
    """Write the plan, or raise RunDirectoryError, with the differences, where the directory holds another one."""
    path = directory / PLAN
    now = {"schema_version": 1, "settings": [setting.to_json() for setting in settings]}
    if not path.is_file():
        write_json(path, now)
        return
    before = read_json(path).get("settings")
    if not isinstance(before, list) or not all(isinstance(one, dict) for one in before):
        raise RunDirectoryError(f"{path}: not this program's file; choose another hydra.sweep.dir")
    changes = _changes(before, now["settings"])
    if changes:
        told = "; ".join(changes[:5]) + (f"; and {len(changes) - 5} more" if len(changes) > 5 else "")
        raise RunDirectoryError(
            f"{directory} holds a sweep of other settings, which these can't resume: {told}. "
            "Use the old settings, or another hydra.sweep.dir"
        )


def _changes(before: Sequence[Mapping[str, Any]], now: Any) -> list[str]:
    """What is not the same in two plans; a change that every setting has is told once."""
    if len(before) != len(now):
        return [f"{len(before)} settings -> {len(now)}"]
    found: dict[str, int] = {}
    for old, new in zip(before, now, strict=True):
        for key, one, other in differences(old.get("measured"), new["measured"]):
            change = f"{key}: {one!r} -> {other!r}"
            found[change] = found.get(change, 0) + 1
    return [change if count == len(now) else f"{change} (of {count} settings)" for change, count in found.items()]


def scoring_hash(scoring: ScoringConfig, labels: LabelsConfig) -> str:
    """What metrics.json keeps of how it was scored."""
    return settings_hash(settings_told(scoring) | {"label_map": labels.hash})


def is_finished(directory: Path, setting: Setting, scored_as: str) -> bool:
    """Whether the setting's run came to its end, under these very settings, and was scored as is wanted now."""
    run = directory / setting.directory
    if not (run / ENVIRONMENT).is_file() or not (run / METRICS).is_file():
        return False
    try:
        environment, report = read_environment(run), read_report(run)
    except RunDirectoryError as error:
        raise RunDirectoryError(
            f"{run}: not this program's run; choose another hydra.sweep.dir ({error})"
        ) from error
    kept = {key: value for key, value in environment.settings.items() if key not in OF_BACKEND}
    ended = environment.sessions[-1].ended if environment.sessions else None
    same = not any(differences(kept, setting.measured))
    return same and ended == FINISHED and report.run.scoring_hash == scored_as


FINISHED = "finished"
"""How a start that came to its end is noted."""
