"""The columns of a large run, made a part of the rows at a time: rows take more room than the columns of them."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, count, pairwise
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.dimensions import DIMENSIONS
from sv_eval.record_file.columns import KeyedRow, columns
from sv_eval.record_file.freed import give_back
from sv_eval.record_file.lines import Key, Standing, check_repeat
from sv_eval.record_file.rows import OUTCOME, OUTCOMES, SESSION, Row
from sv_eval.record_file.texts import Texts
from sv_eval.records import OUTSIDE, TOKENS, Outcome
from sv_eval.sound_facts import SOUND_FACTS

PART_ROWS = 1 << 16
"""Rows that are held before they become columns."""
_WORDS = {
    "raw_label": "raw_labels",
    "said": "said_words",
    "speaker": "speakers",
    "language": "languages",
    "sex": "sexes",
    "accent": "accents",
    "ballots": "ballot_sets",
    "emotions": "emotion_sets",
}
"""Columns of codes to what the codes mean."""
_TEXTS = ("clip_ids", "transcripts", "recognised", "paths")
_AT_POSITIONS = ("failures", "troubles", "streamed", "marks", "answered_by")
_BY_NAME = {
    "stages_ms": (),
    "sound": SOUND_FACTS,
    "told": (*TOKENS, OUTSIDE),
    "true_dimensions": DIMENSIONS,
    "dimensions": DIMENSIONS,
}
"""Columns by name, with the order of their names; none for that in which they occur."""
_LINE, _REPEATED = "line", "repeated"
"""Of a part alone: the line of each row, and what stood first where a row took another's place."""
_FAILURE = Outcome.FAILURE.value
_KEY = itemgetter(0)
Part = dict[str, Any]
Coded = tuple[NDArray[np.int32], tuple[Any, ...]]


class Parts:
    """Takes the rows of lines one by one; a later start's record of a failure takes that one's place.

    where: begins errors. most: how many rows are held as such. in_file: whether the lines are those of a file.
    """

    def __init__(self, where: str, most: int = PART_ROWS, *, in_file: bool = True) -> None:
        self._where, self._most, self._in_file = where, most, in_file
        self._rows: list[KeyedRow] = []
        self._first: list[Part] = []
        self._later: list[Part] = []
        self.asked_again = 0
        """Failures of the first round that gave way to a later session's record."""

    def add(self, key: Key, line: int, row: Row) -> None:
        """Takes the row of a line.

        Here or later it raises RunDirectoryError for a word or number that a record cannot hold, and for a key that
        was given before where no start of a run repeats it.
        """
        self._rows.append((key, line, row))
        if len(self._rows) >= self._most:
            self._turn()

    def columns(self) -> tuple[Part, Part | None]:
        """The columns of the first round, and those of all rounds where there are later ones."""
        if not self._first and not self._later:
            rows, _ = self._settled(self._rows)
            of_first = [one for one in rows if not one[0][1]]
            later = None if len(of_first) == len(rows) else self._columns(rows)
            return self._columns(of_first), later
        self._turn()
        every = None
        if self._later:
            every, _ = joined([dict(part) for part in (*self._first, *self._later)], self._where)
        first, again = joined(self._first, self._where)
        self.asked_again += again
        give_back()
        return first, every

    def _turn(self) -> None:
        """Makes columns of the rows that are held."""
        for parts, is_later in ((self._first, False), (self._later, True)):
            rows, repeated = self._settled([one for one in self._rows if bool(one[0][1]) is is_later])
            if rows or not (parts or is_later):
                lines = np.fromiter((line for _, line, _ in rows), np.int64, len(rows))
                parts.append(self._columns(rows) | {_LINE: lines, _REPEATED: repeated})
        self._rows = []

    def _columns(self, rows: Sequence[KeyedRow]) -> Part:
        return columns(rows, self._where, in_file=self._in_file)

    def _settled(self, rows: Iterable[KeyedRow]) -> tuple[list[KeyedRow], dict[int, Standing]]:
        """The rows that count, ascending, and what stood first where there was more than one, by position."""
        kept, repeated = list[KeyedRow](), dict[int, Standing]()
        for one in sorted(rows, key=_KEY):
            if kept and kept[-1][0] == one[0]:
                earlier = kept[-1]
                check_repeat(self._where, one[0], _standing(earlier), _standing(one))
                repeated.setdefault(len(kept) - 1, _standing(earlier))
                self.asked_again += not one[0][1]
                kept[-1] = one
            else:
                kept.append(one)
        return kept, repeated


def _standing(one: KeyedRow) -> Standing:
    _, line, row = one
    return Standing(line, row[SESSION], row[OUTCOME] == _FAILURE)


def joined(parts: list[Part], where: str) -> tuple[Part, int]:
    """The columns of parts, of which later ones hold, as if all had been made at once, and how many failures of the
    first round gave way. It empties the parts."""
    sizes = [len(part["clip_ids"]) for part in parts]
    order, again = _order(parts, sizes, where)
    found: Part = {}
    for name in (_LINE, _REPEATED):
        for part in parts:
            del part[name]
    for name in _TEXTS:
        texts = Texts.joined([part.pop(name) for part in parts])
        found[name] = texts if order is None else texts.at(order)
    for name, meanings in _WORDS.items():
        codes, found[meanings] = _recoded([(part.pop(name), part.pop(meanings)) for part in parts])
        found[name] = codes if order is None else codes[order]
    for name in _AT_POSITIONS:
        found[name] = _moved([part.pop(name) for part in parts], sizes, order)
    for name, names in _BY_NAME.items():
        found[name] = _named([part.pop(name) for part in parts], sizes, order, names)
    for name in list(parts[0]):
        whole = np.concatenate([part.pop(name) for part in parts])
        found[name] = whole if order is None else whole[order]
    return found, again


def _order(parts: Sequence[Part], sizes: Sequence[int], where: str) -> tuple[NDArray[np.int64] | None, int]:
    """The places of the rows by clip and round, the last of each, and how many failures gave way; None where they
    stand so already."""
    ends = [(part["clip_ids"], part["round"]) for part in parts if part["clip_ids"]]
    if all((ids[-1], rounds[-1]) < (later[0], of[0]) for (ids, rounds), (later, of) in pairwise(ends)):
        return None, 0
    begins = np.cumsum([0, *sizes])
    rows = (
        zip(part["clip_ids"], part["round"].tolist(), count(int(begin)), strict=False)
        for part, begin in zip(parts, begins, strict=False)
    )
    order, again, n = np.empty(sum(sizes), dtype=np.int64), 0, 0
    before: Key | None = None
    for clip_id, number_of_round, place in heapq.merge(*rows):
        key = clip_id, number_of_round
        if key == before:
            earlier, later = (_stood(parts, begins, int(at)) for at in (order[n - 1], place))
            check_repeat(where, key, earlier[-1], later[0])
            again += not number_of_round
            n -= 1
        order[n], before = place, key
        n += 1
    return order[:n], again


def _stood(parts: Sequence[Part], begins: NDArray[np.int64], place: int) -> tuple[Standing, Standing]:
    """What stood first and what stood last at a place of all parts."""
    number = int(np.searchsorted(begins, place, side="right")) - 1
    part, row = parts[number], place - int(begins[number])
    last = Standing(
        int(part[_LINE][row]), int(part["session"][row]), OUTCOMES[int(part["outcome"][row])] is Outcome.FAILURE
    )
    return part[_REPEATED].get(row, last), last


def _recoded(given: Sequence[Coded]) -> Coded:
    """Codes of several vocabularies as codes of one, and what they mean, sorted."""
    words = tuple(sorted(set(chain.from_iterable(meanings for _, meanings in given))))
    code = {word: number for number, word in enumerate(words)}
    again = []
    for codes, meanings in given:
        new = np.array([*(code[word] for word in meanings), -1], dtype=np.int32)
        again.append(new[codes])
    return np.concatenate(again), words


def _moved(
    parts: Sequence[Mapping[int, Any]], sizes: Sequence[int], order: NDArray[np.int64] | None
) -> dict[int, Any]:
    """What stands at positions of parts, at those of the whole, ascending."""
    begins = np.cumsum([0, *sizes])
    whole = {
        int(begin) + position: value
        for begin, part in zip(begins, parts, strict=False)
        for position, value in part.items()
    }
    if order is None or not whole:
        return whole
    there = np.zeros(int(begins[-1]), dtype=np.bool_)
    there[list(whole)] = True
    return {place: whole[int(order[place])] for place in np.flatnonzero(there[order]).tolist()}


def _named(
    parts: Sequence[Mapping[str, NDArray[np.float64]]],
    sizes: Sequence[int],
    order: NDArray[np.int64] | None,
    names: Sequence[str],
) -> dict[str, NDArray[np.float64]]:
    """Columns by name, NaN for a part that lacks one."""
    found = {}
    for name in dict.fromkeys(chain(names, chain.from_iterable(parts))):
        if any(name in part for part in parts):
            pieces = [part.get(name, np.full(size, np.nan)) for part, size in zip(parts, sizes, strict=True)]
            whole = np.concatenate(pieces)
            found[name] = whole if order is None else whole[order]
    return found
