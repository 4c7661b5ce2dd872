"""The classes of words that raters gave, and of all that is true of a clip."""

from __future__ import annotations

from collections.abc import Callable

from sv_eval.answer_words import meaning_given
from sv_eval.emotions import OTHER
from sv_eval.report.environment import CorpusLabels
from sv_eval.scoring.labels.relabelling import Relabelling


def class_of_word(plan: Relabelling, words: CorpusLabels) -> Callable[[str], str]:
    """What leads a word of the corpus to its class, as a clip's label is led: by the card, then by the label map.

    A word that neither holds is `other`: it is in no class.
    """
    folded = {raw if words.case_sensitive else raw.casefold(): raw for raw in words.entries}

    def found(word: str) -> str:
        raw = folded.get(word if words.case_sensitive else word.casefold())
        if raw is not None:
            return plan.class_of(words.entries[raw], raw)
        meaning = meaning_given(word, word)
        return OTHER if meaning is None else plan.class_of_meaning(meaning)

    return found
