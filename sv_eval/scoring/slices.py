"""Parts of a run looked at by themselves: speakers, failures, and one example utterance per emotion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.scoring import tally as formulas
from sv_eval.scoring.clusters import clusters_of, in_scope, under
from sv_eval.scoring.interval import plain
from sv_eval.scoring.table import RecordTable


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerScores:
    """The headline figures of one speaker's clips, under the headline policy."""

    n: int
    """Clips scored."""
    accuracy: float | None
    """Share of right answers; None when the policy scores no clip of this speaker."""
    uar: float | None
    """Mean recall; None unless the speaker has every scored label."""

    def to_json(self) -> dict[str, Any]:
        """The figures as plain data."""
        data: dict[str, Any] = {"n": self.n, "accuracy": plain(self.accuracy), "uar": plain(self.uar)}
        if self.n == 0:
            return data | {"reason": "no clip scored"}
        return data if self.uar is not None else data | {"reason": "not every scored label occurs"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureKind:
    """Failures of one kind."""

    kind: str
    """The failure's stable word."""
    count: int
    """How many clips."""
    clip: str
    """The first such clip by id."""
    message: str
    """What was said of it."""

    def to_json(self) -> dict[str, Any]:
        """The kind as plain data."""
        example = {"clip": self.clip, "message": self.message}
        return {"kind": self.kind, "count": self.count, "example": example}


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One utterance of an emotion."""

    clip: str
    """Clip id."""
    text: str
    """Its words, or empty."""
    path: str
    """Where its audio is."""
    predicted: str
    """The unforced answer."""

    def to_json(self) -> dict[str, Any]:
        """The utterance as plain data."""
        return {"clip": self.clip, "text": self.text, "path": self.path, "predicted": self.predicted}


def speakers_of(table: RecordTable, labels: Sequence[str], policy: str) -> dict[str, SpeakerScores]:
    """The scores of every known speaker with a clip in scope, by name."""
    clusters = clusters_of(table, labels)
    codes = np.unique(table.speaker[in_scope(table, labels) & (table.speaker >= 0)])
    scored, _ = under(policy, clusters.counts[:, :, : len(codes)])
    n, accuracy = scored.support.sum(axis=0), formulas.accuracy(scored)
    uar = formulas.uar(scored, np.ones(len(labels), dtype=np.bool_))
    return {
        table.speakers[code]: SpeakerScores(n=int(n[i]), accuracy=plain(accuracy[i]), uar=plain(uar[i]))
        for i, code in enumerate(codes.tolist())
    }


def failures_of(table: RecordTable) -> tuple[FailureKind, ...]:
    """The kinds of failure, most frequent first."""
    counts = Counter(kind for kind, _ in table.failures.values())
    first: dict[str, tuple[str, str]] = {}
    for place, (kind, message) in table.failures.items():
        first.setdefault(kind, (table.clip_ids[place], message))
    return tuple(
        FailureKind(kind=kind, count=count, clip=first[kind][0], message=first[kind][1])
        for kind, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def example_of(table: RecordTable, label: str) -> Example | None:
    """An utterance of `label`: the right answer, or else the answer, of median confidence.

    Clips with words are preferred, then those with a confidence. None when no clip of it has an answer.
    """
    code = table.words.reference(label)
    asked = (table.reference == code) & ~table.failed
    choices = (asked & (table.predicted == code), asked & (table.predicted < table.words.answered), asked)
    among = next((choice for choice in choices if choice.any()), None)
    if among is None:
        return None
    place = _median_confident(table, _preferred(table, np.flatnonzero(among)))
    return Example(
        clip=table.clip_ids[place],
        text=table.texts[place],
        path=table.paths[place],
        predicted=table.words.answers[table.predicted[place]],
    )


def _preferred(table: RecordTable, places: NDArray[np.intp]) -> NDArray[np.intp]:
    with_words = np.array([bool(table.texts[place]) for place in places.tolist()])
    return places[with_words] if with_words.any() else places


def _median_confident(table: RecordTable, places: NDArray[np.intp]) -> int:
    """The place of the lower median confidence, the first by clip id among equals or without confidences."""
    confidence = table.confidence[places]
    known = np.isfinite(confidence)
    if not known.any():
        return int(places[0])
    places, confidence = places[known], confidence[known]
    middle = np.sort(confidence)[(len(places) - 1) // 2]
    return int(places[np.flatnonzero(confidence == middle)[0]])
