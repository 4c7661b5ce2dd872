"""Labels that disagree with the clip's path: a folder or a part of the name that tells the emotion says another.

Where a corpus puts the emotion isn't known beforehand, and it isn't asked of the card, which may have believed the
wrong place. A place of the path (the second folder from the end, the third part of the name) tells the label in one
of two ways. By words: what stands there is a word for an emotion in nearly all paths, and it is the clip's in most.
By company: clips that have the same thing there have the same label, though clips elsewhere have others.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sv_eval.data.audit.facts import ClipFacts
from sv_eval.data.audit.finding import Finding, found
from sv_eval.data.corpus.schema import Card
from sv_eval.data.corpus.synonyms import SYNONYMS

Place = tuple[str, int]
"""`folder` counted from the file on, or `name`, a part of the file's name counted from its beginning."""
Word = Callable[[str], str | None]
"""Gives the emotion that a piece of a path is a word for."""

_APART = re.compile(r"[\s_.+@#()\[\]-]+")
_MOST_PLACES = 8
_FEWEST_CLIPS = 5
"""So many clips must share a piece before it tells anything."""
_SHORTEST_WORD = 3
"""`F` is happiness here and a woman there."""
_COVERED = 0.9
"""The share of clips of which a place must tell something."""


def label_contradicts_path(clips: Sequence[ClipFacts], card: Card, agreement: float) -> list[Finding]:
    """Clips whose label isn't what their path says. agreement: from which share of clips on a place is believed."""
    labelled = [clip for clip in clips if clip.emotion is not None]
    cases: dict[int, dict[str, Any]] = {}
    word = words_of(card)
    for place, pieces in _places(labelled).items():
        for index, says in (
            *_by_words(labelled, pieces, word, agreement),
            *_by_company(labelled, pieces, agreement),
        ):
            clip = labelled[index]
            evidence = {"label": clip.label, "place": place[0], "piece": pieces[index], "says": says}
            cases.setdefault(index, clip.case(**evidence))
    return found("label_contradicts_path", (cases[index] for index in sorted(cases)))


def words_of(card: Card) -> Word:
    """What pieces of a path mean: in the card's words first, then in those that most corpora share."""
    common = {raw.casefold(): emotion for raw, emotion in SYNONYMS.items()}
    meanings = {
        meaning.casefold(): emotion
        for raw, meaning in card.words.meanings.items()
        if (emotion := card.labels.canonical(raw)) is not None
    }
    own = {raw.casefold(): emotion for raw, emotion in card.words.map.items()}
    known = {word: emotion for word, emotion in (common | meanings | own).items() if _is_word(word)}

    def word(piece: str) -> str | None:
        whole = known.get(piece.casefold())
        if whole is not None:
            return whole
        parts = {known[part] for part in _APART.split(piece.casefold()) if part in known}
        return parts.pop() if len(parts) == 1 else None

    return word


def _is_word(word: str) -> bool:
    return len(word) >= _SHORTEST_WORD or not word.isascii()


def _places(clips: Sequence[ClipFacts]) -> dict[Place, list[str | None]]:
    """For every place, what stands there in each clip's path; None where the path is shorter."""
    places: dict[Place, list[str | None]] = {}
    for index, clip in enumerate(clips):
        *folders, file = clip.path.split("/")
        parts = [part for part in _APART.split(os.path.splitext(file)[0]) if part]
        pieces = {
            ("folder", place): folder for place, folder in enumerate(reversed(folders[-_MOST_PLACES:]), start=1)
        }
        pieces |= {("name", place): part for place, part in enumerate(parts[:_MOST_PLACES], start=1)}
        for place, piece in pieces.items():
            places.setdefault(place, [None] * len(clips))[index] = piece
    return places


def _by_words(
    clips: Sequence[ClipFacts], pieces: Sequence[str | None], word: Word, agreement: float
) -> Iterator[tuple[int, str]]:
    """Clips by their index whose label isn't the emotion that the place names, and what it names."""
    known = {piece: word(piece) for piece in set(pieces) if piece is not None}
    said = [known[piece] if piece is not None else None for piece in pieces]
    told = [(index, emotion) for index, emotion in enumerate(said) if emotion is not None]
    if len(told) < _COVERED * len(clips) or len({emotion for _, emotion in told}) < 2:
        return
    wrong = [(index, emotion) for index, emotion in told if emotion != clips[index].emotion]
    held = Counter(pieces[index] for index, _ in told)
    amiss = Counter(pieces[index] for index, _ in wrong)
    # A word may be wrong throughout, as a folder with another's name is; one that is right now and then, as in a
    # dialogue named after two emotions, says nothing.
    clear = sum(max(amiss[piece], n - amiss[piece]) for piece, n in held.items())
    if 2 * len(wrong) < len(told) and clear >= agreement * len(told):
        yield from wrong


def _by_company(
    clips: Sequence[ClipFacts], pieces: Sequence[str | None], agreement: float
) -> Iterator[tuple[int, str]]:
    """Clips by their index whose label isn't that of nearly all that have the same piece, and what that is."""
    groups: defaultdict[str, Counter[str]] = defaultdict(Counter)
    # Capitals may be somebody's carelessness; another emotion is what is looked for.
    keys = [(clip.label or "").casefold() for clip in clips]
    for key, piece in zip(keys, pieces, strict=True):
        if piece is not None:
            groups[piece][key] += 1
    told = {piece: labels for piece, labels in groups.items() if labels.total() >= _FEWEST_CLIPS}
    if sum(labels.total() for labels in told.values()) < _COVERED * len(clips) or not _tells(told, agreement):
        return
    spelled = {key: clip.label or "" for key, clip in zip(keys, clips, strict=True)}
    for index, (key, piece) in enumerate(zip(keys, pieces, strict=True)):
        labels = told.get(piece or "")
        if labels is None:
            continue
        usual, n = labels.most_common(1)[0]
        if key != usual and n >= agreement * labels.total():
            yield index, spelled[usual]


def _tells(groups: Mapping[str, Counter[str]], agreement: float) -> bool:
    """Whether knowing the piece spares most of the errors in guessing the label.

    Goodman and Kruskal's lambda, "Measures of association for cross classifications", Journal of the American
    Statistical Association 49 (1954): 1 - (errors knowing the piece) / (errors without).
    """
    total = sum(groups.values(), Counter[str]())
    blind = total.total() - max(total.values(), default=0)
    knowing = sum(labels.total() - max(labels.values()) for labels in groups.values())
    usual = {labels.most_common(1)[0][0] for labels in groups.values()}
    return len(usual) > 1 and blind > 0 and 1 - knowing / blind >= agreement
