"""The columns of a large run, made a part of the rows at a time: rows take more room than the columns of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.dimensions import DIMENSIONS
from sv_eval.record_file.columns import columns
from sv_eval.record_file.lines import Key
from sv_eval.record_file.rows import Row
from sv_eval.records import OUTSIDE, TOKENS
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
Part = dict[str, Any]
Coded = tuple[NDArray[np.int32], tuple[Any, ...]]


class Parts:
    """Takes rows one by one; a later row of a key takes the place of an earlier one.

    where, line_of: as in `columns`. most: how many rows are held as such.
    """

    def __init__(self, where: str, line_of: Callable[[Key], int] | None, most: int = PART_ROWS) -> None:
        self._where, self._line_of, self._most = where, line_of, most
        self._rows: dict[Key, Row] = {}
        self._first: list[Part] = []
        self._later: list[Part] = []

    def add(self, key: Key, row: Row) -> None:
        """Takes a row."""
        self._rows[key] = row
        if len(self._rows) >= self._most:
            self._turn()

    def columns(self) -> tuple[Part, Part | None]:
        """The columns of the first round, and those of all rounds where there are later ones."""
        if not self._first and not self._later:
            if not any(number for _, number in self._rows):
                return self._columns(self._rows), None
            return self._columns({key: row for key, row in self._rows.items() if not key[1]}), self._columns(
                self._rows
            )
        self._turn()
        if not self._later:
            return joined(self._first), None
        every = joined([dict(part) for part in (*self._first, *self._later)])
        return joined(self._first), every

    def _columns(self, rows: Mapping[Key, Row]) -> Part:
        return columns(rows, self._where, self._line_of)

    def _turn(self) -> None:
        """Makes columns of the rows that are held."""
        for parts, is_later in ((self._first, False), (self._later, True)):
            rows = {key: row for key, row in self._rows.items() if bool(key[1]) is is_later}
            if rows or not (parts or is_later):
                parts.append(self._columns(rows))
        self._rows = {}


def joined(parts: list[Part]) -> Part:
    """The columns of parts, of which later ones hold, as if all had been made at once. It empties the parts."""
    sizes = [len(part["clip_ids"]) for part in parts]
    order = _order(parts)
    found: Part = {}
    for name in _TEXTS:
        found[name] = _picked(list(chain.from_iterable(part.pop(name) for part in parts)), order)
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
    return found


def _order(parts: Sequence[Part]) -> NDArray[np.int64] | None:
    """The places of the rows by clip and round, the last of each; None where they stand so already."""
    ends = [(part["clip_ids"], part["round"]) for part in parts if part["clip_ids"]]
    if all((ids[-1], rounds[-1]) < (later[0], of[0]) for (ids, rounds), (later, of) in pairwise(ends)):
        return None
    ids = chain.from_iterable(part["clip_ids"] for part in parts)
    if not any(part["round"].any() for part in parts):
        last: dict[Any, int] = {clip_id: place for place, clip_id in enumerate(ids)}
    else:
        rounds = chain.from_iterable(part["round"].tolist() for part in parts)
        last = {key: place for place, key in enumerate(zip(ids, rounds, strict=True))}
    return np.fromiter((last[key] for key in sorted(last)), np.int64, len(last))


def _picked(values: list[Any], order: NDArray[np.int64] | None) -> tuple[Any, ...]:
    return tuple(values) if order is None else tuple(values[place] for place in order.tolist())


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
    return {place: whole[old] for place, old in enumerate(order.tolist()) if old in whole}


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
