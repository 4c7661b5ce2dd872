"""Parts of a run looked at by themselves: speakers, and one example utterance per emotion."""

from __future__ import annotations

import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from sv_eval.record_file.table import RecordTable
from sv_eval.report.accuracy import Example, SpeakerFigures
from sv_eval.report.interval import plain
from sv_eval.report.reasons import Why
from sv_eval.scoring import tally as formulas
from sv_eval.scoring.clusters import under
from sv_eval.scoring.scope import Scope


def speakers_of(scope: Scope) -> dict[str, SpeakerFigures]:
    """The scores of every known speaker with a clip in scope, by name, under the headline policy."""
    speaker = scope.answers.speaker
    codes = np.unique(speaker[scope.scored & (speaker >= 0)])
    # The clusters of known speakers come first, in the order of their codes.
    scored, _ = under(scope.config.policy, scope.clusters.counts[:, :, : len(codes)])
    n, accuracy = scored.support.sum(axis=0), formulas.accuracy(scored)
    uar = formulas.uar(scored, np.ones(len(scope.labels), dtype=np.bool_))
    return {
        scope.answers.speakers[code]: SpeakerFigures(
            n=int(n[i]),
            accuracy=plain(accuracy[i]),
            uar=plain(uar[i]),
            reason=_why_missing(int(n[i]), plain(uar[i])),
        )
        for i, code in enumerate(codes.tolist())
    }


def _why_missing(n: int, uar: float | None) -> Why | UnsetType:
    if n == 0:
        return Why.of("no_clip_scored")
    return UNSET if uar is not None else Why.of("labels_missing")


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
        text=table.words_of(place),
        path=table.paths[place],
        predicted=table.words.answers[table.predicted[place]],
    )


def _preferred(table: RecordTable, places: NDArray[np.intp]) -> NDArray[np.intp]:
    with_words = np.array([bool(table.words_of(place)) for place in places.tolist()])
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
