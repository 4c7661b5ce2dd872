"""A thresholds file: from which score on an emotion is answered, and which clips that was found on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import UNSET, UnsetType

from sv_eval.errors import ConfigError, RunDirectoryError
from sv_eval.report.calibration_file import CalibratedModel, CalibrationFile, FittedOn
from sv_eval.report.codec import as_json, from_json
from sv_eval.report.interval import Rounded
from sv_eval.report.run_directory import read_json

SCHEMA_VERSION = 1
KIND = "sv_eval thresholds"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdsFile(Rounded):
    """What the file holds; one of your own needs `kind`, `schema_version` and `thresholds` alone."""

    schema_version: int = SCHEMA_VERSION
    """Raised when a reader of this file would have to change."""
    kind: str = KIND
    """What the file is."""
    thresholds: Mapping[str, float]
    """By emotion: from which score on it is answered."""
    not_promised: tuple[str, ...] = ()
    """Emotions that nothing could be promised of: they are never answered."""
    precision: float | None = None
    """Which share of alarms is right at least, as was wanted; null where that was not asked for."""
    false_alarms_per_hour: float | None = None
    """How many false alarms an hour of audio has at most, likewise."""
    sure: float | None = None
    """How sure a threshold is to keep that, one-sided."""
    calibration: str | None = None
    """The digest of the calibration that scores were under; null for scores as they came."""
    model: CalibratedModel | UnsetType = UNSET
    """Whose scores they are; other models are refused."""
    chosen_on: FittedOn | UnsetType = UNSET
    """The clips that they were chosen on; what shares speakers or clips with them is not judged by them."""

    def __post_init__(self) -> None:
        Rounded.__post_init__(self)
        for label, threshold in self.thresholds.items():
            if not 0 <= threshold <= 1:
                raise ConfigError(f"the threshold of '{label}' is {threshold}; a score is from 0 to 1")
        if not self.thresholds and not self.not_promised:
            raise ConfigError('it holds no threshold; {"angry": 0.8} is one')
        if both := {*self.thresholds} & {*self.not_promised}:
            raise ConfigError(f"{', '.join(sorted(both))}: has a threshold and none")


def digest_of(calibration: CalibrationFile) -> str:
    """How a thresholds file names a calibration: of what changes scores, and of nothing else."""
    held = as_json(calibration)
    told = {name: held.get(name) for name in ("method", "weights", "biases", "steps")}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]


def read_thresholds(path: Path) -> ThresholdsFile:
    """The file; raises ConfigError for what is none, or of a later version."""
    try:
        return thresholds_from(read_json(path), str(path))
    except RunDirectoryError as error:
        raise ConfigError(str(error)) from error


def thresholds_from(data: Mapping[str, Any], path: str = "scoring.thresholds") -> ThresholdsFile:
    """The same of what such a file holds; `path` begins errors."""
    if data.get("kind") != KIND:
        raise ConfigError(f"{path}: it is no thresholds file; sv-eval score RUN scoring.precision=0.9 writes one")
    if data.get("schema_version") != SCHEMA_VERSION:
        raise ConfigError(
            f"{path}: schema_version {data.get('schema_version')}, and this version reads {SCHEMA_VERSION}; "
            "update sv-eval, or choose them anew"
        )
    try:
        return from_json(ThresholdsFile, data, path)
    except RunDirectoryError as error:
        raise ConfigError(str(error)) from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
