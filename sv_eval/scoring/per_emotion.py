"""What is known of each emotion by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sv_eval.emotions import UNKNOWN
from sv_eval.scoring.interval import Interval
from sv_eval.scoring.latency import latency_by_emotion
from sv_eval.scoring.policies import PolicyScores
from sv_eval.scoring.slices import Example, example_of
from sv_eval.scoring.table import RecordTable


@dataclass(frozen=True, slots=True, kw_only=True)
class EmotionScores:
    """One emotion under the headline policy."""

    recall: Interval
    """Share of its clips that were recognised."""
    precision: Interval
    """Share of its predictions that were right."""
    f1: Interval
    """Harmonic mean of the two."""
    support: int
    """Its clips that did not fail."""
    n_scored: int
    """Those of them that the policy scores, which the recall rests on."""
    n_unknown: int
    """Its clips answered with `unknown`."""
    n_failed: int
    """Its clips without an answer."""
    p50_ms: Interval
    """Median latency, milliseconds."""
    p95_ms: Interval
    """95th percentile of latency, milliseconds."""
    example: Example | None
    """One utterance; None when no clip has an answer."""

    def to_json(self) -> dict[str, Any]:
        """The emotion as plain data."""
        data: dict[str, Any] = {name: getattr(self, name).to_json() for name in ("recall", "precision", "f1")}
        data |= {
            "support": self.support,
            "n_scored": self.n_scored,
            "n_unknown": self.n_unknown,
            "n_failed": self.n_failed,
        }
        data["latency_ms"] = {"p50": self.p50_ms.to_json(), "p95": self.p95_ms.to_json()}
        data["example"] = None if self.example is None else self.example.to_json()
        return data if self.example else data | {"example_reason": "no clip of it has an answer"}


def emotions_of(
    table: RecordTable, labels: Sequence[str], scores: PolicyScores, *, confidence: float, timing: RecordTable
) -> dict[str, EmotionScores]:
    """The scores of each label, in order; `scores` are those of the headline policy, `timing` holds all rounds."""
    latency = latency_by_emotion(timing, labels, confidence=confidence)
    found = {}
    for label in labels:
        asked = table.reference == table.words.reference(label)
        n_failed = int((asked & table.failed).sum())
        found[label] = EmotionScores(
            recall=scores.recall[label],
            precision=scores.precision[label],
            f1=scores.f1[label],
            support=int(asked.sum()) - n_failed,
            n_scored=scores.recall[label].n,
            n_unknown=int((asked & (table.predicted == table.words.answer(UNKNOWN))).sum()),
            n_failed=n_failed,
            p50_ms=latency[label][0],
            p95_ms=latency[label][1],
            example=example_of(table, label),
        )
    return found
