"""Shares among clips that reach ever looser thresholds, all at once, and as many independent clips as they are
worth.

The same as `dependence_of` and `Dependence.bounding` one after another, for shares whose clips are not in any
order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]

_LEAST = 8
"""Fewer clips, or those that are all alike, say nothing about how they depend on each other."""
_MOST_CELLS = 2_000_000
"""Units by thresholds that are held at once."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NestedShares:
    """Flagged clips of those of each threshold; shapes [thresholds]."""

    threshold: Floats
    """From which score on, descending."""
    n: Floats
    """Clips."""
    flagged: Floats
    """Flagged ones of them."""
    inflation: Floats
    """By how much their share varies more than that of independent clips; 1 or more."""
    worth: Floats
    """As how many independent clips they bound it."""


def shares_of_reached(
    scores: Floats, flags: Mask, unit: Codes, thresholds: Floats, confidence: float
) -> Iterator[NestedShares]:
    """The share of flagged clips among those that reach a threshold, of some thresholds at a time."""
    return _shares(scores, flags, unit, thresholds, confidence, of_all=False)


def shares_of_all(
    scores: Floats, flags: Mask, unit: Codes, thresholds: Floats, confidence: float
) -> Iterator[NestedShares]:
    """The share of clips that are flagged and reach a threshold, among all clips, likewise."""
    return _shares(scores, flags, unit, thresholds, confidence, of_all=True)


def _shares(
    scores: Floats, flags: Mask, unit: Codes, thresholds: Floats, confidence: float, *, of_all: bool
) -> Iterator[NestedShares]:
    unit = np.unique(unit, return_inverse=True)[1]
    units = int(unit.max()) + 1
    sizes = np.bincount(unit, minlength=units).astype(np.float64)
    # Which threshold a clip is the first to reach; as many as there are for none.
    ascending = thresholds[::-1]
    first = len(thresholds) - np.searchsorted(ascending, scores, side="right")
    block = max(1, _MOST_CELLS // units)
    reached, found = np.zeros(units), np.zeros(units)
    for begin in range(0, len(thresholds), block):
        width = min(block, len(thresholds) - begin)
        there = (first >= begin) & (first < begin + width)
        cell = unit[there] * width + first[there] - begin
        shape = (units, width)
        n = np.cumsum(np.bincount(cell, minlength=units * width).reshape(shape), axis=1) + reached[:, None]
        hits = np.cumsum(np.bincount(cell, flags[there], units * width).reshape(shape), axis=1) + found[:, None]
        reached, found = n[:, -1], hits[:, -1]
        of = np.broadcast_to(sizes[:, None], shape) if of_all else n
        inflation, worth = _worth(hits, of, confidence)
        yield NestedShares(
            threshold=thresholds[begin : begin + width],
            n=of.sum(axis=0),
            flagged=hits.sum(axis=0),
            inflation=inflation,
            worth=worth,
        )


def _worth(flagged: Floats, of: Floats, confidence: float) -> tuple[Floats, Floats]:
    """The inflation and the worth of shares; shapes [units, thresholds] to [thresholds]."""
    from scipy.special import ndtri, stdtrit

    n, total, units = of.sum(axis=0), flagged.sum(axis=0), (of > 0).sum(axis=0).astype(np.float64)
    share = total / np.maximum(n, 1.0)
    variance = share * (1 - share)
    known = (n >= _LEAST) & (variance > 0) & (units < n)
    sums = (flagged**2).sum(axis=0) - 2 * share * (flagged * of).sum(axis=0) + share**2 * (of**2).sum(axis=0)
    apart = np.maximum(units - 1, 1.0)
    clips = np.where(units > 1, sums / np.where(known, n * variance, 1.0) * units / apart, n)
    inflation = np.where(known, np.maximum(1.0, clips), 1.0)
    freedom = np.maximum(1.0, inflation**2 / np.maximum(np.where(known, clips, 1.0) ** 2 / apart, 1e-300))
    tail = (1 + confidence) / 2
    wider = np.where(known, ndtri(tail) / stdtrit(freedom, tail), 1.0)
    worth = np.minimum(n, np.floor(n / inflation * wider**2))
    return inflation, np.maximum(1.0, np.where(known, worth, np.floor(n)))
