"""Speakers in parts, so that each part can be judged by what the others taught."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOST = 5
"""Parts; fewer speakers have one each."""


def folds_of(unit: NDArray[np.int64], most: int = MOST) -> NDArray[np.int64]:
    """The part of each clip: all clips of a speaker are in one, and parts hold about as many clips each.

    >>> folds_of(np.array([0, 0, 0, 1, 2, 3]), 2).tolist()
    [0, 0, 0, 1, 1, 1]
    """
    sizes = np.bincount(unit)
    filled = np.zeros(min(most, len(sizes)))
    part = np.empty(len(sizes), dtype=np.int64)
    for speaker in np.argsort(-sizes, kind="stable").tolist():
        part[speaker] = int(filled.argmin())
        filled[part[speaker]] += sizes[speaker]
    return part[unit]
