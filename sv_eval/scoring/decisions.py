"""What is answered under a calibration and thresholds: an emotion where its score reaches its threshold, else
`unknown`. A service does so answer by answer, and a finished run is judged as if it had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from msgspec import UNSET, UnsetType

from sv_eval.backend import BackendInfo, Capabilities, StreamUpdate
from sv_eval.emotions import UNKNOWN
from sv_eval.errors import ConfigError
from sv_eval.record_file.rows import OUTCOMES
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.score_table import ScoreTable
from sv_eval.record_file.table import RecordTable
from sv_eval.records import Outcome, Prediction
from sv_eval.report.calibration_file import CalibrationFile
from sv_eval.report.interval import DIGITS
from sv_eval.report.scored_under import ScoreChange, ScoredUnder
from sv_eval.report.thresholds_file import ThresholdsFile, digest_of
from sv_eval.scoring.calibration.applying import fitted_of, refuse_other_model
from sv_eval.scoring.labels.naming import Naming

SCORE_DIGITS = 6
"""Decimals of scores in records and answers."""
_UNKNOWN_OUTCOME = OUTCOMES.index(Outcome.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """An answer under a calibration and thresholds."""

    answer: Prediction
    """In the classes of the label map; its label `unknown` where a score does not reach its threshold."""
    calibrated: Mapping[str, float] | None
    """The calibrated score of each class; None without a calibration, or without scores."""
    alarms: tuple[str, ...] | None
    """The classes whose score reaches their threshold, the highest first; None without thresholds."""
    below: str | None
    """What would have been answered without thresholds; None where they change nothing."""


class Decisions:
    """Judges answers one by one.

    naming: the label map. calibration, thresholds: None for none. Raises ConfigError where the two do not belong
    together.
    """

    def __init__(
        self, naming: Naming, calibration: CalibrationFile | None, thresholds: ThresholdsFile | None
    ) -> None:
        self.naming, self.calibration, self.thresholds = naming, calibration, thresholds
        self._names = () if calibration is None else tuple(calibration.weights)
        self._fitted = None if calibration is None else fitted_of(calibration, self._names)
        if thresholds is not None:
            refuse_mismatch(thresholds, calibration)

    def check(self, info: BackendInfo, able: Capabilities) -> None:
        """Raise ConfigError where they are another model's, or of emotions that this one does not name."""
        if self.calibration is not None:
            refuse_other_model("calibration", self.calibration.model, info)
        if self.thresholds is None:
            return
        if self.thresholds.model:
            refuse_other_model("thresholds", self.thresholds.model, info)
        named = self.naming.labels(able.labels)
        if strange := [label for label in self.thresholds.thresholds if label not in named]:
            raise ConfigError(f"thresholds: {', '.join(strange)} is not answered here; {', '.join(named)} are")

    def prediction(self, answer: Prediction) -> Decided:
        """An answer as the recogniser gave it, decided."""
        scores = self.scores(answer.scores)
        named = self.naming.prediction(answer)
        calibrated = None if scores is None or self.calibration is None else self.naming.scores(scores)
        told = self._alarms(calibrated if self.calibration is not None else _scores_of(named))
        if told is None or self._answered(named.label, told):
            return Decided(answer=named, calibrated=calibrated, alarms=told, below=None)
        unsure = (named.scores or {}).get(UNKNOWN)
        made = replace(named, label=UNKNOWN, confidence=unsure)
        return Decided(answer=made, calibrated=calibrated, alarms=told, below=named.label)

    def update(self, update: StreamUpdate) -> Decided:
        """The same for what a stream tells on its way; the answer holds label and scores alone."""
        return self.prediction(Prediction(label=update.label, scores=update.scores))

    def scores(self, scores: Mapping[str, float] | None) -> Mapping[str, float] | None:
        """The calibrated scores by the recogniser's names; as they came without a calibration or for other
        names."""
        if scores is None or self._fitted is None:
            return scores
        if {*scores} != {*self._names}:
            return None
        # As records have them, so that a service and a finished run decide alike.
        rounded = [round(scores[name], SCORE_DIGITS) for name in self._names]
        values = self._fitted.applied(np.array([rounded], dtype=np.float64))[0]
        return dict(zip(self._names, values.tolist(), strict=True))

    def _alarms(self, scores: Mapping[str, float] | None) -> tuple[str, ...] | None:
        if self.thresholds is None:
            return None
        if scores is None:
            # What nobody gave a score reaches no threshold.
            return ()
        wanted = self.thresholds.thresholds
        digits = SCORE_DIGITS if self.calibration is None else DIGITS
        reached = [
            name for name, score in scores.items() if name in wanted and round(score, digits) >= wanted[name]
        ]
        return tuple(sorted(reached, key=lambda name: -scores[name]))

    def _answered(self, label: str | None, alarms: tuple[str, ...]) -> bool:
        """Whether a label stays: nothing is held against it, or its score reaches the threshold."""
        held = self.thresholds
        if held is None or label is None:
            return True
        return label in alarms or (label not in held.thresholds and label not in held.not_promised)


def _scores_of(answer: Prediction) -> Mapping[str, float] | None:
    """Its scores, or what it tells of its label alone."""
    if answer.scores is not None or answer.label is None or answer.confidence is None:
        return answer.scores
    return {answer.label: answer.confidence}


def refuse_mismatch(thresholds: ThresholdsFile, calibration: CalibrationFile | None) -> None:
    """Raise ConfigError where thresholds were chosen under another calibration than that which is applied."""
    if not thresholds.model:
        # One of the user's own; nobody can tell.
        return
    given = None if calibration is None else digest_of(calibration)
    if thresholds.calibration != given:
        chosen = "without one" if thresholds.calibration is None else f"under {thresholds.calibration}"
        there = "there is none" if given is None else f"this one is {given}"
        raise ConfigError(
            f"thresholds: they were chosen for scores {chosen}, and {there}; give the calibration that they belong "
            "to, or choose them anew (sv-eval score RUN scoring.precision=0.9)"
        )


def refuse_unheld(thresholds: ThresholdsFile, answers: RecordTable, scores: ScoreTable | None) -> None:
    """Raise ConfigError where thresholds are of what is no class, or no answer has anything to hold against them.

    scores: by class of the label map.
    """
    classes = answers.class_codes.classes
    if strange := [label for label in (*thresholds.thresholds, *thresholds.not_promised) if label not in classes]:
        raise ConfigError(f"thresholds: {', '.join(strange)} is no class here; {', '.join(classes)} are")
    told = scores is not None and bool({*thresholds.thresholds} & {*scores.names})
    if thresholds.thresholds and not told and not np.isfinite(answers.confidence).any():
        raise ConfigError(
            "thresholds: the answers have neither scores nor a confidence that could be held against them; leave "
            "thresholds out, or ask the recogniser for scores"
        )


def scored_under(calibration: CalibrationFile | None, thresholds: ThresholdsFile | None) -> ScoredUnder | None:
    """What a report keeps of both; None for neither."""
    if calibration is None and thresholds is None:
        return None
    change: ScoreChange | UnsetType = UNSET
    if calibration is not None:
        change = ScoreChange(weights=calibration.weights, biases=calibration.biases, steps=calibration.steps)
    return ScoredUnder(
        calibration=change,
        thresholds=UNSET if thresholds is None else thresholds.thresholds,
        not_promised=() if thresholds is None else thresholds.not_promised,
    )


def decided(
    records: RunRecords, scores: ScoreTable, thresholds: Mapping[str, float], not_promised: Sequence[str] = ()
) -> RunRecords:
    """The records as they are under thresholds; scores are by class of the label map."""
    answers = _decided(records.answers, scores, thresholds, not_promised)
    if records.requests is records.answers:
        return replace(records, answers=answers, requests=answers)
    return replace(records, answers=answers, requests=_decided(records.requests, scores, thresholds, not_promised))


def _decided(
    table: RecordTable, scores: ScoreTable, thresholds: Mapping[str, float], not_promised: Sequence[str]
) -> RecordTable:
    codes = table.class_codes
    values = scores.of_clips(table.clip_ids)
    below = np.zeros(len(table), dtype=np.bool_)
    for label in (*thresholds, *not_promised):
        if label not in codes.answers:
            continue
        said = table.predicted == codes.answer(label)
        if label in not_promised:
            below |= said
        else:
            # What nobody gave a score or a confidence reaches no threshold.
            found = values[:, scores.names.index(label)] if label in scores.names else np.full(len(table), np.nan)
            found = np.where(np.isfinite(found), found, table.confidence)
            below |= said & ~(found.round(DIGITS) >= thresholds[label])
    there = UNKNOWN in scores.names
    unsure = values[:, scores.names.index(UNKNOWN)] if there else np.full(len(table), np.nan)
    return replace(
        table,
        predicted=np.where(below, codes.answer(UNKNOWN), table.predicted).astype(table.predicted.dtype),
        outcome=np.where(below, _UNKNOWN_OUTCOME, table.outcome).astype(table.outcome.dtype),
        confidence=np.where(below, unsure, table.confidence),
    )
