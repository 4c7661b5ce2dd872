"""How often the 95 % intervals hold the truth: `python tests/benchmarks/sim_coverage.py [RUNS]`.

Speakers differ (random effects on the logit scale, per speaker and per speaker and emotion), so that the
truth is the mean over the population of speakers, known here from two hundred thousand of them. Speakers may
be unequally talkative, and the last emotion may be one that few of them have.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.scoring.bootstrap import bounds
from sv_eval.scoring.clusters import Clusters
from sv_eval.scoring.measures import OVERALL, Measures

LABELS = 4
FIGURES = {"uar": 0, "accuracy": 1, "macro_f1": 2, "weighted_f1": 3, "recall": len(OVERALL)}
RARE = len(OVERALL) + LABELS - 1

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A corpus and a recogniser."""

    speakers: int
    """How many speakers."""
    logit: float = 0.8
    """The middle of the emotions' chances of a right answer, on the logit scale."""
    spread: float = 0.8
    """The standard deviation of a speaker's own offset."""
    unequal: float = 0.0
    """The standard deviation of the logarithm of a speaker's clips an emotion; 0 for 10 each."""
    rare: int | None = None
    """How many speakers have the last emotion; None for all."""


def chances(rng: np.random.Generator, speakers: int, scenario: Scenario) -> Floats:
    """Each speaker's chance of a right answer for each emotion; shape [labels, speakers]."""
    logits = scenario.logit + np.array([-0.6, -0.2, 0.2, 0.6])
    speaker = rng.normal(0, scenario.spread, (1, speakers))
    both = rng.normal(0, scenario.spread / 2, (LABELS, speakers))
    return np.asarray(1 / (1 + np.exp(-(logits[:, None] + speaker + both))))


def clips_of(rng: np.random.Generator, scenario: Scenario) -> NDArray[np.int64]:
    """How many clips each speaker has of each emotion; shape [labels, speakers]."""
    size = 10 * np.exp(rng.normal(0, scenario.unequal, scenario.speakers))
    clips = np.tile(np.maximum(1, np.round(size)).astype(np.int64), (LABELS, 1))
    if scenario.rare is not None:
        clips[-1, scenario.rare :] = 0
    return clips


def counts_of(rng: np.random.Generator, right: Floats, clips: NDArray[np.int64]) -> Floats:
    """The statistics of simulated answers; wrong ones fall evenly on the other labels."""
    hits = rng.binomial(clips, right)
    predicted = hits.copy()
    for label in range(LABELS):
        spread = rng.multinomial(clips[label] - hits[label], np.full(LABELS - 1, 1 / (LABELS - 1)))
        predicted[[other for other in range(LABELS) if other != label]] += spread.T
    zero = np.zeros_like(hits)
    return np.stack([clips, hits, predicted, zero, hits, predicted, zero]).astype(np.float64)


def truth_of(rng: np.random.Generator, scenario: Scenario) -> tuple[Measures, Floats]:
    """The measures and their values in the population."""
    share = np.ones(LABELS)
    if scenario.rare is not None:
        share[-1] = scenario.rare / scenario.speakers
    hits = share * chances(rng, 200_000, scenario).mean(axis=1)
    missed = share - hits
    predicted = hits + (missed.sum() - missed) / (LABELS - 1)
    zero = np.zeros(LABELS)
    total = np.stack([share, hits, predicted, zero, hits, predicted, zero])
    measures = Measures.over(total, ("wrong",))
    return measures, measures(total)


def coverage(scenario: Scenario, *, runs: int = 300, seed: int = 0) -> tuple[dict[str, float], float]:
    """The share of runs whose interval holds the truth, by figure, and the median width of UAR's interval.

    An interval that is not given does not hold the truth, but for the recall of the rare emotion (`rare`),
    where the share is of those that are given.
    """
    rng = np.random.default_rng(seed)
    measures, truth = truth_of(rng, scenario)
    held = dict.fromkeys(FIGURES, 0)
    rare, widths = [], []
    for run in range(runs):
        counts = counts_of(rng, chances(rng, scenario.speakers, scenario), clips_of(rng, scenario))
        one_each = np.ones(scenario.speakers, dtype=np.int64)
        clusters = Clusters(counts=counts, multiplicity=one_each, kind="speaker")
        found = bounds(clusters, measures, measures.facts(clusters), confidence=0.95, resamples=1000, seed=run)
        for name, place in FIGURES.items():
            low, high = found[place].low, found[place].high
            held[name] += low is not None and high is not None and low <= truth[place] <= high
        low, high = found[RARE].low, found[RARE].high
        if low is not None and high is not None:
            rare.append(low <= truth[RARE] <= high)
        widths.append((found[0].high or 0.0) - (found[0].low or 0.0))
    shares = {name: count / runs for name, count in held.items()}
    return shares | {"rare": float(np.mean(rare)) if rare else float("nan")}, float(np.median(widths))


SCENARIOS = (
    *(
        Scenario(speakers=speakers, logit=logit, spread=spread)
        for logit, spread in ((0.8, 0.8), (0.8, 0.0), (3.5, 1.0))
        for speakers in (2, 4, 6, 8, 10, 20, 50)
    ),
    *(Scenario(speakers=speakers, unequal=unequal) for unequal in (0.5, 1.0) for speakers in (4, 10, 20, 40, 100)),
    *(
        Scenario(speakers=speakers, logit=logit, rare=rare)
        for logit in (0.8, 3.5)
        for speakers, rare in ((100, 1), (100, 2), (100, 3), (100, 6), (100, 20), (12, 2), (12, 4))
    ),
    Scenario(speakers=100, unequal=1.0, rare=3),
    Scenario(speakers=100, unequal=1.0, rare=10),
)
"""Even corpora, then unequal speakers, then an emotion that few speakers have, then both."""


def main() -> None:
    """Print coverage, a row a scenario."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    sys.stdout.write("| speakers | logit | spread | unequal | with the last emotion |")
    sys.stdout.write(f" {' | '.join(FIGURES)} | rare recall | width of UAR |\n|{'---|' * 12}\n")
    for scenario in SCENARIOS:
        shares, width = coverage(scenario, runs=runs)
        about = [scenario.speakers, scenario.logit, scenario.spread, scenario.unequal, scenario.rare or "all"]
        cells = [*map(str, about), *(f"{share:.3f}" for share in shares.values()), f"{width:.3f}"]
        sys.stdout.write(f"| {' | '.join(cells)} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
