"""How much each swept parameter matters: the means at its values, and its share of the settings' variance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.config.overrides import as_word
from sv_eval.report.sweep import Level, OfMeasures, Sensitivity

Floats = NDArray[np.float64]

_MOST_VALUES = 8
"""A parameter with more values than this is looked at in bins of equal numbers."""
_BINS = 4


def sensitivity_of(values: Mapping[str, Sequence[Any]], *, uar: Floats, p95_ms: Floats) -> tuple[Sensitivity, ...]:
    """An entry a parameter.

    values: by parameter, the value in each setting. uar, p95_ms: what each setting measured; NaN where there is
    none. On a full grid the shares of all parameters and what is left over, their interplay and noise, sum to 1.
    """
    return tuple(_of_one(name, column, uar, p95_ms) for name, column in values.items())


def _of_one(name: str, column: Sequence[Any], uar: Floats, p95_ms: Floats) -> Sensitivity:
    labels = levels_of(column)
    names = list(dict.fromkeys(sorted(labels, key=_sort_key(column, labels))))
    of = np.array([names.index(label) for label in labels])
    uars, p95s = _means(uar, of, len(names)), _means(p95_ms, of, len(names))
    return Sensitivity(
        parameter=name,
        levels=tuple(
            Level(value=label, n=int((of == level).sum()), uar=uars[level], p95_ms=p95s[level])
            for level, label in enumerate(names)
        ),
        range=OfMeasures(uar=_range(uars), p95_ms=_range(p95s)),
        share=OfMeasures(uar=_share(uar, of), p95_ms=_share(p95_ms, of)),
    )


def levels_of(column: Sequence[Any]) -> list[str]:
    """The value of each setting as a word; numbers with many values in bins that hold about equally many.

    >>> levels_of([3, 5, None])
    ['3', '5', 'null']
    """
    distinct = {as_word(value) for value in column}
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in column)
    if len(distinct) <= _MOST_VALUES or not numeric:
        return [as_word(value) for value in column]
    numbers = np.array(column, dtype=np.float64)
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, _BINS + 1)))
    place = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, len(edges) - 2)
    return [f"{edges[at]:.4g} – {edges[at + 1]:.4g}" for at in place]


def _sort_key(column: Sequence[Any], labels: Sequence[str]) -> Any:
    """Labels in the order of their smallest value; words that are no numbers in order of occurrence."""
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in column)
    first: dict[str, float] = {}
    for place, label in enumerate(labels):
        rank = float(column[place]) if numeric else float(place)
        first[label] = min(rank, first.get(label, rank))
    return lambda label: first[label]


def _means(found: Floats, of: NDArray[np.int64], levels: int) -> list[float]:
    """The mean of what was measured at each level; NaN for none."""
    at = [found[np.isfinite(found) & (of == level)] for level in range(levels)]
    return [float(values.mean()) if len(values) else float("nan") for values in at]


def _range(means: Sequence[float]) -> float:
    known = [value for value in means if np.isfinite(value)]
    return max(known) - min(known) if known else float("nan")


def _share(found: Floats, of: NDArray[np.int64]) -> float:
    """The share of the variance that lies between the levels; NaN where nothing varies."""
    known = np.isfinite(found)
    values, of = found[known], of[known]
    total = float(((values - values.mean()) ** 2).sum()) if len(values) else 0.0
    if total <= 1e-18:
        return float("nan")
    between = sum(
        float((of == level).sum()) * (float(values[of == level].mean()) - float(values.mean())) ** 2
        for level in np.unique(of)
    )
    return between / total
