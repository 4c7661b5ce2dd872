"""An emotional dimension that a simulated recogniser tells with a concordance that is known beforehand.

References of mean m and deviation s are answered with `m + c (x - m) + s sqrt(1 - c^2) e`, e standard normal. The
answers have the references' mean and deviation and a covariance of c s^2, so that their concordance is c.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from sv_eval.dimensions import DIMENSIONS, Range, led, range_from
from sv_eval.errors import ConfigError, nearest

_KEYS = ("ccc", "range", "reference_range", "mean", "sd")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedDimension:
    """What is planted of one dimension."""

    ccc: float
    """The concordance with the references, -1 to 1."""
    range: Range
    """Of the answers."""
    reference_range: Range
    """Of the references."""
    mean: float
    """Of the references, in their range."""
    sd: float
    """Their deviation."""

    def answer(self, truth: float, share: float) -> float:
        """The answer for a reference, at this place of the noise's distribution (0 to 1), in the answers' range."""
        noise = NormalDist().inv_cdf(share)
        value = self.mean + self.ccc * (truth - self.mean) + self.sd * math.sqrt(1 - self.ccc**2) * noise
        return led(value, self.reference_range, self.range)


def planted_dimensions(given: Mapping[str, Mapping[str, Any]]) -> dict[str, PlantedDimension]:
    """What the setting `backend.dimensions` plants, by dimension; raises ConfigError.

    Keys of each: `ccc`; `range` of the answers, 0 to 1 unless given; `reference_range`, the same unless given;
    `mean` and `sd` of the references, the middle of their range and a sixth of it unless given, as those of
    `dataset=simulated` are.
    """
    for name in given:
        if name not in DIMENSIONS:
            raise ConfigError(f"backend.dimensions: '{name}' is no dimension; {nearest(name, DIMENSIONS)}")
    return {name: _planted(f"backend.dimensions.{name}", given[name]) for name in DIMENSIONS if name in given}


def _planted(where: str, given: Mapping[str, Any]) -> PlantedDimension:
    if not isinstance(given, Mapping):
        raise ConfigError(f"{where}: {given!r} is no mapping; give {{ccc: 0.6}}")
    for key in given:
        if key not in _KEYS:
            raise ConfigError(f"{where}: there is no '{key}'; {nearest(str(key), _KEYS)}")
    try:
        answers = range_from(f"{where}.range", given.get("range", (0.0, 1.0)))
        references = range_from(f"{where}.reference_range", given.get("reference_range", answers))
        ccc = float(given["ccc"])
        mean = float(given.get("mean", sum(references) / 2))
        sd = float(given.get("sd", (references[1] - references[0]) / 6))
    except KeyError as error:
        raise ConfigError(f"{where}: say which concordance is planted, {{ccc: 0.6}}") from error
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where}: {error}") from error
    if not -1 <= ccc <= 1 or not 0 < sd < math.inf or not math.isfinite(mean):
        raise ConfigError(f"{where}: ccc from -1 to 1 and sd above 0 are needed, not {ccc:g} and {sd:g}")
    return PlantedDimension(ccc=ccc, range=answers, reference_range=references, mean=mean, sd=sd)
