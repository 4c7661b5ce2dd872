"""Everything that scoring finds out from a run's records alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sv_eval.emotions import EMOTIONS
from sv_eval.record_file.run_records import RunRecords
from sv_eval.report.accuracy import Confusion, EmotionFigures, SpeakerFigures, WrongPair
from sv_eval.report.latency import DurationBin, Latency, StageTimes
from sv_eval.report.report import ErrorKind, FailureKind
from sv_eval.scoring.config import ScoringConfig, scoring_config_from
from sv_eval.scoring.confusion import confusion_of, worst_confusions
from sv_eval.scoring.failures import errors_of, failures_of
from sv_eval.scoring.latency import latency_by_duration, latency_by_emotion, latency_of, stage_times
from sv_eval.scoring.parts import emotions_of, speakers_of
from sv_eval.scoring.policies import LabelSetScores, PolicyScores, scores_of
from sv_eval.scoring.run_counts import RunCounts, counts_of
from sv_eval.scoring.scope import Scope, scope_of

__all__ = ["Scorecard", "ScoringConfig", "score", "score_scope", "scoring_config_from"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """What scoring found."""

    scope: Scope
    """What it is over, and the options that it was scored with."""
    run: RunCounts
    """How many clips ended how."""
    scores: LabelSetScores
    """All policies over the scored label set."""
    all_labels: LabelSetScores
    """All policies over every class that the corpus holds."""
    per_emotion: Mapping[str, EmotionFigures]
    """By label of the scored set, under the headline policy."""
    confusion: Confusion
    """Of the unforced answers."""
    confusion_forced: Confusion | None
    """Of the answers with `unknown` banned; None when no record has a forced label."""
    out_of_scope: Mapping[str, int]
    """Clips not scored, by reference."""
    latency: Latency
    """How fast, clean records only."""
    by_duration: tuple[DurationBin, ...]
    """The same by audio length."""
    rtf: float | None
    """Seconds in which a call was in flight per second of audio."""
    stages: Mapping[str, StageTimes]
    """Where the time went."""
    failures: tuple[FailureKind, ...]
    """What went wrong."""
    errors: tuple[ErrorKind, ...]
    """The same with what went wrong and was mended by another attempt."""
    worst_confusions: tuple[WrongPair, ...]
    """The most frequent wrong answers, under the headline policy."""
    by_speaker: Mapping[str, SpeakerFigures]
    """By speaker, under the headline policy."""

    @property
    def config(self) -> ScoringConfig:
        """The options that it was scored with."""
        return self.scope.config

    @property
    def headline(self) -> PolicyScores:
        """The scores under the headline policy."""
        return self.scores.policies[self.config.policy]


def score(
    records: RunRecords,
    config: ScoringConfig,
    *,
    label_order: Sequence[str] = EMOTIONS,
    supported: Sequence[str] | None = None,
) -> Scorecard:
    """The scorecard of a run.

    `label_order` is the corpus's, from its card; `supported` are the emotions that the backend can say, None
    when it does not declare them.
    """
    return score_scope(scope_of(records, config, label_order=label_order, supported=supported))


def score_scope(scope: Scope) -> Scorecard:
    """The scorecard of a scope."""
    scores = scores_of(scope)
    all_labels = scores if scope.present == scope.labels else scores_of(scope, whole=True)
    run, outside = counts_of(scope)
    latency, by_emotion = latency_of(scope), latency_by_emotion(scope)
    policy = scope.config.policy
    return Scorecard(
        scope=scope,
        run=run,
        scores=scores,
        all_labels=all_labels,
        latency=latency,
        by_duration=latency_by_duration(scope),
        stages=stage_times(scope),
        rtf=scope.timing.rtf,
        confusion=confusion_of(scope),
        confusion_forced=confusion_of(scope, banned=True) if scope.has_forced else None,
        worst_confusions=worst_confusions(scope),
        out_of_scope=outside,
        failures=failures_of(scope.answers),
        errors=errors_of(scope.timing.requests),
        per_emotion=emotions_of(scope, scores.policies[policy], by_emotion),
        by_speaker=speakers_of(scope) if scope.has_forced or policy != "ban" else {},
    )
