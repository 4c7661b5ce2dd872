"""How much the best of many settings flatters itself, having been picked on the clips that it is judged by.

Cross-validation over units: the best setting is picked without a fifth of the units (without one of them, where
there are five or fewer) and judged by these. Each unit is left out once; its counts under the setting that was
picked without it are pooled with the others':

    optimism = max UAR - UAR of the pooled counts

Where settings are equal, what is left out knows nothing of the pick, and the estimate has no bias. Where they
differ it is slightly too high, as fewer units make a worse pick; most so for two speakers, where one of them picks.
A fifth, because leaving out single units picks one setting all along, or by bad luck all the wrong ones: right on
average, but far off each time. The mean over several partitions is given (Stone 1974, Cross-Validatory Choice and
Assessment of Statistical Predictions; Burman 1989, A Comparative Study of Ordinary Cross-Validation).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sv_eval.studies.sweep.units import PairedUnits

_FOLDS = 5
_PARTITIONS = 20


def optimism(units: PairedUnits, *, seed: int) -> float | None:
    """The UAR of the best setting, less what the best one is worth on units that had no say; None for one unit."""
    uar = units.uar()
    known = uar[np.isfinite(uar)]
    if units.n_units < 2 or not len(known):
        return None
    n, rng = units.counts.n, np.random.default_rng(seed)
    fold = np.arange(n) % _FOLDS
    folds = [fold] if n <= _FOLDS else [rng.permutation(fold) for _ in range(_PARTITIONS)]
    worth = np.array([units.uar_of_picks(_parts(units, one)) for one in folds])
    worth = worth[np.isfinite(worth)]
    return float(known.max() - worth.mean()) if len(worth) else None


def _parts(units: PairedUnits, fold: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many units of each group are in each part; shape [groups, parts]. `fold` has one entry a unit."""
    groups, parts = len(units.counts.multiplicity), int(fold.max()) + 1
    group = np.repeat(np.arange(groups), units.counts.multiplicity)
    return np.bincount(group * parts + fold, minlength=groups * parts).reshape(groups, parts)
