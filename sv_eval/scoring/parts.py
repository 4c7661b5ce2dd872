"""Parts of a run looked at by themselves: emotions, each with an example, and speakers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from sv_eval.emotions import UNKNOWN
from sv_eval.record_file.table import RecordTable
from sv_eval.report.accuracy import EmotionFigures, Example, SpeakerFigures
from sv_eval.report.latency import TwoPercentiles
from sv_eval.report.reasons import Why
from sv_eval.scoring import tally as formulas
from sv_eval.scoring.measures import under
from sv_eval.scoring.policies import PolicyScores
from sv_eval.scoring.scope import Scope


def emotions_of(
    scope: Scope, scores: PolicyScores, latency_ms: Mapping[str, TwoPercentiles]
) -> dict[str, EmotionFigures]:
    """The figures of each label, in order; `scores` are those of the headline policy."""
    answers = scope.answers
    found = {}
    for label in scope.labels:
        asked = answers.reference == answers.class_codes.reference(label)
        n_failed = int((asked & answers.failed).sum())
        example = example_of(answers, label)
        found[label] = EmotionFigures(
            recall=scores.recall[label],
            precision=scores.precision[label],
            f1=scores.f1[label],
            support=int(asked.sum()) - n_failed,
            n_scored=scores.recall[label].n,
            n_unknown=int((asked & (answers.predicted == answers.class_codes.answer(UNKNOWN))).sum()),
            n_failed=n_failed,
            latency_ms=latency_ms[label],
            example=example,
            example_reason=UNSET if example else Why.of("no_example"),
        )
    return found


def example_of(table: RecordTable, label: str) -> Example | None:
    """An utterance of `label`: the right answer, or else the answer, of median confidence.

    Clips with words are preferred, then those with a confidence. None when no clip of it has an answer.
    """
    code = table.class_codes.reference(label)
    asked = (table.reference == code) & ~table.failed
    choices = (asked & (table.predicted == code), asked & (table.predicted < table.class_codes.answered), asked)
    among = next((choice for choice in choices if choice.any()), None)
    if among is None:
        return None
    place = _median_confident(table, _preferred(table, np.flatnonzero(among)))
    return Example(
        clip=table.clip_ids[place],
        text=table.words_of(place),
        path=table.paths[place],
        predicted=table.class_codes.answers[table.predicted[place]],
    )


def _preferred(table: RecordTable, places: NDArray[np.intp]) -> NDArray[np.intp]:
    with_words = places[table.has_words[places]]
    return with_words if len(with_words) else places


def _median_confident(table: RecordTable, places: NDArray[np.intp]) -> int:
    """The place of the lower median confidence, the first by clip id among equals or without confidences."""
    confidence = table.confidence[places]
    known = np.isfinite(confidence)
    if not known.any():
        return int(places[0])
    places, confidence = places[known], confidence[known]
    middle = np.sort(confidence)[(len(places) - 1) // 2]
    return int(places[np.flatnonzero(confidence == middle)[0]])


def speakers_of(scope: Scope) -> dict[str, SpeakerFigures]:
    """The scores of every known speaker with a clip in scope, by name, under the headline policy."""
    speaker = scope.answers.speaker
    codes = np.unique(speaker[scope.scored & (speaker >= 0)])
    # The clusters of known speakers come first, in the order of their codes.
    scored, _ = under(scope.config.policy, scope.clusters.counts[:, :, : len(codes)])
    n, accuracy = scored.support.sum(axis=0), formulas.accuracy(scored)
    uar = formulas.uar(scored, np.ones(len(scope.labels), dtype=np.bool_))
    nobody, some = Why.of("no_clip_scored"), Why.of("labels_missing")
    return {
        scope.answers.speakers[code]: SpeakerFigures(
            n=int(n[i]),
            accuracy=float(accuracy[i]),
            uar=float(uar[i]),
            reason=nobody if not n[i] else some if np.isnan(uar[i]) else UNSET,
        )
        for i, code in enumerate(codes.tolist())
    }
