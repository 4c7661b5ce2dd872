"""Scores made into probabilities by what clips of about the same score turned out to be.

Inductive Venn-Abers predictors (Vovk, Petej and Fedorova 2015, Large-scale probabilistic predictors with and
without guarantees of validity): isotonic regression of whether a clip is of a name on its score, once with the new
clip counted as one that is (`high`) and once as one that is not (`low`). A name's probability is `high / (1 - low +
high)`, which has the least log loss at worst; of several names, one against the rest each, they are scaled to add
up to 1. Names that no clip is of keep their score: there is nothing to fit them to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sv_eval.errors import ConfigError
from sv_eval.report.scored_under import ScoreSteps

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_DIGITS = 9
_NEEDED = "method venn_abers needs the extra [calibration]: pip install 'sv-eval[calibration]'"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VennAbers:
    """Steps for each name; None for one that no clip is of."""

    steps: tuple[ScoreSteps | None, ...]
    """By position of the name."""

    @classmethod
    def of(cls, names: Sequence[str], steps: Mapping[str, ScoreSteps]) -> Self:
        """Those that a file holds."""
        return cls(steps=tuple(steps.get(name) for name in names))

    def applied(self, scores: Floats) -> Floats:
        """The scores [clips, names] as probabilities.

        >>> steps = ScoreSteps(low_from=(0.5,), low=(0.1, 0.4), high_above=(0.5,), high=(0.6, 0.9))
        >>> VennAbers(steps=(steps, None)).applied(np.array([[0.6, 0.4]])).round(3).tolist()
        [[0.6, 0.4]]
        """
        made = scores.astype(np.float64, copy=True)
        for place, steps in enumerate(self.steps):
            if steps is not None:
                low, high = bounds_of(steps, scores[:, place])
                made[:, place] = high / (1 - low + high)
        total = made.sum(axis=1, keepdims=True)
        return np.asarray(made / np.where(total > 0, total, 1.0), dtype=np.float64)


def available() -> bool:
    """Whether the package that finds the steps is here; to apply them nothing is needed."""
    return find_spec("venn_abers") is not None


def bounds_of(steps: ScoreSteps, scores: Floats) -> tuple[Floats, Floats]:
    """What is probable at least and at most at each score; shapes [clips]."""
    low = np.asarray(steps.low)[np.searchsorted(np.asarray(steps.low_from), scores, side="right")]
    high = np.asarray(steps.high)[np.searchsorted(np.asarray(steps.high_above), scores, side="left")]
    return low.astype(np.float64), high.astype(np.float64)


def steps_of(scores: Floats, was: NDArray[np.bool_]) -> ScoreSteps:
    """The steps of one name; scores of clips, and whether each is of it. Raises ConfigError without the package."""
    try:
        from venn_abers.venn_abers import calc_p0p1
    except ImportError as error:
        raise ConfigError(_NEEDED) from error
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high, at = calc_p0p1(np.stack([1 - scores, scores], axis=1), was.astype(np.float64))
    low_from, low_steps = _shortened(at, low[:, 1])
    high_above, high_steps = _shortened(at, high[:, 1])
    return ScoreSteps(low_from=low_from, low=low_steps, high_above=high_above, high=high_steps)


def venn_abers_of(names: Sequence[str], scores: Floats, reference: Codes) -> dict[str, ScoreSteps]:
    """The steps of each name that clips are of; `reference` is the place of each clip's name."""
    there = np.unique(reference).tolist()
    return {names[place]: steps_of(scores[:, place], reference == place) for place in there}


def _shortened(at: Floats, levels: Floats) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Scores where another level begins, and the levels: one more than scores."""
    kept = np.flatnonzero(np.diff(levels))
    of_level = levels[[0, *(kept + 1).tolist()]].clip(0.0, 1.0).round(_DIGITS)
    return tuple(at[kept].tolist()), tuple(of_level.tolist())
