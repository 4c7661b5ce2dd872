"""How often a promised threshold keeps its precision, or its rate of false alarms, on unseen speakers: run this
file as a script.

Corpora are simulated: a recogniser's scores of one emotion come true less often than they say, and speakers differ.
The promise is kept where the precision over 200,000 clips of other speakers is what was wanted. What simply looks
high enough, the lowest threshold whose own precision is, stands beside it.

    python tests/benchmarks/sim_thresholds.py [CORPORA] [precision|rate|cost]

`rate` is of at most 60 false alarms in an hour of clips of 3.6 s; `cost` of how often the interval of what a
threshold saves, chosen where a miss costs nine times a false alarm, holds the truth: what thresholds chosen on as
many speakers less a fifth save on average over 200,000 clips of others.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from sv_eval.scoring.alarm_costs import AlarmCosts, cheapest_of, cheapest_threshold
from sv_eval.scoring.calibration.folds import folds_of
from sv_eval.scoring.promising import promised_threshold, rare_threshold

Floats = NDArray[np.float64]
WANTED = 0.9
PER_HOUR = 60.0
CLIP_HOURS = 3.6 / 3600
COSTS = AlarmCosts(miss=9.0, false_alarm=1.0)
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


def rates(corpora: int) -> None:
    """Print how often a rate of false alarms is promised and kept."""
    sys.stdout.write("speakers clips spread sharp | promised, kept of all, kept of promised, recall\n")
    for speakers, clips, spread, sharp in SETTINGS:
        rng = np.random.default_rng(0)
        scores, was, _ = corpus(rng, 20_000, 10, spread, sharp)
        promised, broken, recalls = 0, 0, []
        for _ in range(corpora):
            seen, true, unit = corpus(rng, speakers, clips, spread, sharp)
            threshold = rare_threshold(seen, true, seen >= 0.5, unit, PER_HOUR, len(seen) * CLIP_HOURS)
            if threshold is not None:
                promised += 1
                broken += bool(((scores >= threshold) & ~was).mean() / CLIP_HOURS > PER_HOUR)
                recalls.append(float((scores[was] >= threshold).mean()))
        recall = np.mean(recalls) if recalls else float("nan")
        kept = 100 * (1 - broken / promised) if promised else float("nan")
        shares = [100 * promised / corpora, 100 * (1 - broken / corpora), kept, 100 * recall]
        sys.stdout.write(f"{speakers} {clips} {spread} {sharp} | {' '.join(f'{one:.1f}' for one in shares)}\n")
        sys.stdout.flush()


def costs(corpora: int) -> None:
    """Print how often the interval of what a threshold saves holds what it saves on average."""
    sys.stdout.write("speakers clips spread sharp | saves, interval holds it\n")
    for speakers, clips, spread, sharp in SETTINGS:
        rng = np.random.default_rng(0)
        scores, was, _ = corpus(rng, 20_000, 10, spread, sharp)
        nothing = COSTS.of(np.zeros(len(was), dtype=np.bool_), was).mean()
        everything = COSTS.of(np.ones(len(was), dtype=np.bool_), was).mean()
        saved, found = [], []
        for _ in range(corpora):
            seen, true, unit = corpus(rng, speakers, clips, spread, sharp)
            parts = folds_of(unit)
            found.append(cheapest_of(seen, true, unit, parts, COSTS, 0.95).saved)
            threshold = cheapest_threshold(seen[parts != 0], true[parts != 0], COSTS)
            alarm = scores >= (2.0 if threshold is None else threshold)
            saved.append(min(nothing, everything) - COSTS.of(alarm, was).mean())
        truth = float(np.mean(saved))
        held = np.mean([(one.low or -9) <= truth <= (9 if one.high is None else one.high) for one in found])
        sys.stdout.write(f"{speakers} {clips} {spread} {sharp} | {truth:.3f} {100 * held:.1f}\n")
        sys.stdout.flush()


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
    what = {"precision": main, "rate": rates, "cost": costs}[sys.argv[2] if len(sys.argv) > 2 else "precision"]
    what(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
