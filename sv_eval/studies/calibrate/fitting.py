"""A calibration file from a finished run, judged on speakers that did not fit it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from sv_eval.emotions import EMOTIONS
from sv_eval.errors import UsageError
from sv_eval.finished.reading import read_run
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.score_table import ScoreTable
from sv_eval.report.calibration_file import CalibratedModel, CalibrationFile, FittedOn, HeldOut, Method
from sv_eval.report.environment import Environment
from sv_eval.report.interval import Interval
from sv_eval.report.scored_under import ScoreSteps
from sv_eval.scoring.calibration.applying import clip_digest
from sv_eval.scoring.calibration.errors import FLOOR
from sv_eval.scoring.calibration.folds import folds_of
from sv_eval.scoring.calibration.judging import (
    JudgedScores,
    distribution_of,
    judged_scores,
    probability_figures,
)
from sv_eval.scoring.calibration.scaling import Scaling, temperature_of, vector_of
from sv_eval.scoring.calibration.venn_abers import VennAbers, available, venn_abers_of
from sv_eval.scoring.caveats import training_overlap
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.scope import scope_of
from sv_eval.scoring.unit_bounds import mean_by_unit

Floats = NDArray[np.float64]

FEWEST_SPEAKERS = 4
"""Fewer can't be held out and say anything."""
_METHODS: tuple[Method, ...] = ("none", "temperature", "vector", "venn_abers")
"""From the simplest on."""
Fitted = tuple[Scaling | VennAbers, float]


def fit(directory: Path, method: str = "auto") -> CalibrationFile:
    """The calibration of a run's scores.

    method: `temperature`, `vector`, `venn_abers`, or `auto` for the simplest that none beats surely on speakers
    held out. Raises UsageError where a run has no scores, or too few speakers to hold some out, and ConfigError
    without the package that a method needs.
    """
    run = read_run(directory)
    supported = run.environment.backend.capabilities.labels
    scope = scope_of(RunRecords.read(directory), ScoringConfig(), label_order=EMOTIONS, supported=supported)
    found = judged_scores(scope, ScoreTable.read(directory))
    if found is None:
        raise UsageError(f"{directory}: too few of its scored clips have scores of every scored emotion")
    if (found.speaker < 0).any():
        raise UsageError(f"{directory}: not every clip has a speaker, so nobody can be held out; give speakers")
    speakers = tuple(sorted(found.speakers[code] for code in np.unique(found.speaker).tolist()))
    if len(speakers) < FEWEST_SPEAKERS:
        raise UsageError(
            f"{directory}: {len(speakers)} speakers; {FEWEST_SPEAKERS} are the fewest to hold some out"
        )
    _refuse_taught(run.environment, speakers)
    fold = folds_of(found.unit)
    tried = [name for name in _METHODS if name in (method, "none") or name != "venn_abers" or available()]
    held = {name: _held_out(found, fold, name) for name in tried}
    chosen = _simplest(found, held) if method == "auto" else cast("Method", method)
    fitted, temperature = _fitted(found.names, found.values, found.reference, chosen)
    scaling = fitted if isinstance(fitted, Scaling) else Scaling.of_temperature(1.0, len(found.names))
    environment = run.environment
    return CalibrationFile(
        method=chosen,
        weights=_named(found, scaling.weights),
        biases=_named(found, scaling.biases),
        temperature=temperature,
        steps=UNSET if isinstance(fitted, Scaling) else _steps(found, fitted),
        labels=found.labels,
        model=CalibratedModel(
            backend=environment.backend.name,
            model=environment.backend.model,
            model_hash=environment.backend.model_hash,
            precision=environment.backend.precision,
        ),
        fitted_on=FittedOn(
            dataset=environment.dataset.name,
            corpus=environment.dataset.identity or environment.dataset.card,
            dataset_hash=environment.dataset.hash,
            split=environment.dataset.split,
            records_hash=run.records.hash or "",
            n_clips=len(found.clip_ids),
            speakers=speakers,
            clips=tuple(sorted(map(clip_digest, found.clip_ids))),
        ),
        folds=int(fold.max()) + 1,
        held_out={name: _figures(found, values) for name, values in held.items()},
    )


def _refuse_taught(environment: Environment, speakers: Sequence[str]) -> None:
    """Raise UsageError where the model learned from these speakers: it is surer of them, and right more often."""
    backend, dataset = environment.backend, environment.dataset
    overlap = training_overlap(backend.card, dataset.identity or dataset.card, speakers)
    if overlap or backend.card.get("folds") == "clips":
        named = ", ".join(overlap[:5]) if overlap else "clips of these speakers"
        raise UsageError(
            f"the model was trained on {named}, by its card; what it answers to them does not tell how sure it "
            "should be of others: run it on speakers that it never met (dataset.split)"
        )


def _named(found: JudgedScores, values: Floats) -> dict[str, float]:
    return {name: round(float(value), 9) for name, value in zip(found.names, values, strict=True)}


def _steps(found: JudgedScores, fitted: VennAbers) -> dict[str, ScoreSteps]:
    return {name: steps for name, steps in zip(found.names, fitted.steps, strict=True) if steps is not None}


def _fitted(names: Sequence[str], values: Floats, reference: NDArray[np.int64], method: Method) -> Fitted:
    """What a method finds, and the temperature that goes with it: 1 where it has none."""
    if method == "none":
        return Scaling.of_temperature(1.0, len(names)), 1.0
    if method == "venn_abers":
        return VennAbers.of(names, venn_abers_of(names, values, reference)), 1.0
    temperature = temperature_of(values, reference)
    if method == "temperature":
        return Scaling.of_temperature(temperature, len(names)), temperature
    return vector_of(values, reference, temperature), temperature


def _held_out(found: JudgedScores, fold: NDArray[np.int64], method: Method) -> Floats:
    """Each clip's scores by a fit on the speakers of the other parts."""
    if method == "none":
        return found.values
    made = np.empty_like(found.values)
    for part in range(int(fold.max()) + 1):
        there = fold == part
        fitted, _ = _fitted(found.names, found.values[~there], found.reference[~there], method)
        made[there] = fitted.applied(found.values[there])
    return made


def _simplest(found: JudgedScores, held: dict[Method, Floats]) -> Method:
    """The method that no later one surely beats in log loss on speakers held out."""
    chosen: Method = "none"
    for name in list(held)[1:]:
        gain = mean_by_unit(_losses(found, held[chosen]) - _losses(found, held[name]), found.unit, 0.95)
        if gain.low is not None and gain.low > 0:
            chosen = name
    return chosen


def _losses(found: JudgedScores, values: Floats) -> Floats:
    return np.asarray(-np.log(np.maximum(values[np.arange(len(values)), found.reference], FLOOR)), dtype=np.float64)


def confidence_of(found: JudgedScores) -> tuple[Floats, NDArray[np.bool_], NDArray[np.int64]]:
    """The scores of answers that name a scored emotion, whether these are right, and whose clips they are."""
    there = found.answer >= 0
    scores = found.values[there, found.answer[there]]
    return scores, found.answer[there] == found.reference[there], found.unit[there]


def _figures(found: JudgedScores, values: Floats) -> HeldOut:
    made = replace(found, values=values)
    whole = distribution_of(made, 0.95)
    of_answers = probability_figures(*confidence_of(made), 0.95)
    unknown = Interval(value=None)
    return HeldOut(
        log_loss=whole.log_loss,
        brier=whole.brier,
        ece_classwise=whole.ece_classwise,
        ece_confidence=unknown if of_answers is None else of_answers.ece,
        gap_confidence=unknown if of_answers is None else of_answers.gap,
        reliability=() if of_answers is None else of_answers.bins,
    )
