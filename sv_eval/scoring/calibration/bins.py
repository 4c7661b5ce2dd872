"""Probabilities in bins, and what is summed in each by speaker."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

MOST_BINS = 15
"""As many as Guo et al. (2017), On Calibration of Modern Neural Networks, use."""
CLIPS_A_BIN = 20
"""Fewer bins where they would hold less than so many."""
FEWEST = 2 * CLIPS_A_BIN
"""Fewer clips than this have no reliability diagram."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Binned:
    """Sums in bins, ascending, by unit (speaker, or clip of an unknown one). Shapes [bins] and [units, bins]."""

    of_clip: Codes
    """The bin of each clip; shape [clips]."""
    n: Floats
    """Clips, by unit and bin."""
    probability: Floats
    """Sums of the probabilities."""
    observed: Floats
    """How many were."""

    @property
    def counts(self) -> Floats:
        """Clips in each bin; none is empty."""
        return np.asarray(self.n.sum(axis=0), dtype=np.float64)

    @property
    def differences(self) -> Floats:
        """Mean probability less observed share of each bin."""
        return np.asarray((self.probability - self.observed).sum(axis=0) / self.counts, dtype=np.float64)

    @property
    def differences_without(self) -> Floats:
        """The same without each unit; 0 for a bin that is then empty. Shape [units, bins]."""
        rest = self.probability - self.observed
        left = self.counts - self.n
        return np.asarray((rest.sum(axis=0) - rest) / np.where(left > 0, left, np.inf), dtype=np.float64)


def binned(probability: Floats, observed: NDArray[np.bool_], unit: Codes) -> Binned:
    """Clips in bins of equal mass; `unit` numbers the units from 0, each there."""
    of_clip = equal_mass(probability)
    size = int(unit.max()) + 1, int(of_clip.max()) + 1
    cell = unit * size[1] + of_clip

    def summed(weights: Floats | None) -> Floats:
        return np.bincount(cell, weights, minlength=size[0] * size[1]).reshape(size).astype(np.float64)

    return Binned(
        of_clip=of_clip,
        n=summed(None),
        probability=summed(probability),
        observed=summed(observed.astype(np.float64)),
    )


def equal_mass(probability: Floats, most: int = MOST_BINS) -> Codes:
    """The bin of each probability: as many clips in each as ties allow, equal ones always together.

    >>> equal_mass(np.repeat([0.1, 0.5, 0.9], 20)).tolist() == np.repeat([0, 1, 2], 20).tolist()
    True
    """
    n = len(probability)
    bins = max(1, min(most, n // CLIPS_A_BIN))
    ordered = np.sort(probability)
    edges = np.unique(ordered[(np.arange(1, bins) * n) // bins])
    of_clip = np.searchsorted(edges, probability, side="right")
    return np.asarray(np.unique(of_clip, return_inverse=True)[1], dtype=np.int64)


def units_of(speaker: NDArray[np.integer]) -> Codes:
    """A number from 0 for each clip's speaker; clips with a negative one are units by themselves."""
    lone = speaker < 0
    _, known = np.unique(speaker[~lone], return_inverse=True)
    unit = np.empty(len(speaker), dtype=np.int64)
    unit[~lone] = known
    unit[lone] = (int(known.max()) + 1 if len(known) else 0) + np.arange(int(lone.sum()))
    return unit
