"""How often a promised threshold keeps its precision on unseen speakers: run this file as a script.

Corpora are simulated: a recogniser's scores of one emotion come true less often than they say, and speakers differ.
The promise is kept where the precision over 200,000 clips of other speakers is what was wanted. What simply looks
high enough, the lowest threshold whose own precision is, stands beside it.

    python tests/benchmarks/sim_thresholds.py [CORPORA]
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from sv_eval.scoring.promising import promised_threshold

Floats = NDArray[np.float64]
WANTED = 0.9
SETTINGS = [
    (6, 60, 0.5, 2.0), (10, 40, 0.5, 2.0), (10, 40, 1.0, 2.0), (20, 40, 0.5, 2.0), (20, 40, 1.0, 2.0),
    (40, 50, 0.5, 2.0), (40, 50, 1.0, 2.0), (40, 50, 0.5, 1.0), (100, 50, 0.5, 1.0), (100, 20, 1.0, 1.5),
]  # fmt: skip
"""Speakers, clips of each, by how much speakers differ on the logit (standard deviation), how well scores tell."""


def corpus(
    rng: np.random.Generator, speakers: int, clips: int, spread: float, sharp: float
) -> tuple[Floats, NDArray[np.bool_], NDArray[np.int64]]:
    """Scores, whether they came true, and whose clips they are."""
    unit = np.repeat(np.arange(speakers), clips)
    truth = np.clip(rng.beta(0.5, 0.8, len(unit)), 1e-4, 1 - 1e-4)
    score = expit(1.3 * logit(truth))
    chance = expit(sharp * logit(truth) + rng.normal(0.0, spread, speakers)[unit])
    return score, rng.random(len(unit)) < chance, unit


def naive(scores: Floats, was: NDArray[np.bool_]) -> float | None:
    """The lowest threshold whose own precision is what is wanted."""
    order = np.argsort(-scores)
    precision = np.cumsum(was[order]) / np.arange(1, len(scores) + 1)
    good = np.flatnonzero(precision >= WANTED)
    return float(scores[order[good[-1]]]) if len(good) else None


def main(corpora: int) -> None:
    """Print how often promises are made, kept, and what else would have been."""
    sys.stdout.write("speakers clips spread sharp | promised, kept of all, kept of promised, recall | naive kept\n")
    for speakers, clips, spread, sharp in SETTINGS:
        rng = np.random.default_rng(0)
        scores, was, _ = corpus(rng, 20_000, 10, spread, sharp)
        promised, broken, recalls, others = 0, 0, [], 0
        for _ in range(corpora):
            seen, true, unit = corpus(rng, speakers, clips, spread, sharp)
            threshold = promised_threshold(seen, true, seen >= 0.5, unit, WANTED)
            if threshold is not None:
                promised += 1
                broken += bool(was[scores >= threshold].mean() < WANTED)
                recalls.append(float((scores[was] >= threshold).mean()))
            looked = naive(seen, true)
            others += looked is None or bool(was[scores >= looked].mean() >= WANTED)
        recall = np.mean(recalls) if recalls else float("nan")
        kept = 100 * (1 - broken / promised) if promised else float("nan")
        shares = [100 * promised / corpora, 100 * (1 - broken / corpora), kept, 100 * recall]
        told = " ".join(f"{one:.1f}" for one in shares)
        sys.stdout.write(f"{speakers} {clips} {spread} {sharp} | {told} | {100 * others / corpora:.1f}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
