"""A column of texts in one piece: as objects, ten million ids and paths are 1.6 GB, and 0.7 GB so."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterable, Iterator, Sequence
from operator import index
from typing import Generic, SupportsIndex, TypeVar, cast, overload

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=str | None)
Codes = NDArray[np.int64]
_BLOCK = 1 << 13
_RUN = 1 << 16
_CODEC = "utf-8", "surrogatepass"
"""Every text that Python can hold, and sorted as Python sorts."""


class Texts(Sequence[T], Generic[T]):
    """Texts, or None for none, as their bytes one behind another. Equal to any sequence of the same texts.

    >>> names = Texts.of(["b", None, "Ä"])
    >>> names[2], names == ("b", None, "Ä"), list(names.at([2, 0]))
    ('Ä', True, ['Ä', 'b'])
    """

    __slots__ = ("_data", "_ends", "_lacking")

    def __init__(self, data: bytes, ends: Codes, lacking: NDArray[np.bool_] | None) -> None:
        self._data, self._ends, self._lacking = data, ends, lacking

    @classmethod
    def of(cls, values: Iterable[T]) -> Texts[T]:
        """A column of the values, which are texts or None; others raise TypeError."""
        if isinstance(values, Texts):
            return cast("Texts[T]", values)
        given: list[str | None] = list(values)
        lacking = np.fromiter((value is None for value in given), np.bool_, len(given))
        if given and lacking.all():
            return cls._of_none(len(given))
        if not set(map(type, given)) <= {str, type(None)}:
            raise TypeError("a column of texts holds texts, or None")
        encoded = [value.encode(*_CODEC) if value else b"" for value in given]
        ends = np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)))
        return cls(b"".join(encoded), ends, lacking if lacking.any() else None)

    @classmethod
    def joined(cls, parts: Sequence[Texts[T]]) -> Texts[T]:
        """The columns one behind another."""
        if len(parts) == 1:
            return parts[0]
        n = sum(map(len, parts))
        if n and all(not part._data and part._lacking is not None and part._lacking.all() for part in parts):
            return cls._of_none(n)
        ends, lacking, n, before = np.empty(n, dtype=np.int64), np.zeros(n, dtype=np.bool_), 0, 0
        for part in parts:
            here = slice(n, n + len(part))
            ends[here] = part._ends + before
            lacking[here] = False if part._lacking is None else part._lacking
            n, before = here.stop, before + len(part._data)
        return cls(b"".join(part._data for part in parts), ends, lacking if lacking.any() else None)

    @classmethod
    def _of_none(cls, n: int) -> Texts[T]:
        # They take no room: a corpus without transcripts has none of any clip.
        return cls(b"", np.broadcast_to(np.int64(0), n), np.broadcast_to(np.True_, n))

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, place: SupportsIndex) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> Texts[T]: ...
    def __getitem__(self, place: SupportsIndex | slice) -> T | Texts[T]:
        if isinstance(place, slice):
            return self.at(range(*place.indices(len(self))))
        n, place = len(self), index(place)
        if not -n <= place < n:
            raise IndexError(f"place {place} of {n} texts")
        place %= n
        if self._lacking is not None and self._lacking[place]:
            return cast("T", None)
        begin = int(self._ends[place - 1]) if place else 0
        return cast("T", self._data[begin : int(self._ends[place])].decode(*_CODEC))

    def __iter__(self) -> Iterator[T]:
        begin = 0
        for first in range(0, len(self), _BLOCK):
            ends = self._ends[first : first + _BLOCK]
            data = self._data[begin : int(ends[-1])]
            places = (ends - begin).tolist()
            text = data.decode("ascii") if data.isascii() else None
            lacking = None if self._lacking is None else self._lacking[first : first + _BLOCK].tolist()
            start = 0
            for number, end in enumerate(places):
                if lacking is not None and lacking[number]:
                    yield cast("T", None)
                else:
                    # One decoding for many, where a byte is a letter.
                    yield cast("T", data[start:end].decode(*_CODEC) if text is None else text[start:end])
                start = end
            begin = int(ends[-1])

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Texts):
            return (
                np.array_equal(self._ends, other._ends)
                and self._data == other._data
                and np.array_equal(self.lacking, other.lacking)
            )
        if isinstance(other, str | bytes) or not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(one == two for one, two in zip(self, other, strict=True))

    def __repr__(self) -> str:
        return f"Texts.of({list(self)!r})" if len(self) < _BLOCK else f"<{len(self)} texts>"

    @property
    def lacking(self) -> NDArray[np.bool_]:
        """Which are None."""
        return np.zeros(len(self), dtype=np.bool_) if self._lacking is None else self._lacking

    @property
    def filled(self) -> NDArray[np.bool_]:
        """Which have a letter at least."""
        return np.diff(self._ends, prepend=0) > 0

    def at(self, places: Codes | Sequence[int]) -> Texts[T]:
        """The texts at the places, in their order."""
        places = np.asarray(places, dtype=np.int64)
        if self._lacking is not None and not self._data and self._lacking.all():
            return self._of_none(len(places)) if len(places) else type(self).of(())
        if len(places) == len(self) and np.array_equal(places, np.arange(len(self))):
            return self
        held, pieces = np.frombuffer(self._data, dtype=np.uint8), list[bytes]()
        ends, total = np.empty(len(places), dtype=np.int64), 0
        for first in range(0, len(places), _BLOCK):
            chosen = places[first : first + _BLOCK]
            begins = np.where(chosen > 0, self._ends[chosen - 1], 0)
            sizes = self._ends[chosen] - begins
            behind = np.cumsum(sizes)
            if behind[-1]:
                bytes_at = np.repeat(begins - behind + sizes, sizes) + np.arange(behind[-1])
                pieces.append(held[bytes_at].tobytes())
            ends[first : first + _BLOCK] = behind + total
            total += int(behind[-1])
        lacking = None if self._lacking is None else self._lacking[places]
        return type(self)(b"".join(pieces), ends, lacking if lacking is not None and lacking.any() else None)


def sorted_places(texts: Texts[str]) -> Codes:
    """The places of the texts, ascending; equal ones in the order in which they stand."""
    runs = list[Iterator[tuple[str, int]]]()
    for first in range(0, len(texts), _RUN):
        names = list(texts[first : first + _RUN])
        places = sorted(range(len(names)), key=names.__getitem__)
        # Packed again: a merge has all runs open.
        runs.append(zip(Texts.of(names).at(places), map(first.__add__, array("q", places)), strict=True))
    return np.fromiter((place for _, place in heapq.merge(*runs)), np.int64, len(texts))


def places_in(known: Sequence[str], asked: Sequence[str]) -> Codes:
    """Where each of the asked is among the known, which ascend, each once; -1 where it is not.

    Asked for in ascending order, they are gone through together, without a copy of either.
    """
    found = np.full(len(asked), -1, dtype=np.int64)
    others = enumerate(known)
    place, other = next(others, (-1, None))
    before = ""
    for number, one in enumerate(asked):
        if one < before:
            at = {text: row for row, text in enumerate(known)}
            return np.fromiter((at.get(text, -1) for text in asked), np.int64, len(asked))
        before = one
        while other is not None and other < one:
            place, other = next(others, (-1, None))
        if other == one:
            found[number] = place
    return found
