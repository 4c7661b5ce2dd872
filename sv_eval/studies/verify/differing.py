"""The first place at which two pieces of plain data differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

_NOTHING = "nothing"


class Difference(NamedTuple):
    """A place, and what stands on either side."""

    where: str
    """Dotted keys, places in lists among them."""
    printed: str
    """What the file has."""
    found: str
    """What its records give."""

    def __str__(self) -> str:
        told = f"{self.where}: {self.printed} is printed, the records give {self.found}"
        return f"{told}; was it written by another version?" if self.printed == _NOTHING else told


def first_difference(printed: object, found: object, where: str = "") -> Difference | None:
    """The first one, in the order of the file; None where they are equal.

    >>> str(first_difference({"a": [1, 2.5]}, {"a": [1, 2.0]}))
    'a.1: 2.5 is printed, the records give 2.0'
    >>> first_difference({"a": 1}, {"a": 1.0}) is None
    True
    """
    if isinstance(printed, Mapping) and isinstance(found, Mapping):
        for key in [*printed, *(key for key in found if key not in printed)]:
            place = f"{where}.{key}" if where else str(key)
            if key not in printed or key not in found:
                return Difference(place, *(_shown(side, key) for side in (printed, found)))
            if (inner := first_difference(printed[key], found[key], place)) is not None:
                return inner
        return None
    if isinstance(printed, list) and isinstance(found, list):
        for number, (one, other) in enumerate(zip(printed, found, strict=False)):
            if (inner := first_difference(one, other, f"{where}.{number}")) is not None:
                return inner
        if len(printed) != len(found):
            return Difference(where, f"a list of {len(printed)}", f"one of {len(found)}")
        return None
    same = printed == found and isinstance(printed, bool) == isinstance(found, bool)
    return None if same else Difference(where, _short(printed), _short(found))


def _shown(side: Mapping[str, object], key: str) -> str:
    return _short(side[key]) if key in side else _NOTHING


def _short(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
