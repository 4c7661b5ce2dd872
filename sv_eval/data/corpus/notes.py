"""What a report says about a corpus: what was left out, unscored, disputed or incomplete.

A note is a code with values; the renderers hold the sentences, one per language.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sv_eval.data.corpus.companions import Table
from sv_eval.data.corpus.completeness import Completeness
from sv_eval.data.corpus.schema import Card
from sv_eval.data.corpus.synonyms import REASONS
from sv_eval.emotions import OTHER

_MOST_SPEAKERS = 5
"""A report names so many; `Completeness` has them all."""
_MOST_CLIPS = 5


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


def notes_on_corpus(card: Card, whole: Completeness | None) -> Iterator[Note]:
    """What holds for the corpus as it lies on disk; None where only a part of it was looked at."""
    for text in card.notes:
        yield Note(code="text", values={"text": text})
    if whole is None:
        return
    if whole.by_label:
        differing = {raw: list(pair) for raw, pair in whole.by_label.items()}
        values = {"found": whole.found, "expected": whole.expected, "differing": differing}
        yield Note(code="differs_from_card", values=values)
    elif whole.edition is not None:
        yield Note(code="edition", values={"edition": whole.edition, "n": whole.found})
    if whole.by_speaker:
        most = sorted(whole.by_speaker.items(), key=lambda item: (-abs(item[1][0] - item[1][1]), item[0]))
        values = {"n": len(most), "differing": {name: list(pair) for name, pair in sorted(most[:_MOST_SPEAKERS])}}
        yield Note(code="speakers_differ", values=values)


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


def note_on_voted(rule: str, voted: Sequence[str | None], of: int) -> Note:
    """Labels that raters' votes made by a rule; voted: the labels of the clips that have votes."""
    ties = sum(label is None for label in voted)
    return Note(code=f"voted_{rule}", values={"n": len(voted), "of": of, "ties": ties})


def note_on_strays(n: int, example: str) -> Note:
    """Audio files whose paths don't follow the corpus's rule."""
    return Note(code="strays", values={"n": n, "example": example})


def note_on_unranged(names: Sequence[str]) -> Note:
    """Columns of emotional dimensions that were left, since nobody declared their ranges."""
    return Note(code="unranged", values={"names": list(names)})


def note_on_beyond(name: str, n: int, of: int, declared: Sequence[float], example: str) -> Note:
    """References outside the declared range: few, or the declaration would be refused."""
    values = {"name": name, "n": n, "of": of, "low": declared[0], "high": declared[1], "example": example}
    return Note(code="beyond_range", values=values)


def note_on_copies(n: int) -> Note:
    """Second copies of files that are there twice."""
    return Note(code="copies", values={"n": n})


def note_on_superseded(n: int, preferred: str) -> Note:
    """Files that another of the same name goes before."""
    return Note(code="superseded", values={"n": n, "preferred": preferred})


def note_on_unlisted(n: int) -> Note:
    """Audio files that the corpus's own table doesn't mention."""
    return Note(code="unlisted", values={"n": n})


def note_on_absent(n: int, listed: int, names: Sequence[str]) -> Note:
    """Clips that the corpus's own table lists without a file being there."""
    return Note(code="absent", values={"n": n, "listed": listed, "clips": list(names[:_MOST_CLIPS])})


def note_on_companion(table: Table) -> Note:
    """A table beside the audio that is not there, or says nothing of some clips."""
    what = sorted(table.companion.columns)
    values = {"what": what, "n": table.n_joined, "of": table.n_clips, "files": list(table.companion.files)}
    return Note(code="companion_partial" if len(table) else "companion_absent", values=values)


def note_on_contradictions(n: int, example: str) -> Note:
    """Files whose number belongs to another emotion or split than their folder says."""
    return Note(code="contradictions", values={"n": n, "example": example})


def note_on_overlap(title: str) -> Note:
    """A fold whose speakers are in its training part too."""
    return Note(code="folds_overlap", values={"title": title})


def note_on_restriction(only: Mapping[str, Sequence[str]], n: int, total: int) -> Note:
    """What a restriction left."""
    wanted = [f"{field}={value}" for field, values in only.items() for value in values]
    return Note(code="restricted", values={"n": n, "total": total, "only": wanted})


def note_on_limit(limit: int, total: int, seed: int) -> Note:
    """What a limit left."""
    return Note(code="limited", values={"limit": limit, "total": total, "seed": seed})


def note_on_speakers(strangers: Counter[str]) -> Note:
    """Speakers that the card doesn't list."""
    return Note(code="unlisted_speakers", values={"n": sum(strangers.values()), "speakers": sorted(strangers)[:5]})


def _word(card: Card, raw: str) -> str:
    meaning = card.words.meanings.get(raw)
    return f"{meaning} ({raw})" if meaning else raw
