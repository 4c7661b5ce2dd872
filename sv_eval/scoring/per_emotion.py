"""What is known of each emotion by itself."""

from __future__ import annotations

from msgspec import UNSET

from sv_eval.emotions import UNKNOWN
from sv_eval.report.accuracy import EmotionFigures
from sv_eval.report.reasons import Why
from sv_eval.scoring.latency import latency_by_emotion
from sv_eval.scoring.policies import PolicyScores
from sv_eval.scoring.scope import Scope
from sv_eval.scoring.slices import example_of


def emotions_of(scope: Scope, scores: PolicyScores) -> dict[str, EmotionFigures]:
    """The figures of each label, in order; `scores` are those of the headline policy."""
    answers = scope.answers
    latency = latency_by_emotion(scope)
    found = {}
    for label in scope.labels:
        asked = answers.reference == answers.words.reference(label)
        n_failed = int((asked & answers.failed).sum())
        example = example_of(answers, label)
        found[label] = EmotionFigures(
            recall=scores.recall[label],
            precision=scores.precision[label],
            f1=scores.f1[label],
            support=int(asked.sum()) - n_failed,
            n_scored=scores.recall[label].n,
            n_unknown=int((asked & (answers.predicted == answers.words.answer(UNKNOWN))).sum()),
            n_failed=n_failed,
            latency_ms=latency[label],
            example=example,
            example_reason=UNSET if example else Why.of("no_example"),
        )
    return found
