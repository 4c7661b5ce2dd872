"""How surely so many speakers and clips answer a question about a paired difference, and how many it takes.

A speaker's change has a mean over the clips of that speaker, which differs between speakers with a standard
deviation `between`; a clip's own change around it has `within`. Over S speakers of m clips the mean has variance
(between^2 + within^2 / m) / S (Cochran 1977, Sampling Techniques, 10.3, of two stages), and the tests are Student's
t with S - 1 degrees of freedom, so their power is that of the noncentral t (Johnson, Kotz and Balakrishnan 1995,
chapter 31).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from sv_eval.scoring.smallest import smallest

_MOST_SPEAKERS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How changes vary, as shares of the figure."""

    between: float
    """The standard deviation of speakers' own changes."""
    within: float
    """The standard deviation of a clip's change around its speaker's."""

    def error(self, speakers: int, clips_each: float) -> float:
        """The standard error of the mean change."""
        return math.sqrt((self.between**2 + self.within**2 / clips_each) / speakers)


def flips_within(flips: float) -> float:
    """The standard deviation of a clip's change where so large a share of clips turns right or wrong, evenly.

    >>> flips_within(0.09)
    0.3
    """
    return math.sqrt(flips)


def power_of_pass(error: float, speakers: int, *, margin: float, change: float, alpha: float) -> float:
    """How surely a change is shown to lose less than the margin: that its bound at 1 - alpha lies within.

    change: the true one, 0 for none, negative for a loss.
    """
    return _power((margin + change) / error if error else math.inf, speakers, alpha)


def power_of_fail(error: float, speakers: int, *, drop: float, alpha: float) -> float:
    """How surely a drop is found to be one, at a level alpha."""
    return _power(drop / error if error else math.inf, speakers, alpha)


def _power(shift: float, speakers: int, alpha: float) -> float:
    """P(T > t) of the noncentral t with speakers - 1 degrees of freedom, where t is the quantile at 1 - alpha."""
    from scipy.stats import nct, t

    if speakers < 2:
        return 0.0
    if math.isinf(shift) or shift > 30:
        return 1.0
    if shift <= 0:
        return float(nct.sf(t.ppf(1 - alpha, speakers - 1), speakers - 1, max(shift, -30)))
    return float(nct.sf(t.ppf(1 - alpha, speakers - 1), speakers - 1, shift))


def fewest_speakers(power_at: Callable[[int], float], power: float) -> int | None:
    """The smallest number of speakers with at least this power; None where a million are too few."""
    return smallest(lambda n: power_at(n) >= power, 2, _MOST_SPEAKERS)


def fewest_clips_each(power_at: Callable[[int], float], power: float, most: int = 100_000) -> int | None:
    """The smallest number of clips of each speaker with at least this power; None where `most` are too few."""
    return smallest(lambda n: power_at(n) >= power, 1, most)
