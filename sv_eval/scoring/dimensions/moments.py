"""What agreement between references and answers is made of: sums, by speaker, from which any may be left out.

Every figure is one of six sums. So figures without each speaker cost as many steps as there are speakers, and none
more for a speaker's clips.

Sources: Lin (1989), A Concordance Correlation Coefficient to Evaluate Reproducibility, Biometrics 45(1), with
variances divided by n as there; Bland and Altman (1986), Statistical Methods for Assessing Agreement Between Two
Methods of Clinical Measurement, The Lancet 327, with the deviation of differences divided by n - 1 as there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_NOTHING = 1e-12
"""Below this share of what they are made of, differences are rounding."""
LIMITS_AT = 1.959963984540054
"""So many deviations about the mean difference hold 95 % of normal ones."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """Sums over pairs of a reference and an answer; of each unit, of all, or of all without each. Shape [any]."""

    n: Floats
    """Pairs."""
    x: Floats
    """Sum of references, less their mean over all."""
    y: Floats
    """Sum of answers, less the same number."""
    xx: Floats
    """Sum of squares of the former."""
    yy: Floats
    """Of the latter."""
    xy: Floats
    """Sum of products."""
    centre: float
    """What was taken off both."""

    @classmethod
    def of(cls, reference: Floats, answer: Floats, unit: Codes) -> Self:
        """The sums of each unit, which are numbered from 0; all values are numbers."""
        # Of values far from 0 the squares would leave no digits for what they differ by.
        centre = float(reference.mean()) if len(reference) else 0.0
        x, y = reference - centre, answer - centre
        size = int(unit.max()) + 1 if len(unit) else 0

        def summed(values: Floats | None) -> Floats:
            return np.bincount(unit, values, minlength=size).astype(np.float64)

        return cls(
            n=summed(None), x=summed(x), y=summed(y), xx=summed(x * x), yy=summed(y * y), xy=summed(x * y),
            centre=centre,
        )  # fmt: skip

    def whole(self) -> Self:
        """The sums of all units together; shape [1]."""
        return self._made(*(np.atleast_1d(one.sum()) for one in self._sums))

    def without_each(self) -> Self:
        """The sums of all units but each in turn."""
        return self._made(*(one.sum() - one for one in self._sums))

    @property
    def _sums(self) -> tuple[Floats, ...]:
        return self.n, self.x, self.y, self.xx, self.yy, self.xy

    def _made(self, *sums: Floats) -> Self:
        n, x, y, xx, yy, xy = sums
        return type(self)(n=n, x=x, y=y, xx=xx, yy=yy, xy=xy, centre=self.centre)

    @property
    def means(self) -> tuple[Floats, Floats]:
        """Of references and of answers."""
        n = np.maximum(self.n, 1.0)
        return self.x / n + self.centre, self.y / n + self.centre

    @property
    def variances(self) -> tuple[Floats, Floats]:
        """Of references and of answers, divided by n; 0 where all are the same."""
        n = np.maximum(self.n, 1.0)
        found = []
        for total, squares in ((self.x, self.xx), (self.y, self.yy)):
            variance = squares / n - (total / n) ** 2
            rounding = _NOTHING * squares / n + (_NOTHING * self.centre) ** 2
            found.append(np.where(variance > rounding, variance, 0.0))
        return found[0], found[1]

    @property
    def covariance(self) -> Floats:
        """Of references and answers, divided by n."""
        n = np.maximum(self.n, 1.0)
        return np.asarray(self.xy / n - self.x * self.y / n**2, dtype=np.float64)

    @property
    def bias(self) -> Floats:
        """Mean answer less mean reference."""
        return np.asarray((self.y - self.x) / np.maximum(self.n, 1.0), dtype=np.float64)

    @property
    def ccc(self) -> Floats:
        """Concordance: `2 cov / (var x + var y + (mean x - mean y)^2)`; 0 for constant answers, NaN for no spread.

        NaN is where neither side differs from the other or within itself: there is nothing to agree on.
        """
        (x, y), apart = self.variances, self.bias**2
        below = x + y + apart
        shared = np.where((x > 0) & (y > 0), 2 * self.covariance, 0.0)
        return np.asarray(np.where(below > 0, shared / np.where(below > 0, below, 1.0), np.nan), dtype=np.float64)

    @property
    def pearson(self) -> Floats:
        """Correlation: `cov / (sd x sd y)`; NaN where one of the sides is constant."""
        x, y = self.variances
        below = np.sqrt(x * y)
        return np.asarray(
            np.where(below > 0, self.covariance / np.where(below > 0, below, 1.0), np.nan), dtype=np.float64
        )

    @property
    def rmse(self) -> Floats:
        """Root of the mean squared difference."""
        n = np.maximum(self.n, 1.0)
        return np.asarray(np.sqrt(np.maximum(self.xx - 2 * self.xy + self.yy, 0.0) / n), dtype=np.float64)

    @property
    def deviation(self) -> Floats:
        """The differences' standard deviation, divided by n - 1."""
        squares = self.xx - 2 * self.xy + self.yy - self.n * self.bias**2
        return np.asarray(np.sqrt(np.maximum(squares, 0.0) / np.maximum(self.n - 1, 1.0)), dtype=np.float64)

    @property
    def lower_limit(self) -> Floats:
        """Limits of agreement: the bias less 1.96 deviations of the differences."""
        return np.asarray(self.bias - LIMITS_AT * self.deviation, dtype=np.float64)

    @property
    def upper_limit(self) -> Floats:
        """The bias and 1.96 deviations of the differences."""
        return np.asarray(self.bias + LIMITS_AT * self.deviation, dtype=np.float64)


def concordance(reference: Floats, answer: Floats) -> float:
    """Lin's concordance correlation coefficient of two series.

    >>> round(concordance(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.5, 2.0, 2.5, 4.5])), 4)
    0.9268
    """
    return float(Moments.of(reference, answer, np.zeros(len(reference), dtype=np.int64)).ccc[0])
