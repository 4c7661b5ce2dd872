"""Thresholds as files: those that a run promises, and those of a file on a run's clips."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.table import RecordTable
from sv_eval.records import Streamed, StreamStep
from sv_eval.report.calibration_file import CalibratedModel, CalibrationFile, FittedOn, calibration_from
from sv_eval.report.environment import Environment
from sv_eval.report.operating import AppliedThresholds, Operating, OperatingPoint
from sv_eval.report.thresholds_file import ThresholdsFile, digest_of
from sv_eval.scoring.calibration.applying import clip_digest, fitted_of
from sv_eval.scoring.calibration.judging import JudgedScores
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.operating import point_of
from sv_eval.scoring.promising import SURE
from sv_eval.scoring.scope import Scope


def thresholds_of(
    found: Operating, environment: Environment, records: RunRecords, config: ScoringConfig
) -> ThresholdsFile:
    """What a service needs of the thresholds that are promised, and which emotions have none.

    Where a precision and a rate of false alarms are wanted, the stricter one of an emotion's thresholds keeps both.
    """
    promised: dict[str, float] = {}
    without = []
    for label, each in found.per_emotion.items():
        wanted = [one.threshold for one in (each.wanted, each.rare) if one]
        known = [one for one in wanted if one is not None]
        if wanted and len(known) == len(wanted):
            promised[label] = max(known)
        else:
            without.append(label)
    return ThresholdsFile(
        thresholds=promised,
        not_promised=tuple(without),
        precision=config.precision,
        false_alarms_per_hour=config.false_alarms_per_hour,
        sure=SURE,
        calibration=None if config.calibration is None else digest_of(calibration_from(config.calibration)),
        model=model_of(environment),
        chosen_on=chosen_on(environment, records.answers, records.hash),
    )


def model_of(environment: Environment) -> CalibratedModel:
    """Whose scores a run's are."""
    backend = environment.backend
    return CalibratedModel(
        backend=backend.name, model=backend.model, model_hash=backend.model_hash, precision=backend.precision
    )


def chosen_on(environment: Environment, answers: RecordTable, records_hash: str | None) -> FittedOn:
    """The clips of a run, as files keep them that were made of it."""
    dataset = environment.dataset
    return FittedOn(
        dataset=dataset.name,
        corpus=dataset.identity or dataset.card,
        dataset_hash=dataset.hash,
        split=dataset.split,
        records_hash=records_hash or "",
        n_clips=len(answers),
        speakers=tuple(answers.speakers),
        clips=tuple(sorted(map(clip_digest, answers.clip_ids))),
    )


def applied_of(
    judged: JudgedScores, file: ThresholdsFile, scope: Scope, changed: NDArray[np.bool_]
) -> AppliedThresholds:
    """What a file's thresholds give on a run's clips; `changed`: which answers became `unknown`."""
    level = scope.config.confidence
    points = {
        label: point_of(judged, judged.labels.index(label), threshold, level)
        for label, threshold in file.thresholds.items()
        if label in judged.labels
    }
    named = scope.scored & ((scope.answers.predicted < scope.answers.class_codes.answered) | changed)
    return AppliedThresholds(
        dataset=file.chosen_on.dataset if file.chosen_on else None,
        precision=file.precision,
        false_alarms_per_hour=file.false_alarms_per_hour,
        not_promised=file.not_promised,
        n_below=int((scope.scored & changed).sum()),
        n=int(named.sum()),
        points=points,
        broken=tuple(label for label, point in points.items() if _broken(file, point)),
    )


def _broken(file: ThresholdsFile, point: OperatingPoint) -> bool:
    """Whether the bounds of what these clips show lie beyond what is promised."""
    if file.precision is not None and point.precision.high is not None and point.precision.high < file.precision:
        return True
    per_hour, rate = point.false_alarms_per_hour, point.false_alarm_rate
    if file.false_alarms_per_hour is None or not per_hour or rate.low is None or not rate.value:
        return False
    return per_hour * rate.low / rate.value > file.false_alarms_per_hour


def steps_of(
    answers: RecordTable, file: CalibrationFile | None, class_of: Callable[[str], str]
) -> Mapping[str, Streamed]:
    """Clips that came as streams, by id: the scores of their steps calibrated and by class, as those of answers."""
    if not answers.streamed:
        return {}
    names = () if file is None else tuple(file.weights)
    fitted = None if file is None else fitted_of(file, names)

    def judged(step: StreamStep) -> StreamStep:
        scores = step.scores
        if scores is None or (fitted is not None and {*scores} != {*names}):
            return replace(step, scores=None)
        if fitted is not None:
            values = fitted.applied(np.array([[scores[name] for name in names]]))[0].tolist()
            scores = dict(zip(names, values, strict=True))
        by_class: dict[str, float] = {}
        for name, value in scores.items():
            by_class[class_of(name)] = by_class.get(class_of(name), 0.0) + value
        return replace(step, scores=by_class)

    return {
        answers.clip_ids[place]: replace(one, steps=tuple(map(judged, one.steps)))
        for place, one in answers.streamed.items()
    }
