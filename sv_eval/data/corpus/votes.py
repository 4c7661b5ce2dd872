"""What raters said of a clip, and all that is true of it, as manifests and tables write them.

A cell holds counts or shares (`{"angry": 3, "sad": 1}` or `angry=3;sad=1`), raters with what each said
(`{"r1": "angry", "r2": ["angry", "sad"]}` or `r1:angry;r2:angry|sad`), or what was said, one a rater
(`["angry", "angry", "sad"]` or `angry;angry;sad`).
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Literal, NoReturn

from sv_eval.data.corpus.entry import Entry
from sv_eval.data.corpus.schema import Card
from sv_eval.errors import CorpusError
from sv_eval.record_file.ballots import ballots_of

Votes = dict[str, float] | None
Raters = dict[str, tuple[str, ...]] | None
Rule = Literal["plurality", "majority"]

_SLACK = 0.02
"""Shares may add up to so much more or less than 1: those that are rounded to two digits do."""
_NEARLY = 1e-9
_SHAPES = 'give {"angry": 3, "sad": 1}, angry=3;sad=1, r1:angry;r2:sad or angry;angry;sad'


def read_votes(
    where: str, cell: object, row: Mapping[str, Any], counted: Mapping[str, str]
) -> tuple[Votes, Raters]:
    """Votes and raters of a manifest's row, of which one is None; raises CorpusError.

    cell: its column `votes`; counted: emotion to the column that counts it, in tables with a column for each.
    """
    votes: Votes
    raters: Raters = None
    if cell is not None and cell != "":
        votes, raters = _parsed(where, cell)
    else:
        cells = {word: row.get(column) for word, column in counted.items()}
        votes = {word: _number(where, word, given) for word, given in cells.items() if given not in (None, "")}
    return (None, raters) if raters else (checked(where, votes), None)


def read_emotions(where: str, cell: object) -> tuple[str, ...] | None:
    """The emotions of a cell, `happy;surprised` or a list; None for an empty one. Raises CorpusError."""
    if isinstance(cell, str):
        cell = _json(where, cell) if cell.lstrip().startswith("[") else _pieces(cell)
    if cell is None or cell == []:
        return None
    if not isinstance(cell, list) or not all(isinstance(word, str) and word.strip() for word in cell):
        raise CorpusError(f"{where}: emotions are {cell!r}; give happy;surprised or a list of words")
    return tuple(dict.fromkeys(word.strip() for word in cell))


def checked(where: str, votes: Mapping[str, float] | None) -> Votes:
    """Votes that can be, without words that nobody gave; None for none. Raises CorpusError."""
    found = {word: count for word, count in (votes or {}).items() if count}
    whole = all(float(count).is_integer() for count in found.values())
    total = math.fsum(found.values())
    if not whole and abs(total - 1) > _SLACK:
        raise CorpusError(
            f"{where}: the votes {found} are neither whole numbers of raters nor shares that add up to 1 "
            f"({total:g}); give counts or shares"
        )
    return found or None


def words_of(entry: Entry) -> Iterator[str]:
    """Every word of the corpus that a clip has beside its label."""
    yield from entry.votes or ()
    for given in (entry.raters or {}).values():
        yield from given
    yield from entry.emotions or ()


def most_voted(entry: Entry, card: Card, rule: Rule = "plurality") -> str | None:
    """The word of the emotion that most raters heard; None for a tie, and for no votes.

    Words that the card leads to one emotion are counted together. A majority is more than half of all votes.
    """
    shares: defaultdict[str, float] = defaultdict(float)
    of_emotion: defaultdict[str, float] = defaultdict(float)
    for ballot, count in ballots_of(entry.votes, entry.raters) or ():
        for word in ballot:
            shares[word] += count / len(ballot)
    for word, share in shares.items():
        of_emotion[card.labels.canonical(word) or word] += share
    if not of_emotion:
        return None
    best = max(of_emotion.values())
    winners = [emotion for emotion, share in of_emotion.items() if share > best - _NEARLY]
    if len(winners) > 1 or (rule == "majority" and best <= sum(of_emotion.values()) / 2 + _NEARLY):
        return None
    words = [word for word in shares if (card.labels.canonical(word) or word) == winners[0]]
    return max(sorted(words), key=shares.__getitem__)


def labelled(entries: Iterable[Entry], card: Card, rule: Rule | None) -> Iterator[Entry]:
    """The entries, those with votes labelled by the rule; with none as they are."""
    for entry in entries:
        if rule is not None and (entry.votes or entry.raters):
            entry.label = most_voted(entry, card, rule)
        yield entry


def _parsed(where: str, cell: object) -> tuple[Votes, Raters]:
    if isinstance(cell, str):
        cell = _json(where, cell) if cell.lstrip()[:1] in ("{", "[") else _written(where, cell)
    if isinstance(cell, list) and all(isinstance(word, str) for word in cell):
        return dict(Counter(word.strip() for word in cell if word.strip())), None
    if not isinstance(cell, Mapping):
        _refuse(where, cell)
    if cell and all(isinstance(given, str | list) for given in cell.values()):
        return None, {str(rater).strip(): _ballot(where, given) for rater, given in cell.items()}
    return {str(word).strip(): _number(where, str(word), given) for word, given in cell.items()}, None


def _written(where: str, text: str) -> object:
    """What a cell means that isn't JSON."""
    pieces = _pieces(text)
    for sign in "=:":
        pairs = [piece.rpartition(sign) if sign == "=" else piece.partition(sign) for piece in pieces]
        if any(found for _, found, _ in pairs):
            if not all(name.strip() and found and rest.strip() for name, found, rest in pairs):
                _refuse(where, text)
            if len({name.strip() for name, _, _ in pairs}) < len(pairs):
                raise CorpusError(f"{where}: the votes '{text}' name one twice; {_SHAPES}")
            if sign == "=":
                return {name: _number(where, name, rest) for name, _, rest in pairs}
            return {name: rest.split("|") for name, _, rest in pairs}
    return pieces


def _pieces(text: str) -> list[str]:
    return [piece.strip() for piece in re.split(r"[;,]", text) if piece.strip()]


def _ballot(where: str, given: object) -> tuple[str, ...]:
    words = [given] if isinstance(given, str) else given
    if (
        not isinstance(words, list)
        or not words
        or not all(isinstance(word, str) and word.strip() for word in words)
    ):
        _refuse(where, given)
    return tuple(dict.fromkeys(word.strip() for word in words))


def _number(where: str, word: str, given: object) -> float:
    found = math.nan
    if isinstance(given, int | float | str) and not isinstance(given, bool):
        with suppress(ValueError, OverflowError):
            found = float(given)
    if not 0 <= found < math.inf:
        raise CorpusError(
            f"{where}: the votes for '{word.strip()}' are {given!r}; give a number of raters, or a share"
        )
    return int(found) if found.is_integer() else found


def _json(where: str, text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        _refuse(where, text)


def _refuse(where: str, given: object) -> NoReturn:
    raise CorpusError(f"{where}: the votes are {str(given)[:80]!r}; {_SHAPES}")
