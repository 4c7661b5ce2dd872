"""A calibration file applied to a run's scores, where it may be."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from sv_eval.errors import ConfigError
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.score_table import ScoreTable
from sv_eval.record_file.table import RecordTable
from sv_eval.report.calibration_file import CalibrationFile
from sv_eval.report.environment import Environment
from sv_eval.scoring.calibration.scaling import Scaling

_FEW = 5
_DIGITS = 12


def clip_digest(clip_id: str) -> str:
    """How a calibration file keeps a clip's id."""
    return hashlib.sha256(clip_id.encode("utf-8", errors="surrogatepass")).hexdigest()[:_DIGITS]


def refuse_strangers(file: CalibrationFile, environment: Environment, answers: RecordTable) -> None:
    """Raise ConfigError where the file is of another model, or was fitted on speakers or clips of this run."""
    backend, model = environment.backend, file.model
    pairs = [("model", model.model, backend.model), ("weights", model.model_hash, backend.model_hash)]
    for what, expected, found in (*pairs, ("precision", model.precision, backend.precision)):
        if expected is not None and found is not None and expected != found:
            raise ConfigError(
                f"calibration: it was fitted to the {what} {expected}, and this run is of {found}; "
                "sv-eval calibrate fits it to this model"
            )
    fitted, dataset = file.fitted_on, environment.dataset
    corpus = dataset.identity or dataset.card
    if dataset.hash != fitted.dataset_hash and (corpus is None or corpus != fitted.corpus):
        return
    shared = sorted({*fitted.speakers} & {*answers.speakers})
    if shared:
        raise ConfigError(
            f"calibration: it was fitted on {_few(shared)}, speakers of this run, whose figures would flatter it; "
            "judge it on others (dataset.split)"
        )
    known = frozenset(fitted.clips)
    if clips := [clip_id for clip_id in answers.clip_ids if clip_digest(clip_id) in known]:
        raise ConfigError(f"calibration: it was fitted on clips of this run, {_few(clips)}; judge it on others")


def calibrated(file: CalibrationFile, scores: ScoreTable) -> ScoreTable:
    """The scores as the file makes them; raises ConfigError where they are of other names."""
    if not len(scores):
        raise ConfigError("calibration: the run has no scores that it could be applied to")
    if {*scores.names} != {*file.weights}:
        raise ConfigError(
            f"calibration: it is of scores for {', '.join(file.weights)}, and this run has some for "
            f"{', '.join(scores.names)}"
        )
    scaling = Scaling(
        weights=np.array([file.weights[name] for name in scores.names]),
        biases=np.array([file.biases[name] for name in scores.names]),
    )
    return ScoreTable(clip_ids=scores.clip_ids, names=scores.names, values=scaling.applied(scores.values))


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


def _few(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:_FEW]) + (f" and {len(listed) - _FEW} more" if len(listed) > _FEW else "")
