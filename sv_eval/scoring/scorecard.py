"""Everything that scoring finds out about a run, and how it stands in metrics.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sv_eval.emotions import EMOTIONS
from sv_eval.scoring.by_duration import DurationBin, latency_by_duration
from sv_eval.scoring.config import ScoringConfig, scoring_config_from
from sv_eval.scoring.confusion import Confusion, WrongPair, confusion_of, worst_confusions
from sv_eval.scoring.interval import plain
from sv_eval.scoring.label_set import labels_present, scored_labels, unsupported_labels
from sv_eval.scoring.latency import LatencySummary, latency_summary
from sv_eval.scoring.ledger import ErrorKind, ledger_of
from sv_eval.scoring.per_emotion import EmotionScores, emotions_of
from sv_eval.scoring.policies import HEADLINE, LabelSetScores, PolicyScores, scores_over
from sv_eval.scoring.run_counts import RunCounts, counts_of, out_of_scope
from sv_eval.scoring.slices import FailureKind, SpeakerScores, failures_of, speakers_of
from sv_eval.scoring.stages import stage_times
from sv_eval.scoring.table import RecordTable

__all__ = ["Scorecard", "ScoringConfig", "score", "scoring_config_from"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """What scoring found."""

    config: ScoringConfig
    """The options that it was scored with."""
    run: RunCounts
    """How many clips ended how."""
    scores: LabelSetScores
    """All policies over the scored label set."""
    all_labels: LabelSetScores
    """All policies over every one of the seven emotions that the corpus holds."""
    unsupported: tuple[str, ...]
    """Emotions in the corpus that the backend cannot say."""
    per_emotion: Mapping[str, EmotionScores]
    """By label of the scored set, under the headline policy."""
    confusion: Confusion
    """Of the unforced answers."""
    confusion_forced: Confusion | None
    """Of the answers with `unknown` banned; None when no record has a forced label."""
    out_of_scope: Mapping[str, int]
    """Clips not scored, by reference."""
    latency: LatencySummary
    """How fast, clean records only."""
    by_duration: tuple[DurationBin, ...]
    """The same by audio length."""
    stages: Mapping[str, Any]
    """Where the time went."""
    failures: tuple[FailureKind, ...]
    """What went wrong."""
    errors: tuple[ErrorKind, ...]
    """The same with what went wrong and was mended by another attempt."""
    worst_confusions: tuple[WrongPair, ...]
    """The most frequent wrong answers, under the headline policy."""
    by_speaker: Mapping[str, SpeakerScores]
    """By speaker, under the headline policy."""

    @property
    def headline(self) -> PolicyScores:
        """The scores under the headline policy."""
        return self.scores.policies[self.config.policy]

    def to_json(self) -> dict[str, Any]:
        """The scored part of metrics.json; `run` holds the counts only, for the caller to add to."""
        forced = self.confusion_forced
        data: dict[str, Any] = {
            "run": self.run.to_json(),
            "labels": list(self.scores.labels),
            "labels_without_clips": list(self.scores.without_clips),
            "policy": self.config.policy,
            "accuracy": self.headline.headline(),
            "policies": {name: scores.to_json() for name, scores in self.scores.policies.items()},
            "all_labels": self._all_labels(),
            "intervals": self._intervals(),
            "per_emotion": {label: scores.to_json() for label, scores in self.per_emotion.items()},
            "confusion": (forced if forced and self.config.policy == "ban" else self.confusion).to_json(),
            "confusion_unforced": self.confusion.to_json(),
            "confusion_forced": None if forced is None else forced.to_json(),
            "out_of_scope": dict(self.out_of_scope),
            "latency_ms": self.latency.to_json(),
            "latency_by_duration": [each.to_json() for each in self.by_duration],
            "rtf": plain(self.latency.rtf),
            "stages_ms": dict(self.stages),
            "failures": [each.to_json() for each in self.failures],
            "errors": [each.to_json() for each in self.errors],
            "worst_confusions": [each.to_json() for each in self.worst_confusions],
            "by_speaker": {name: each.to_json() for name, each in self.by_speaker.items()},
        }
        if forced is None:
            data["confusion_forced_reason"] = "no record has a forced label"
        if self.latency.rtf is None:
            data["rtf_reason"] = "no clean record with a known audio length"
        return data

    def _all_labels(self) -> dict[str, Any]:
        return {
            "labels": list(self.all_labels.labels),
            "unsupported": list(self.unsupported),
            "policies": {name: scores.to_json() for name, scores in self.all_labels.policies.items()},
        }

    def _intervals(self) -> dict[str, Any]:
        return {
            "methods": {name: getattr(self.headline, name).method for name in HEADLINE},
            "confidence": self.config.confidence,
            "resamples": self.config.resamples,
            "seed": self.config.seed,
            "clusters": self.scores.clusters,
            "n_clusters": self.scores.n_clusters,
        }


def score(
    table: RecordTable,
    config: ScoringConfig,
    *,
    label_order: Sequence[str] = EMOTIONS,
    supported: Sequence[str] | None = None,
    timing: RecordTable | None = None,
) -> Scorecard:
    """The scorecard of a run.

    `timing` holds the records of all rounds, for what is about time; None where there was one round.

    `label_order` is the corpus's, from its card; `supported` are the emotions that the backend can say, None
    when it does not declare them.
    """
    present = labels_present(table, label_order)
    labels = scored_labels(table, config.labels, label_order=label_order, supported=supported)
    scores = scores_over(table, labels, config)
    timing = table if timing is None else timing
    has_forced = bool((table.forced >= 0).any())
    return Scorecard(
        config=config,
        run=counts_of(table, labels),
        scores=scores,
        all_labels=scores if present == labels else scores_over(table, present, config),
        unsupported=unsupported_labels(present, supported),
        per_emotion=emotions_of(
            table, labels, scores.policies[config.policy], confidence=config.confidence, timing=timing
        ),
        confusion=confusion_of(table, labels),
        confusion_forced=confusion_of(table, labels, banned=True) if has_forced else None,
        out_of_scope=out_of_scope(table, labels),
        latency=latency_summary(timing, confidence=config.confidence),
        by_duration=latency_by_duration(timing, config.duration_bins_s, confidence=config.confidence),
        stages=stage_times(timing, confidence=config.confidence),
        failures=failures_of(table),
        errors=tuple(ledger_of(timing)),
        worst_confusions=worst_confusions(table, labels, config.policy),
        by_speaker=speakers_of(table, labels, config.policy) if has_forced or config.policy != "ban" else {},
    )
