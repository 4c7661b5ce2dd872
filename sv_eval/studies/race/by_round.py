"""What a race's rounds say: who is faster, how surely, what the turns did, and how many rounds it would take.

Calls within a turn share what the machine did during it, so they are no independent witnesses of a difference;
rounds are. Of every round each backend gives one figure, the logarithm of its median (or 95th percentile) over the
clips that both answered in it; two backends' figures of a round are paired, and Student's t over the rounds'
differences bounds the ratio. Which of the two came first changes from round to round: from four rounds on what the
place does is a second coefficient of the same least squares, `difference = log ratio + place * turn`, and is no
part of the noise.

How many rounds a difference needs is asked of the noncentral t distribution. The standard deviation that goes into
it is the upper bound of a one-sided 80 % interval, since a few rounds know it poorly and half of all plans would
else be too short (Kieser and Wassmer 1996, On the use of the upper confidence limit for the variance from a pilot
sample for sample size determination, Biometrical Journal 38)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.record_file.table import RecordTable
from sv_eval.scoring.percentiles import nearest_rank
from sv_eval.scoring.smallest import smallest

Floats = NDArray[np.float64]

SHARES = {"p50": 0.5, "p95": 0.95}
_LEAST_CLIPS = {"p50": 5, "p95": 20}
"""Fewer clips of a round have no such percentile."""
_WITH_PLACE = 4
_SURE_OF_SPREAD = 0.8
_MOST_ROUNDS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundPair:
    """Two backends, by one percentile of each round."""

    before: str
    """The one."""
    after: str
    """The other; ratios are its latency over the first one's."""
    figure: str
    """`p50` or `p95`."""
    rounds: int
    """Rounds in which both have it."""
    ratio: float | None
    """The geometric mean of the rounds' ratios; None for fewer than two rounds."""
    low: float | None
    """Lower bound."""
    high: float | None
    """Upper bound."""
    p_value: float | None
    """Of no difference, two-sided."""
    noise: float | None
    """The standard deviation of the logarithm of a round's ratio, the place taken out: 0.03 is about 3 %."""
    turn: float | None
    """How many times as long the second turn of a round takes as the first; None for fewer than four rounds."""
    turn_low: float | None
    """Its lower bound."""
    turn_high: float | None
    """Its upper bound."""
    finds: float | None
    """The smallest change, as a share, that so many rounds find with the wanted power."""
    needed: int | None
    """Rounds that would find `difference` with that power; None where no number up to 10,000 does."""
    difference: float
    """The change, as a share, that is asked about."""
    power: float
    """How often it is to be found."""

    @property
    def verdict(self) -> str:
        """`slower` or `faster` for the second one, or `open`."""
        if self.low is None or self.high is None or self.low <= 1 <= self.high:
            return "open"
        return "slower" if self.low > 1 else "faster"

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        plain = asdict(self) | {"verdict": self.verdict}
        return {name: round(value, 6) if isinstance(value, float) else value for name, value in plain.items()}


def figures_of(sides: Sequence[RecordTable], share: float, least: int) -> list[dict[int, float]]:
    """Of each side, by round: the logarithm of the percentile over the clips that all sides answered in it."""
    timed: list[dict[int, dict[str, float]]] = []
    for side in sides:
        found: dict[int, dict[str, float]] = {}
        usable = np.isfinite(side.latency_ms) & (side.attempts == 1) & ~side.failed & ~side.shared
        for place in np.flatnonzero(usable):
            found.setdefault(int(side.round[place]), {})[side.clip_ids[place]] = float(side.latency_ms[place])
        timed.append(found)
    figures: list[dict[int, float]] = [{} for _ in sides]
    for number in sorted(set.intersection(*(set(one) for one in timed))):
        common = set.intersection(*(set(one[number]) for one in timed))
        if len(common) < least:
            continue
        for mine, one in zip(figures, timed, strict=True):
            values = np.array([one[number][clip] for clip in common])
            mine[number] = math.log(max(nearest_rank(values, share), 1e-6))
    return figures


def pair_of(
    one: Mapping[int, float],
    other: Mapping[int, float],
    *,
    titles: tuple[str, str],
    places: Mapping[int, int],
    figure: str,
    confidence: float = 0.95,
    difference: float = 0.1,
    power: float = 0.9,
) -> RoundPair:
    """What rounds say of two sides; `places`: 1 for rounds in which the second side's turn came later, else -1."""
    from scipy.special import stdtr, stdtrit

    rounds = sorted(set(one) & set(other))
    told: dict[str, Any] = {
        "before": titles[0], "after": titles[1], "figure": figure, "rounds": len(rounds), "difference": difference,
        "power": power, "ratio": None, "low": None, "high": None, "p_value": None, "noise": None, "turn": None,
        "turn_low": None, "turn_high": None, "finds": None, "needed": None,
    }  # fmt: skip
    if len(rounds) < 2:
        return RoundPair(**told)
    gaps = np.array([other[number] - one[number] for number in rounds])
    place = np.array([places[number] for number in rounds], dtype=np.float64)
    with_place = len(rounds) >= _WITH_PLACE and float(np.ptp(place)) > 0
    columns = np.column_stack([np.ones(len(gaps)), place]) if with_place else np.ones((len(gaps), 1))
    inverse = np.linalg.inv(columns.T @ columns)
    found = inverse @ columns.T @ gaps
    freedom = len(gaps) - columns.shape[1]
    noise = math.sqrt(float(((gaps - columns @ found) ** 2).sum()) / freedom)
    error = noise * math.sqrt(float(inverse[0, 0]))
    reach = float(stdtrit(freedom, (1 + confidence) / 2))
    told |= {
        "ratio": math.exp(found[0]),
        "low": math.exp(found[0] - reach * error),
        "high": math.exp(found[0] + reach * error),
        "p_value": 2 * float(stdtr(freedom, -abs(found[0]) / error)) if error > 0 else float(found[0] == 0),
        "noise": noise,
        "needed": rounds_needed(noise, freedom, difference=difference, power=power, confidence=confidence),
        "finds": found_by(noise, len(gaps), power=power, confidence=confidence),
    }
    if with_place:
        of_place = noise * math.sqrt(float(inverse[1, 1]))
        told |= {
            "turn": math.exp(found[1]),
            "turn_low": math.exp(found[1] - reach * of_place),
            "turn_high": math.exp(found[1] + reach * of_place),
        }
    return RoundPair(**told)


def power_of(change: float, noise: float, rounds: int, *, confidence: float = 0.95) -> float:
    """How often so many rounds find a change of the logarithm, by the noncentral t distribution.

    >>> round(power_of(0.1, 0.1, 13), 2)
    0.91
    """
    from scipy.special import nctdtr, stdtrit

    if noise <= 0:
        return 1.0
    freedom = rounds - (2 if rounds >= _WITH_PLACE else 1)
    reach, shift = float(stdtrit(freedom, (1 + confidence) / 2)), abs(change) * math.sqrt(rounds) / noise
    # Far out its series may not end; there is nothing left to miss.
    return 1.0 if shift > reach + 8 else float(1 - nctdtr(freedom, shift, reach))


def rounds_needed(
    noise: float, freedom: int, *, difference: float, power: float, confidence: float = 0.95
) -> int | None:
    """Rounds that find a change with this power, where the noise was estimated on so many degrees of freedom."""
    from scipy.special import chdtri

    likely = noise * math.sqrt(freedom / float(chdtri(freedom, _SURE_OF_SPREAD)))
    change = math.log1p(difference)
    found = smallest(lambda n: power_of(change, likely, n, confidence=confidence) >= power, 3, _MOST_ROUNDS)
    # As many rounds in which the one begins as in which the other does.
    return None if found is None else found + found % 2


def found_by(noise: float, rounds: int, *, power: float, confidence: float = 0.95) -> float:
    """The smallest change, as a share, that so many rounds find with this power."""
    low, high = 0.0, 1.0
    while power_of(high, noise, rounds, confidence=confidence) < power and high < 64:
        high *= 2
    for _ in range(40):
        middle = (low + high) / 2
        enough = power_of(middle, noise, rounds, confidence=confidence) >= power
        low, high = (low, middle) if enough else (middle, high)
    return math.expm1(min(high, 50.0))


def pairs_of(
    sides: Sequence[RecordTable], titles: Sequence[str], *, confidence: float = 0.95, difference: float = 0.1
) -> list[RoundPair]:
    """Each two sides of a race, in the order of the command; who begins moves on by one with every round."""
    several, pairs = len(sides), []
    for first in range(several):
        for second in range(first + 1, several):
            for name, share in SHARES.items():
                one, other = figures_of([sides[first], sides[second]], share, _LEAST_CLIPS[name])
                turn = {number: _turn(first, second, number, several) for number in one}
                both = (titles[first], titles[second])
                told: dict[str, Any] = {"figure": name, "confidence": confidence, "difference": difference}
                pairs.append(pair_of(one, other, titles=both, places=turn, **told))
    return pairs


def _turn(first: int, second: int, number: int, several: int) -> int:
    """1 where the second one's turn came after the first one's in this round."""
    return 1 if (second - number) % several > (first - number) % several else -1
