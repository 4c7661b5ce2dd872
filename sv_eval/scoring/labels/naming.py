"""Answers in the classes of a label map, one by one, for who has no corpus: the service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sv_eval.answer_words import PLAIN, AnswerWords, canonical_of
from sv_eval.backend import StreamUpdate
from sv_eval.emotions import EMOTIONS, OTHER, UNKNOWN
from sv_eval.records import Prediction
from sv_eval.scoring.labels.config import OWN, LabelsConfig


class Naming:
    """Leads labels and posteriors to the classes of a label map.

    config: the label map. words: what the recogniser's own words mean; None for one without.
    """

    def __init__(self, config: LabelsConfig, words: AnswerWords | None) -> None:
        self._words = (words or PLAIN).with_own(config.spellings)
        self._class_of = {held: name for name, all_held in config.classes.items() for held in all_held}
        self._config = config
        plain = {name: (name,) for name in EMOTIONS}
        self.changes = dict(config.classes) != plain or bool(config.merges) or bool(config.words)
        """Whether any answer is named otherwise than by the seven emotions."""

    def class_of(self, meaning: str) -> str:
        """The class of an emotion or a finer word; an emotion in no class is `other`."""
        if meaning == UNKNOWN:
            return UNKNOWN
        if meaning in self._class_of:
            return self._class_of[meaning]
        if meaning in EMOTIONS:
            return OTHER
        target = self._config.merged_into(meaning)
        if target == OWN:
            return meaning if meaning != OTHER else OTHER
        emotion = canonical_of(meaning) if target is None else target
        return self._class_of.get(emotion, OTHER)

    def labels(self, declared: Sequence[str]) -> tuple[str, ...]:
        """The classes that a recogniser of these emotions and words can name."""
        named = dict.fromkeys(self.class_of(word) for word in declared)
        return tuple(name for name in named if name != OTHER)

    def prediction(self, answer: Prediction) -> Prediction:
        """The answer with its label, posterior and stretches by class; its confidence is the class's posterior."""
        if not self.changes:
            return answer
        meaning = None if answer.raw_label is None else self._words.meaning(answer.raw_label)
        label = self._named(meaning or answer.label)
        scores = self.scores(answer.scores)
        segments = [
            replace(one, label=self._named(one.label), scores=self.scores(one.scores)) for one in answer.segments
        ]
        confidence = answer.confidence
        if scores is not None and label is not None:
            confidence = scores.get(label, confidence)
        return replace(
            answer,
            label=label,
            forced=self._named(answer.forced),
            scores=scores,
            confidence=confidence,
            segments=tuple(segments),
        )

    def update(self, update: StreamUpdate) -> StreamUpdate:
        """The same for what a stream tells."""
        if not self.changes:
            return update
        return replace(
            update,
            label=self._named(update.label),
            scores=self.scores(update.scores),
            chunk_scores=self.scores(update.chunk_scores),
        )

    def scores(self, scores: Mapping[str, float] | None) -> dict[str, float] | None:
        """The posterior by class: emotions of one class are added up."""
        if scores is None:
            return None
        found: dict[str, float] = {}
        for name, value in scores.items():
            of_class = self.class_of(name)
            found[of_class] = found.get(of_class, 0.0) + value
        return found

    def _named(self, label: str | None) -> str | None:
        return None if label is None else self.class_of(label)
