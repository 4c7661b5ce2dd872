"""How well a run's confidence and scores fit what was, with bounds that allow for its speakers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from sv_eval.record_file.score_table import ScoreTable
from sv_eval.record_file.table import RecordTable
from sv_eval.record_file.texts import Texts
from sv_eval.report.calibration import (
    AppliedCalibration,
    Calibration,
    ProbabilityFigures,
    ReliabilityBin,
    ScoredDistribution,
)
from sv_eval.report.calibration_file import CalibrationFile
from sv_eval.report.interval import Interval
from sv_eval.scoring.calibration.bins import FEWEST, Binned, Codes, Floats, binned, units_of
from sv_eval.scoring.calibration.errors import (
    FLOOR,
    brier_parts,
    ece_debiased,
    ece_plain,
    log_losses,
    squared_unbiased,
    standard_errors,
)
from sv_eval.scoring.scope import Scope
from sv_eval.scoring.shares import share_by_unit
from sv_eval.scoring.unit_bounds import jackknife_interval, mean_by_unit

_Figure = Callable[[Floats, Floats, Floats], Floats]

_SLACK = 0.01
"""Scores may add up to so much more than 1: those of some services are rounded to two digits."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AsGiven:
    """What a model gave, before a calibration file changed it."""

    file: CalibrationFile
    """What changed it."""
    confidence: Floats
    """Of the scope's answers."""
    scores: ScoreTable
    """Under the label map that the scope is under."""


def calibration_of(scope: Scope, scores: ScoreTable | None, given: AsGiven | None = None) -> Calibration | None:
    """Whether what the answers hold probable is; None where that can't be judged.

    scores: under the label map that the scope is under; None where nobody read them. given: as they and the scope's
    confidence were before they were changed.
    """
    confidence = _of_confidence(scope, scope.answers.confidence)
    judged = judged_scores(scope, scores)
    if confidence is None and judged is None:
        return None
    found = Calibration(
        confidence=confidence,
        distribution=UNSET if judged is None else distribution_of(judged, scope.config.confidence),
        floor=FLOOR,
    )
    if given is None:
        return found
    before = judged_scores(scope, given.scores)
    return replace(
        found,
        applied=_applied(given.file),
        confidence_as_given=_of_confidence(scope, given.confidence) or UNSET,
        distribution_as_given=UNSET if before is None else distribution_of(before, scope.config.confidence),
    )


def _applied(file: CalibrationFile) -> AppliedCalibration:
    fitted = file.fitted_on
    return AppliedCalibration(
        method=file.method,
        temperature=file.temperature,
        dataset=fitted.dataset,
        n_clips=fitted.n_clips,
        n_speakers=len(fitted.speakers),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JudgedScores:
    """The scored clips that have scores."""

    clip_ids: Texts[str]
    """The clips."""
    labels: tuple[str, ...]
    """The scored classes."""
    names: tuple[str, ...]
    """All names that have a score, the labels first."""
    values: Floats
    """Their scores; shape [clips, names]."""
    reference: Codes
    """Each clip's reference, by position among the labels."""
    answer: Codes
    """Each clip's answer, by position among the labels; -1 for any other."""
    unit: Codes
    """Each clip's speaker, numbered from 0; a clip without one is by itself."""
    speaker: NDArray[np.int32]
    """Code into `speakers`, -1 where there is none."""
    speakers: tuple[str, ...]
    """The speakers' names."""
    audio_s: Floats
    """Length of the audio, seconds."""

    def at(self, rows: Codes, unit: Codes | None = None) -> JudgedScores:
        """Those of some clips; `unit` numbers their speakers, anew where it is not given."""
        return JudgedScores(
            clip_ids=self.clip_ids.at(rows),
            labels=self.labels,
            names=self.names,
            values=self.values[rows],
            reference=self.reference[rows],
            answer=self.answer[rows],
            unit=np.unique(self.unit[rows], return_inverse=True)[1] if unit is None else unit,
            speaker=self.speaker[rows],
            speakers=self.speakers,
            audio_s=self.audio_s[rows],
        )


def judged_scores(scope: Scope, scores: ScoreTable | None) -> JudgedScores | None:
    """The scores of scored clips; None for too few, or where a scored class never has a score."""
    return judged_of(scope.answers, scope.labels, scope.scored, scores)


def judged_of(
    answers: RecordTable, labels: tuple[str, ...], scored: NDArray[np.bool_], scores: ScoreTable | None
) -> JudgedScores | None:
    """The same of answers over classes, those of `scored`."""
    if scores is None or not len(scores) or not labels or not set(labels) <= {*scores.names}:
        return None
    values = scores.of_clips(answers.clip_ids)
    with np.errstate(invalid="ignore"):
        # False of NaN, and the sum of what is infinite.
        there = scored & (values >= 0).all(axis=1) & (values.sum(axis=1) <= 1 + _SLACK)
    if int(there.sum()) < FEWEST:
        return None
    names = (*labels, *(name for name in scores.names if name not in labels))
    columns = np.array([scores.names.index(name) for name in names])
    places = np.flatnonzero(there)
    codes = np.array([answers.class_codes.reference(label) for label in labels])
    place = np.full(len(answers.class_codes.answers), -1, dtype=np.int64)
    place[codes] = np.arange(len(labels))
    speaker = answers.speaker[there]
    return JudgedScores(
        clip_ids=answers.clip_ids.at(places),
        labels=labels,
        names=names,
        values=values[np.ix_(places, columns)],
        reference=place[answers.reference[there]],
        answer=place[answers.predicted[there]],
        unit=units_of(speaker),
        speaker=speaker,
        speakers=answers.speakers,
        audio_s=answers.audio_s[there],
    )


def _of_confidence(scope: Scope, confidence: Floats) -> ProbabilityFigures | None:
    """Of scored clips answered with an emotion: their confidence, against whether that is right."""
    answers = scope.answers
    there = scope.scored & (answers.predicted < answers.class_codes.answered)
    there &= (np.nan_to_num(confidence, nan=-1.0) >= 0) & (np.nan_to_num(confidence, nan=2.0) <= 1)
    right = answers.predicted[there] == answers.reference[there]
    return probability_figures(confidence[there], right, units_of(answers.speaker[there]), scope.config.confidence)


def distribution_of(found: JudgedScores, confidence: float) -> ScoredDistribution:
    """The figures of whole distributions, and of each class."""
    values, unit = found.values, found.unit
    rows = np.arange(len(values))
    given = values[rows, found.reference]
    square = (values**2).sum(axis=1) - 2 * given + 1
    per_emotion, errors, without = {}, [], []
    for place, label in enumerate(found.labels):
        probability, was = values[:, place], found.reference == place
        figures = probability_figures(probability, was, unit, confidence)
        if figures is not None:
            value, each, _ = without_each(binned(probability, was, unit), ece_debiased)
            per_emotion[label] = figures
            errors.append(value)
            without.append(each)
    sizes = np.bincount(unit).astype(np.float64)
    return ScoredDistribution(
        n=len(values),
        brier=mean_by_unit(square, unit, confidence, least=0.0, most=2.0),
        log_loss=mean_by_unit(-np.log(np.maximum(given, FLOOR)), unit, confidence, least=0.0),
        ece_classwise=jackknife_interval(
            float(np.mean(errors)), np.mean(without, axis=0), sizes, confidence, least=0.0, most=1.0
        ),
        ece_classwise_plain=float(np.mean([figures.ece_plain for figures in per_emotion.values()])),
        per_emotion=per_emotion,
    )


def probability_figures(
    probability: Floats, observed: NDArray[np.bool_], unit: Codes, confidence: float
) -> ProbabilityFigures | None:
    """The figures of a probability of something that is or is not; None for too few clips."""
    if len(probability) < FEWEST:
        return None
    found = binned(probability, observed, unit)
    return ProbabilityFigures(
        n=len(probability),
        ece=_ece(found, confidence),
        ece_plain=ece_plain(found),
        gap=mean_by_unit(probability - observed, unit, confidence, least=-1.0, most=1.0),
        brier=mean_by_unit((probability - observed) ** 2, unit, confidence, least=0.0, most=1.0),
        parts=brier_parts(found, probability, observed),
        log_loss=mean_by_unit(log_losses(probability, observed), unit, confidence, least=0.0),
        bins=_bins(found, probability, observed, unit, confidence),
    )


def _ece(found: Binned, confidence: float) -> Interval:
    """The debiased error; its lower bound is 0 where the square without bias may be 0: it is not sure then."""
    value, without, sizes = without_each(found, ece_debiased)
    interval = jackknife_interval(value, without, sizes, confidence, least=0.0, most=1.0)
    square, without, sizes = without_each(found, squared_unbiased)
    sure = jackknife_interval(square, without, sizes, confidence).low
    return replace(interval, low=0.0) if interval.low and (sure is None or sure <= 0) else interval


def without_each(found: Binned, figure: _Figure) -> tuple[float, Floats, Floats]:
    """A figure of the bins, what it is without each unit, and how many clips each of these has."""
    counts, errors = found.counts, standard_errors(found)
    value = float(figure(found.differences, errors, counts))
    if len(found.n) < 2:
        return value, np.array([value]), counts.sum(keepdims=True)
    without = figure(found.differences_without, errors, counts - found.n)
    return value, without, np.asarray(found.n.sum(axis=1), dtype=np.float64)


def _bins(
    found: Binned, probability: Floats, observed: NDArray[np.bool_], unit: Codes, confidence: float
) -> tuple[ReliabilityBin, ...]:
    made = []
    for place in range(len(found.counts)):
        there = found.of_clip == place
        inside = probability[there]
        made.append(
            ReliabilityBin(
                low=float(inside.min()),
                high=float(inside.max()),
                mean=float(inside.mean()),
                observed=share_by_unit(observed[there], unit[there], confidence),
            )
        )
    return tuple(made)
