"""Evidence about a paired difference that may be looked at after every speaker.

Two kinds of bettors. By Ville's inequality each multiplies its capital by 1/alpha, at any time, with a chance of at
most alpha where its null is true.

*Signs of speakers.* Where a change lies symmetrically around a value, whether it is above or below is as good as
the toss of a coin, given its size: who stakes a share of the capital on it gains nothing on average, however the
share is chosen from the sizes and from what came before (Ramdas, Ruf, Larsson and Koolen 2022, Admissible
anytime-valid sequential inference must rely on nonnegative martingales, on symmetric distributions). Nothing is
asked of the speakers' spread. Two runs of which neither is better are symmetric by themselves; around a loss that
is to be ruled out, speakers of a handful of clips are not.

*Clips.* Changes of -1, 0 and 1 are bounded: Waudby-Smith and Ramdas 2024, Estimating means of bounded random
variables by betting. They need no symmetry, and take clips for independent.

A loss is found by the first kind; that a loss is ruled out both kinds must say.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STAKES = np.array([0.25, 0.5, 1.0])
"""Of bettors on signs, who begin with equal parts of the capital: how far from zero they think speakers to lie, in
units of their root mean square."""
_SHARES = np.array([0.1, 0.25, 0.5, 0.9])
"""Of bettors on clips: the share of the most that may be staked."""
_HALVINGS = 40


@dataclass(frozen=True, slots=True)
class Units:
    """Speakers in the order in which they are looked at, and their clips.

    change: how much each speaker adds to the change of the figure over all speakers, shape [speakers]; weight: how
    much of the figure is made of it, adding up to 1 over all speakers, those included that are still to come.
    clip_change: -1, 0 or 1; clip_weight: as the speakers'; both of shape [clips], speaker after speaker. ends: how
    many clips there are up to the end of each speaker.
    """

    change: Floats
    weight: Floats
    clip_change: Floats
    clip_weight: Floats
    ends: NDArray[np.int64]

    def part(self, n: int) -> Self:
        """The first n speakers."""
        clips = int(self.ends[n - 1]) if n else 0
        return type(self)(
            self.change[:n], self.weight[:n], self.clip_change[:clips], self.clip_weight[:clips], self.ends[:n]
        )

    def signs(self, at: float, side: int) -> Floats:
        """The logarithm of the capital after each speaker of who bets on signs.

        The bets are that the figure's change is above `at` (side 1) or below it (-1).
        """
        distance = self.change - at * self.weight
        square = np.cumsum(distance**2) / np.arange(1, len(distance) + 1)
        scale = np.sqrt(np.where(square > 0, square, 1.0))
        return _together(np.log1p(np.tanh(side * _STAKES[:, None] * distance / scale)))

    def clips(self, loss: float) -> Floats:
        """The same of who bets on clips that less than `loss` is lost."""
        most = self.clip_weight.max(initial=0.0)
        relative = self.clip_weight / most if most else self.clip_weight
        gain = relative * (self.clip_change + loss) / (1 - loss)
        capital = _together(np.log1p(_SHARES[:, None] * gain))
        found: Floats = np.concatenate([[0.0], capital])[self.ends]
        return found

    def worse_after(self, alpha: float) -> int | None:
        """After how many speakers it first is sure that the figure became worse; None where it never is."""
        return _first(self.signs(0.0, -1), alpha)

    def kept_after(self, margin: float, alpha: float) -> int | None:
        """After how many speakers it first is sure that less than the margin was lost."""
        found = _first(self.signs(-margin, 1), alpha), _first(self.clips(margin), alpha)
        return None if None in found else max(one for one in found if one is not None)

    def bounds(self, alpha: float) -> tuple[float, float]:
        """Bounds of the figure's change that hold at all times, each with a chance of at least 1 - alpha.

        The lower one is at -1 until both kinds of bettors rule something out.
        """
        seen = float(self.change.sum() / self.weight.sum()) if self.weight.any() else 0.0
        low = _bound(-1.0, min(seen, 0.0), lambda at: self.kept_after(-at, alpha) is not None)
        high = _bound(1.0, seen, lambda at: _first(self.signs(at, -1), alpha) is not None)
        return low, high


def _bound(ruled_out: float, open_: float, is_ruled_out: Callable[[float], bool]) -> float:
    """The value nearest to what was seen that is ruled out; `ruled_out` itself where it is not."""
    for _ in range(_HALVINGS):
        middle = (ruled_out + open_) / 2
        if is_ruled_out(middle):
            ruled_out = middle
        else:
            open_ = middle
    return ruled_out


def _together(gains: Floats) -> Floats:
    """The logarithm of the mean capital of several bettors, by their gains; shape [bettors, n] to [n]."""
    capital = np.cumsum(gains, axis=1)
    highest = capital.max(axis=0)
    found: Floats = highest + np.log(np.exp(capital - highest).mean(axis=0))
    return found


def _first(path: Floats, alpha: float) -> int | None:
    reached = np.flatnonzero(path >= math.log(1 / alpha))
    return int(reached[0]) + 1 if len(reached) else None
