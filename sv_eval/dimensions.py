"""Emotional dimensions: their names, the ranges that are declared for them, and the way from one range to another.

A number says something about arousal only together with the range that it is from: 4 is the middle of 1 to 7 and
outside 0 to 1. So whoever gives such numbers, a corpus or a recogniser, declares the range; none is guessed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

AROUSAL, VALENCE, DOMINANCE = "arousal", "valence", "dominance"
DIMENSIONS = (AROUSAL, VALENCE, DOMINANCE)
"""Calm to excited, unpleasant to pleasant, submissive to dominant; the lower end of a range is the former."""

Range = tuple[float, float]
"""The lowest and the highest value that there can be."""


def range_from(what: str, pair: object) -> Range:
    """A declared range; raises ValueError for what is none, beginning with `what`.

    >>> range_from("arousal", [1, 7])
    (1.0, 7.0)
    """
    if isinstance(pair, Sequence) and not isinstance(pair, str | bytes) and len(pair) == 2:
        low, high = pair
        numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (low, high))
        if numbers and -math.inf < low < high < math.inf:
            return float(low), float(high)
    raise ValueError(f"{what}: {pair!r} is no range; give the lowest and the highest value, such as [1, 7]")


def ranges_from(where: str, given: Mapping[str, Any]) -> dict[str, Range]:
    """Declared ranges by dimension, in the usual order; raises ValueError."""
    for name in given:
        if name not in DIMENSIONS:
            raise ValueError(f"{where}: '{name}' is no emotional dimension; there are {', '.join(DIMENSIONS)}")
    return {name: range_from(f"{where}.{name}", given[name]) for name in DIMENSIONS if name in given}


def led(value: float, source: Range, target: Range) -> float:
    """The value of one range as one of another: a straight line that leads ends to ends.

    >>> led(0.5, (0.0, 1.0), (1.0, 7.0)), led(-1.0, (-1.0, 1.0), (1.0, 5.0))
    (4.0, 1.0)
    """
    return target[0] + (value - source[0]) * scale_of(source, target)


def scale_of(source: Range, target: Range) -> float:
    """How many units of the target's range one of the source's is."""
    return (target[1] - target[0]) / (source[1] - source[0])


def those_in(data: Mapping[str, Any], names: Iterable[str] = DIMENSIONS) -> dict[str, Any]:
    """What `data` holds of dimensions, in the usual order."""
    return {name: data[name] for name in names if data.get(name) is not None}
