"""A calibration file: what makes a model's scores probabilities, and what it was found on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from msgspec import UNSET, UnsetType

from sv_eval.errors import ConfigError, RunDirectoryError
from sv_eval.report.calibration import ReliabilityBin
from sv_eval.report.codec import from_json
from sv_eval.report.interval import Interval, Rounded
from sv_eval.report.run_directory import read_json
from sv_eval.report.scored_under import ScoreSteps

SCHEMA_VERSION = 1
KIND = "sv_eval calibration"

Method = Literal["none", "temperature", "vector", "venn_abers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedModel:
    """Whose scores they are; other models are refused."""

    backend: str
    """The backend's name."""
    model: str
    """The model's name."""
    model_hash: str | None
    """Over its weights; null where the backend does not tell."""
    precision: str | None
    """Of its weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedOn:
    """The clips that it was fitted on; what shares speakers or clips with them is not judged by it."""

    dataset: str
    """The corpus's name."""
    corpus: str | None
    """Which corpus that is, whatever name it was given; null where nobody can tell."""
    dataset_hash: str
    """Over all clips of the run."""
    split: str
    """The split."""
    records_hash: str
    """Over the run's records."""
    n_clips: int
    """Scored clips with scores."""
    speakers: tuple[str, ...]
    """Their speakers."""
    clips: tuple[str, ...]
    """Their ids, each as the first 12 hex digits of its SHA-256, ascending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """Figures of scores over all clips, each clip's from a fit on other speakers."""

    log_loss: Interval
    """Of the reference."""
    brier: Interval
    """Summed over all names."""
    ece_classwise: Interval
    """The mean of the emotions' calibration errors."""
    ece_confidence: Interval
    """Of the confidence of answers."""
    gap_confidence: Interval
    """Mean confidence less the share of right answers."""
    reliability: tuple[ReliabilityBin, ...]
    """The reliability diagram of confidence; empty for too few answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationFile(Rounded):
    """What the file holds. A name's new score is `exp(weight ln(score) + bias)`, scaled so that all add up to 1; of
    `venn_abers` it is `high / (1 - low + high)` by the steps, scaled likewise."""

    schema_version: int = SCHEMA_VERSION
    """Raised when a reader of this file would have to change."""
    kind: str = KIND
    """What the file is."""
    method: Method
    """`temperature`: one weight for all; `vector`: a weight and a bias for every emotion; `venn_abers`: steps for
    every
    emotion; `none`: nothing helps."""
    weights: Mapping[str, float]
    """By name that has a score."""
    biases: Mapping[str, float]
    """By the same names."""
    temperature: float
    """1 / weight of temperature scaling: above 1 scores were too sure."""
    steps: Mapping[str, ScoreSteps] | UnsetType = UNSET
    """By name that clips were of; set for `venn_abers` alone."""
    labels: tuple[str, ...]
    """The emotions that it was fitted to."""
    model: CalibratedModel
    """Whose scores they are."""
    fitted_on: FittedOn
    """Which clips."""
    folds: int
    """In how many parts speakers were held out."""
    held_out: Mapping[str, HeldOut]
    """By method, `none` for scores as they came."""


def read_calibration(path: Path) -> CalibrationFile:
    """The file; raises ConfigError for what is none, or of a later version."""
    try:
        return calibration_from(read_json(path), str(path))
    except RunDirectoryError as error:
        raise ConfigError(str(error)) from error


def calibration_from(data: Mapping[str, Any], path: str = "scoring.calibration") -> CalibrationFile:
    """The same of what such a file holds; `path` begins errors."""
    try:
        if data.get("kind") != KIND:
            raise ConfigError(f"{path}: it is no calibration file; sv-eval calibrate RUN --out FILE writes one")
        if data.get("schema_version") != SCHEMA_VERSION:
            raise ConfigError(
                f"{path}: schema_version {data.get('schema_version')}, and this version reads {SCHEMA_VERSION}; "
                "update sv-eval, or fit it anew"
            )
        found = from_json(CalibrationFile, data, path)
    except RunDirectoryError as error:
        raise ConfigError(str(error)) from error
    if {*found.weights} != {*found.biases} or not found.weights:
        raise ConfigError(f"{path}: weights and biases are not of the same names; fit it anew")
    if (found.method == "venn_abers") != bool(found.steps) or not {*(found.steps or ())} <= {*found.weights}:
        raise ConfigError(f"{path}: its steps are not of its method and names; fit it anew")
    return found
