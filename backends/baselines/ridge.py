"""Ridge regression over standardised features, its strength chosen among the training clips."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.backends.baselines.svm import parts_of
from sv_eval.errors import CorpusError
from sv_eval.scoring.dimensions.moments import concordance

Floats = NDArray[np.float64]

GRID: tuple[float, ...] = (1.0, 10.0, 100.0, 1e3, 1e4)
"""The strengths that are tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ridge:
    """A fitted regression of one dimension."""

    alpha: float
    """The strength that it was fitted with."""
    low: float
    """Answers are cut off at the ends of the declared range."""
    high: float
    """Likewise."""
    machine: Any
    """scikit-learn's pipeline: standardisation, then the regression."""

    def judge(self, features: Floats) -> float:
        """The value of one clip."""
        return float(np.clip(self.machine.predict(features[None, :])[0], self.low, self.high))


def fit(
    features: Floats,
    truth: Floats,
    groups: Sequence[Hashable],
    *,
    alpha: float | None,
    ends: tuple[float, float],
    who: str,
) -> Ridge:
    """The regression for features [clips, dimensions] of clips with these values.

    groups say which clips belong together (by speaker): cross-validation inside never parts them. alpha: the
    strength to take; None takes the one of `GRID` whose held-out answers agree best (CCC), the largest of equals.
    ends: of the declared range. who: what it is fitted for, for errors. Raises CorpusError where there is nothing
    to choose by.
    """
    chosen = alpha
    if chosen is None:
        part = parts_of(groups)
        if part is None:
            raise CorpusError(
                f"{who}: one training speaker only, so alpha can't be chosen among others; give backend.alpha=100"
            )
        agreement = {one: _agreement(features, truth, part, one) for one in GRID}
        chosen = max(agreement, key=lambda one: (agreement[one], one))
    return Ridge(alpha=chosen, low=ends[0], high=ends[1], machine=_machine(chosen).fit(features, truth))


def _agreement(features: Floats, truth: Floats, part: NDArray[np.int64], alpha: float) -> float:
    """The concordance of answers to clips that were held out."""
    answer = np.empty(len(truth))
    for number in range(int(part.max()) + 1):
        out = part == number
        answer[out] = _machine(alpha).fit(features[~out], truth[~out]).predict(features[out])
    found = concordance(truth, answer)
    return found if np.isfinite(found) else -1.0


def _machine(alpha: float) -> Any:
    from sklearn.linear_model import Ridge as Regression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), Regression(alpha=alpha))
