"""The classes that a table's codes name: SenseVoice's seven emotions, or those of another label map."""

from __future__ import annotations

from dataclasses import dataclass

from sv_eval.emotions import EMOTIONS, NO_SPEECH, NO_TAG, OTHER, UNKNOWN, UNREAD

UNLABELLED = "unlabelled"
"""The row name of clips whose corpus gives no label."""
FAILED = "failed"
"""The answer code of a FAILURE; it is no label and no column of any confusion matrix."""


@dataclass(frozen=True, slots=True)
class ClassCodes:
    """What the codes of a table's references and answers mean; a class has the same code in both."""

    classes: tuple[str, ...]
    """The classes, in code order."""

    @property
    def references(self) -> tuple[str, ...]:
        """What a reference code means."""
        return (*self.classes, OTHER, UNLABELLED)

    @property
    def answers(self) -> tuple[str, ...]:
        """What an answer code means."""
        return (*self.classes, OTHER, UNKNOWN, NO_TAG, NO_SPEECH, FAILED, *UNREAD)

    @property
    def answered(self) -> int:
        """Answer codes below this one name a class (or `other`); those from it on do not."""
        return len(self.classes) + 1

    @property
    def failed(self) -> int:
        """The answer code of a FAILURE."""
        return len(self.classes) + 4

    def reference(self, name: str) -> int:
        """The code of a reference."""
        return self.references.index(name)

    def answer(self, name: str) -> int:
        """The code of an answer."""
        return self.answers.index(name)


SEVEN = ClassCodes(EMOTIONS)
"""SenseVoice's seven emotions, which records speak of."""
