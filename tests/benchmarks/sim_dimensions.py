"""How often intervals of agreement figures hold what they are of: run this file as a script.

Corpora are simulated: speakers differ in how they are (their references lie about a mean of their own), in how far
answers to them lie off, and in how strongly answers follow references. What an interval should hold is the figure
over 20,000 other speakers.

    python tests/benchmarks/sim_dimensions.py [CORPORA]
"""

from __future__ import annotations

import sys
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from sv_eval.scoring.dimensions.bounds import Agreement, agreement_of
from sv_eval.scoring.dimensions.moments import Moments

Floats = NDArray[np.float64]
FIGURES = tuple(item.name for item in fields(Agreement))
SETTINGS = [
    (4, 50, 0.3, 0.3, 0.0),
    (4, 50, 0.6, 0.5, 0.2),
    (4, 20, 0.0, 0.0, 0.0),
    (4, 50, 0.3, 0.6, 0.3),
    (6, 40, 0.3, 0.5, 0.2),
    (10, 40, 0.3, 0.5, 0.2),
    (30, 20, 0.5, 0.5, 0.2),
    (100, 10, 0.3, 0.3, 0.1),
]
"""Speakers, clips of each, and the deviation between speakers of references, of offsets, and of slopes."""


def corpus(
    rng: np.random.Generator, sizes: NDArray[np.int64], own: float, offset: float, slope: float
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """References, answers, and whose clips they are."""
    unit, speakers = np.repeat(np.arange(len(sizes)), sizes), len(sizes)
    reference = rng.normal(0.0, own, speakers)[unit] + rng.normal(0.0, 1.0, len(unit))
    follows = rng.normal(0.7, slope, speakers)[unit]
    answer = 0.15 + rng.normal(0.0, offset, speakers)[unit] + follows * reference + rng.normal(0.0, 0.8, len(unit))
    return reference, answer, unit


def coverage(corpora: int, setting: tuple[int, int, float, float, float], *, uneven: bool) -> dict[str, float]:
    """The share of corpora whose interval holds each figure. uneven: sizes of speakers are geometric."""
    speakers, clips, *spread = setting
    own, offset, slope = spread
    rng = np.random.default_rng(1)
    truth = Moments.of(*corpus(rng, np.full(20_000, 20), own, offset, slope)).whole()
    held = dict.fromkeys(FIGURES, 0)
    for _ in range(corpora):
        sizes = rng.geometric(1 / clips, speakers) + 4 if uneven else np.full(speakers, clips)
        found = agreement_of(Moments.of(*corpus(rng, sizes, own, offset, slope)), 0.95)
        for name in FIGURES:
            interval = getattr(found, name)
            assert interval.low is not None
            assert interval.high is not None
            held[name] += interval.low <= getattr(truth, name)[0] <= interval.high
    return {name: count / corpora for name, count in held.items()}


def main(corpora: int) -> None:
    """Print how often each interval holds its figure."""
    sys.stdout.write(f"speakers clips references offsets slopes sizes | {' '.join(FIGURES)}\n")
    for uneven in (False, True):
        for setting in SETTINGS:
            shares = coverage(corpora, setting, uneven=uneven)
            told = " ".join(f"{100 * share:.1f}" for share in shares.values())
            sys.stdout.write(f"{' '.join(map(str, setting))} {'uneven' if uneven else 'equal'} | {told}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
