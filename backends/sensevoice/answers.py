"""From a SenseVoice model's logits to predictions.

The encoder puts four query frames before the speech, so output frames 0 to 3 answer for language, emotion,
event and text normalisation, and the transcript follows. The public pipeline takes the best id of every
frame, collapses repeats, drops blanks and prints what is left; a tag may therefore be missing or stand
elsewhere, and is found by what it is and not by where it is. The posterior is read off frame 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from sv_eval.backends.sensevoice.tokens import TokenVocabulary
from sv_eval.emotions import UNKNOWN
from sv_eval.records import Prediction

EMOTION_FRAME = 1
"""The output frame that answers for the emotion."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReducedLogits:
    """What is needed of a model's logits for a batch; the rest, a few megabytes a clip, can be dropped."""

    best: NDArray[np.int64]
    """The most probable id of each output frame, shape [batch, frames]."""
    lengths: NDArray[np.integer]
    """How many of the frames are the clip's own, shape [batch]."""
    emotions: NDArray[np.float32]
    """Logits of the emotion ids at the emotion frame, in the vocabulary's order, shape [batch, emotions]."""

    @classmethod
    def of(
        cls, logits: NDArray[np.float32], lengths: NDArray[np.integer], emotion_ids: NDArray[np.int64]
    ) -> ReducedLogits:
        """From whole logits, float32 [batch, frames, ids]."""
        return cls(best=logits.argmax(axis=2), lengths=lengths, emotions=logits[:, EMOTION_FRAME, emotion_ids])


class AnswerReader:
    """Reads predictions off what a model said, for one vocabulary."""

    def __init__(self, vocabulary: TokenVocabulary) -> None:
        self.vocabulary = vocabulary
        self._names = tuple(vocabulary.emotions)
        self.emotion_ids = np.array([vocabulary.emotions[name] for name in self._names], dtype=np.int64)
        """The ids whose logits are wanted, in order."""
        self._name_by_id = {number: name for name, number in vocabulary.emotions.items()}
        self._known = np.array([name != UNKNOWN for name in self._names])

    def read(self, logits: ReducedLogits) -> list[Prediction]:
        """Predictions for a batch."""
        posteriors = emotion_posteriors(logits.emotions)
        return [
            self._one(logits.best[row, : int(logits.lengths[row])], posteriors[row])
            for row in range(len(logits.lengths))
        ]

    def _one(self, best: NDArray[np.int64], posterior: NDArray[np.float64]) -> Prediction:
        ids = collapse(best, self.vocabulary.blank)
        scores = dict(zip(self._names, posterior.tolist(), strict=True))
        label = _first(ids, self._name_by_id)
        forced = self._names[int(np.where(self._known, posterior, -1.0).argmax())]
        return Prediction(
            label=label,
            forced=forced,
            scores=scores,
            confidence=None if label is None else scores[label],
            text=self.vocabulary.text(ids),
            language=_first(ids, self.vocabulary.languages),
            event=_first(ids, self.vocabulary.events),
        )


def emotion_posteriors(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Softmax over the emotion ids alone; logits [batch, emotions], rows of the result sum to 1.

    This is the CTC layer's distribution at the emotion frame, conditioned on the answer being an emotion
    tag. It is what the model gives, not a calibrated probability.
    """
    # Row by row: numpy's vectorised exp may round the last bit by a value's place in the whole array, and then a
    # clip's answer would depend on its batch.
    return np.stack([_softmax(row) for row in logits.astype(np.float64)])


def _softmax(row: NDArray[np.float64]) -> NDArray[np.float64]:
    weights = np.exp(row - row.max())
    share: NDArray[np.float64] = weights / weights.sum()
    return share


def collapse(best: NDArray[np.int64], blank: int) -> list[int]:
    """CTC's greedy reading: repeats become one, blanks are dropped."""
    return [number for number, _ in groupby(best.tolist()) if number != blank]


def _first(ids: list[int], names: Mapping[int, str]) -> str | None:
    return next((names[number] for number in ids if number in names), None)
