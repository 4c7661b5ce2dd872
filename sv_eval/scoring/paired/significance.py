"""Tests on pairs of right and wrong answers, and the adjustment for asking several questions at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Discordant(NamedTuple):
    """Clips that one of two systems got right and the other wrong."""

    gained: int
    """Wrong before, right after."""
    lost: int
    """Right before, wrong after."""


def mcnemar_worse(pairs: Discordant, *, mid: bool = True) -> float:
    """The one-sided p-value of `the second system is not worse`, from the discordant pairs alone; 1 without any.

    McNemar's exact test: under the hypothesis each discordant clip is lost with probability 1/2. The mid-p version,
    the default, takes half of the probability of what was observed: it holds its level in practice and is not as
    conservative as the exact one (Fagerland, Lydersen and Laake 2013, The McNemar test for binary matched-pairs
    data).

    >>> pairs = Discordant(gained=2, lost=10)
    >>> round(mcnemar_worse(pairs), 4), round(mcnemar_worse(pairs, mid=False), 4)
    (0.0112, 0.0193)
    """
    n = pairs.gained + pairs.lost
    if n == 0:
        return 1.0
    at_most = _binomial_half(pairs.gained, n)
    if not mid:
        return at_most
    below = _binomial_half(pairs.gained - 1, n)
    return below + (at_most - below) / 2


def mcnemar(pairs: Discordant, *, mid: bool = True) -> float:
    """The two-sided p-value of `both systems are right equally often`: twice the smaller side, 1 at most.

    >>> round(mcnemar(Discordant(gained=2, lost=10), mid=False), 4)
    0.0386
    """
    swapped = Discordant(gained=pairs.lost, lost=pairs.gained)
    return min(1.0, 2 * min(mcnemar_worse(pairs, mid=mid), mcnemar_worse(swapped, mid=mid)))


def _binomial_half(most: int, n: int) -> float:
    """P(Binomial(n, 1/2) <= most)."""
    from scipy.special import bdtr

    return float(bdtr(most, n, 0.5)) if most >= 0 else 0.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the given order: comparing each with alpha keeps the chance of any false one.

    Holm 1979, A simple sequentially rejective multiple test procedure.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted
