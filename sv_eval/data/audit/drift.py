"""Whether the splits of a corpus hold the labels in the same shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_FEWEST_EXPECTED = 5.0
"""Cochran's rule: the chi-square distribution holds where each cell expects at least five."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How far the labels of several splits differ."""

    chi2: float
    """Pearson's statistic."""
    df: int
    """Degrees of freedom."""
    p: float
    """The probability of a statistic at least so large if the splits were drawn alike."""
    v: float
    """Cramér's V, bias-corrected: 0 for equal shares, 1 for labels that tell the split."""
    pooled: tuple[str, ...]
    """Labels too rare to be judged on their own, taken together."""


def label_drift(counts: Mapping[str, Mapping[str, int]]) -> Drift | None:
    """The drift between splits, given their clips by label; None where there is nothing to compare.

    Pearson's chi-square test of homogeneity, with the bias-corrected Cramér's V as effect size: in a large corpus
    the test alone alarms at differences of no consequence. Clips are taken as independent, which those of one
    speaker aren't quite: another reason to look at V.

    W. Bergsma, "A bias-correction for Cramér's V and Tschuprow's T", Journal of the Korean Statistical Society 42
    (2013); W. G. Cochran, "Some methods for strengthening the common chi-square tests", Biometrics 10 (1954).

    >>> alike = {"train": {"sad": 50, "happy": 50}, "test": {"sad": 25, "happy": 25}}
    >>> drift = label_drift(alike)
    >>> drift.p, drift.v
    (1.0, 0.0)
    """
    labels = sorted({label for split in counts.values() for label in split})
    table = np.array([[split.get(label, 0) for label in labels] for split in counts.values()], dtype=np.float64)
    if table.size == 0:
        return None
    table = table[table.sum(axis=1) > 0]
    if len(table) < 2:
        return None
    table, pooled = _with_rare_ones_pooled(table, labels)
    rows, columns = table.shape
    if columns < 2:
        return None
    n = table.sum()
    chi2 = float((table**2 / _expected(table)).sum() - n)
    df = (rows - 1) * (columns - 1)
    return Drift(
        chi2=max(chi2, 0.0), df=df, p=_upper_tail(chi2, df), v=_cramers_v(chi2 / n, rows, columns, n), pooled=pooled
    )


def _with_rare_ones_pooled(
    table: NDArray[np.float64], labels: list[str]
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """The table with the two rarest labels taken together until every cell expects five, and which those are."""
    columns: dict[tuple[str, ...], NDArray[np.float64]] = {
        (label,): table[:, place] for place, label in enumerate(labels)
    }
    while len(columns) > 1 and _expected(np.column_stack(list(columns.values()))).min() < _FEWEST_EXPECTED:
        first, second = sorted(columns, key=lambda names: (columns[names].sum(), names))[:2]
        columns[first + second] = columns.pop(first) + columns.pop(second)
    pooled = [label for names in columns if len(names) > 1 for label in names]
    return np.column_stack(list(columns.values())), tuple(sorted(pooled))


def _expected(table: NDArray[np.float64]) -> NDArray[np.float64]:
    expected: NDArray[np.float64] = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return expected


def _upper_tail(chi2: float, df: int) -> float:
    from scipy.special import chdtrc

    return float(chdtrc(df, max(chi2, 0.0)))


def _cramers_v(phi2: float, rows: int, columns: int, n: float) -> float:
    """Bergsma's equations 4 and 5."""
    corrected = max(0.0, phi2 - (rows - 1) * (columns - 1) / (n - 1))
    of_rows, of_columns = rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)
    return float(np.sqrt(corrected / max(min(of_rows, of_columns) - 1, 1e-12)))
