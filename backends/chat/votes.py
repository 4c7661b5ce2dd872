"""What several answers of a chat model to the same question amount to: votes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sv_eval.backends.chat.protocol import Protocol
from sv_eval.backends.chat.reading import HEDGED, REFUSED, Reading, read_answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Votes:
    """What one answer, or several to the same question, amount to."""

    emotion: str | None
    """The emotion that most of them name; None where most name none, or several are named as often."""
    why: str | None = None
    """Without one: `unparsed`, `refused` or `hedged`."""
    scores: Mapping[str, float] | None = None
    """Of several answers: the share of each emotion among those that name one; None of a single one."""
    outside: float | None = None
    """Of several answers: the share that names none."""
    confidence: float | None = None
    """Of several answers: the share of all of them that names the emotion."""


def read_all(texts: Sequence[str], protocol: Protocol, order: Sequence[str], *, refused: bool = False) -> Votes:
    """What answers to one question say together; `refused` is the wire's own word for the first one.

    What most of them are decides, that they decline as well as an emotion.

    >>> from sv_eval.backends.chat.protocol import protocol_of
    >>> letters = protocol_of("letters_en")
    >>> votes = read_all(["B", "(B)", "A", "I can't tell."], letters, tuple(letters.options))
    >>> votes.emotion, round(votes.scores["sad"], 3), votes.confidence, votes.outside
    ('sad', 0.667, 0.5, 0.25)
    """
    found = [read_answer(text, protocol, order) for text in texts]
    if refused and found[0].emotion is None:
        found[0] = Reading(emotion=None, why=REFUSED)
    if len(found) == 1:
        return Votes(emotion=found[0].emotion, why=found[0].why)
    votes = Counter(one.emotion for one in found if one.emotion is not None)
    reasons = Counter(one.why for one in found if one.emotion is None)
    named = votes.total()
    scores = {name: votes[name] / named for name in order} if named else None
    outside = 1 - named / len(found)
    most = max(votes.values(), default=0)
    first = [name for name, count in votes.items() if count == most]
    if max(reasons.values(), default=0) > most:
        return Votes(emotion=None, why=reasons.most_common(1)[0][0], scores=scores, outside=outside)
    if len(first) > 1:
        return Votes(emotion=None, why=HEDGED, scores=scores, outside=outside)
    return Votes(emotion=first[0], scores=scores, outside=outside, confidence=most / len(found))
