"""A calibration file applied to a run's scores, where it may be."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from msgspec import UnsetType

from sv_eval.backend import BackendInfo
from sv_eval.errors import ConfigError
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.score_table import ScoreTable
from sv_eval.record_file.table import RecordTable
from sv_eval.report.calibration_file import CalibratedModel
from sv_eval.report.scored_under import ScoreSteps
from sv_eval.scoring.calibration.scaling import Scaling
from sv_eval.scoring.calibration.venn_abers import VennAbers


class ScoreMap(Protocol):
    """What changes scores: a calibration file, or what a report keeps of one."""

    @property
    def weights(self) -> Mapping[str, float]:
        """By name."""

    @property
    def biases(self) -> Mapping[str, float]:
        """By name."""

    @property
    def steps(self) -> Mapping[str, ScoreSteps] | UnsetType:
        """By name."""


_DIGITS = 12


def clip_digest(clip_id: str) -> str:
    """How a calibration file keeps a clip's id."""
    return hashlib.sha256(clip_id.encode("utf-8", errors="surrogatepass")).hexdigest()[:_DIGITS]


def refuse_other_model(what: str, model: CalibratedModel, found: BackendInfo) -> None:
    """Raise ConfigError where scores of `found` are not those that the file is of; `what` begins the error."""
    same_weights = None not in (model.model_hash, found.model_hash) and model.model_hash == found.model_hash
    pairs = [
        ("model", None if same_weights else model.model, found.model),
        ("weights", model.model_hash, found.model_hash),
        ("precision", model.precision, found.precision),
    ]
    for part, expected, there in pairs:
        if expected is not None and there is not None and expected != there:
            raise ConfigError(
                f"{what}: it is of the {part} {expected}, and these answers are of {there}; "
                "make one of this model's run"
            )


def calibrated(file: ScoreMap, scores: ScoreTable) -> ScoreTable:
    """The scores as the file makes them; raises ConfigError where they are of other names."""
    if not len(scores):
        raise ConfigError("calibration: the run has no scores that it could be applied to")
    if {*scores.names} != {*file.weights}:
        raise ConfigError(
            f"calibration: it is of scores for {', '.join(file.weights)}, and this run has some for "
            f"{', '.join(scores.names)}"
        )
    values = fitted_of(file, scores.names).applied(scores.values)
    return ScoreTable(clip_ids=scores.clip_ids, names=scores.names, values=values)


def fitted_of(file: ScoreMap, names: Sequence[str]) -> Scaling | VennAbers:
    """What the file holds, for scores of these names in this order."""
    if file.steps:
        return VennAbers.of(names, file.steps)
    return Scaling(
        weights=np.array([file.weights[name] for name in names]),
        biases=np.array([file.biases[name] for name in names]),
    )


def with_confidence(records: RunRecords, scores: ScoreTable) -> RunRecords:
    """The records with the scores of their answers as confidence, where these have any; answers stay the same."""
    answers = _confident(records.answers, scores)
    requests = answers if records.requests is records.answers else _confident(records.requests, scores)
    return replace(records, answers=answers, requests=requests)


def _confident(table: RecordTable, scores: ScoreTable) -> RecordTable:
    names = table.class_codes.answers
    column = np.array([scores.names.index(name) if name in scores.names else -1 for name in names])[table.predicted]
    values = scores.of_clips(table.clip_ids)
    found = values[np.arange(len(table)), column]
    there = (column >= 0) & np.isfinite(found) & np.isfinite(table.confidence)
    return replace(table, confidence=np.where(there, found, table.confidence))
