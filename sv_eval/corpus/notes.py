"""What a report says about a corpus: what was left out, unscored, disputed or incomplete.

A note is a code with values; the renderers hold the sentences, one per language.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sv_eval.corpus.schema import Card
from sv_eval.corpus.synonyms import REASONS
from sv_eval.emotions import OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One thing that a reader should know about the corpus of a run."""

    code: str
    """Names the sentence; `text` is one that a card's author wrote."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """What is set into the sentence; plain data."""

    def to_json(self) -> dict[str, Any]:
        """As `environment.json` holds it."""
        return {"code": self.code, **self.values}


def notes_on_corpus(card: Card, found: Counter[str | None]) -> Iterator[Note]:
    """What holds for the corpus as it lies on disk; `found` counts its clips by raw label."""
    for text in card.notes:
        yield Note(code="text", values={"text": text})
    differing = {raw: [found[raw], count] for raw, count in card.expected.items() if found[raw] != count}
    if differing:
        values = {"found": sum(found.values()), "expected": sum(card.expected.values()), "differing": differing}
        yield Note(code="differs_from_card", values=values)


def notes_on_labels(card: Card, kept: Counter[str | None]) -> Iterator[Note]:
    """What holds for the clips of this run; `kept` counts them by raw label."""
    if unlabelled := kept.get(None, 0):
        yield Note(code="unlabelled", values={"n": unlabelled})
    disputed = {word.casefold(): why for word, why in card.words.disputed.items()}
    for raw, count in sorted((raw, count) for raw, count in kept.items() if raw is not None):
        emotion = card.labels.canonical(raw)
        why = card.words.disputed.get(raw) or (None if card.words.case_sensitive else disputed.get(raw.casefold()))
        values = {"n": count, "raw": raw, "label": _word(card, raw), "emotion": emotion}
        if why in REASONS:
            yield Note(code=REASONS[why], values=values)
        elif why:
            code = "outside_disputed" if emotion == OTHER else "disputed"
            yield Note(code=code, values={**values, "why": why.rstrip(".")})
        elif emotion == OTHER:
            yield Note(code="outside", values=values)


def note_on_strays(n: int, example: str) -> Note:
    """Audio files whose paths don't follow the corpus's rule."""
    return Note(code="strays", values={"n": n, "example": example})


def note_on_limit(limit: int, total: int, seed: int) -> Note:
    """What a limit left."""
    return Note(code="limited", values={"limit": limit, "total": total, "seed": seed})


def note_on_speakers(strangers: Counter[str]) -> Note:
    """Speakers that the card doesn't list."""
    return Note(code="unlisted_speakers", values={"n": sum(strangers.values()), "speakers": sorted(strangers)[:5]})


def _word(card: Card, raw: str) -> str:
    meaning = card.words.meanings.get(raw)
    return f"{meaning} ({raw})" if meaning else raw
