"""How often the 95 % intervals hold the truth: `python tests/benchmarks/sim_coverage.py [RUNS]`.

Speakers differ (random effects on the logit scale, per speaker and per speaker and emotion), so that the
truth is the mean over the population of speakers, known here from two hundred thousand of them.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from sv_eval.scoring.bootstrap import bounds
from sv_eval.scoring.clusters import Clusters
from sv_eval.scoring.measures import OVERALL, Measures

LABELS = 4
FIGURES = {"uar": 0, "accuracy": 1, "macro_f1": 2, "weighted_f1": 3, "recall": len(OVERALL)}


def chances(
    rng: np.random.Generator, speakers: int, logits: NDArray[np.float64], spread: float
) -> NDArray[np.float64]:
    """Each speaker's chance of a right answer for each emotion; shape [labels, speakers]."""
    speaker = rng.normal(0, spread, (1, speakers))
    both = rng.normal(0, spread / 2, (LABELS, speakers))
    return np.asarray(1 / (1 + np.exp(-(logits[:, None] + speaker + both))))


def counts_of(rng: np.random.Generator, right: NDArray[np.float64], clips: int) -> NDArray[np.float64]:
    """The statistics of simulated answers; wrong ones fall evenly on the other labels."""
    hits = rng.binomial(clips, right)
    predicted = hits.copy()
    for label in range(LABELS):
        spread = rng.multinomial(clips - hits[label], np.full(LABELS - 1, 1 / (LABELS - 1)))
        predicted[[other for other in range(LABELS) if other != label]] += spread.T
    zero, support = np.zeros_like(hits), np.full_like(hits, clips)
    return np.stack([support, hits, predicted, zero, hits, predicted, zero]).astype(np.float64)


def coverage(
    *, speakers: int, clips: int = 10, logit: float = 0.8, spread: float = 0.8, runs: int = 300, seed: int = 0
) -> tuple[dict[str, float], float]:
    """The share of runs whose interval holds the truth, by figure, and the mean width of UAR's interval."""
    rng = np.random.default_rng(seed)
    logits = logit + np.array([-0.6, -0.2, 0.2, 0.6])
    truth_right = chances(rng, 200_000, logits, spread)
    expected = np.stack([np.full(LABELS, 1.0), truth_right.mean(axis=1), np.zeros(LABELS)])
    missed = 1 - expected[1]
    expected[2] = expected[1] + (missed.sum() - missed) / (LABELS - 1)
    zero = np.zeros(LABELS)
    total = np.stack([expected[0], expected[1], expected[2], zero, expected[1], expected[2], zero])
    measures = Measures.over(total, ("wrong",))
    truth = measures(total)
    held = dict.fromkeys(FIGURES, 0)
    width = 0.0
    for run in range(runs):
        counts = counts_of(rng, chances(rng, speakers, logits, spread), clips)
        clusters = Clusters(counts=counts, multiplicity=np.ones(speakers, dtype=np.int64), kind="speaker")
        found = bounds(clusters, measures, confidence=0.95, resamples=1000, seed=run)
        for name, place in FIGURES.items():
            low, high = found[place].low, found[place].high
            held[name] += low is not None and high is not None and low <= truth[place] <= high
        width += (found[0].high or 0.0) - (found[0].low or 0.0)
    return {name: count / runs for name, count in held.items()}, width / runs


def main() -> None:
    """Print coverage for few and many speakers, middling and high recall."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    sys.stdout.write("speakers logit spread  " + "  ".join(FIGURES) + "  width of uar\n")
    for logit, spread in ((0.8, 0.8), (0.8, 0.0), (3.5, 1.0)):
        for speakers in (2, 4, 6, 8, 10, 20, 50):
            shares, width = coverage(speakers=speakers, logit=logit, spread=spread, runs=runs)
            figures = "  ".join(f"{share:.3f}" for share in shares.values())
            sys.stdout.write(f"{speakers:>8} {logit:>5} {spread:>6}  {figures}  {width:.3f}\n")


if __name__ == "__main__":
    main()
