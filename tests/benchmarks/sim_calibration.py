"""How often intervals of calibration figures hold what they are of: run this file as a script.

Corpora are simulated: speakers differ in how often what is held probable comes true, and probabilities are off by a
planted factor on the logit. What an interval should hold is the figure over 200,000 clips of other speakers in the
same bins.

    python tests/benchmarks/sim_calibration.py [CORPORA]
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from sv_eval.report.interval import Interval
from sv_eval.scoring.calibration.bins import binned
from sv_eval.scoring.calibration.errors import ece_debiased, ece_plain, standard_errors
from sv_eval.scoring.calibration.judging import probability_figures
from sv_eval.scoring.operating import Ranking, areas
from sv_eval.scoring.selective import aurc, best_aurc, intervals_of, kept, risks

Floats = NDArray[np.float64]
SETTINGS = [
    (4, 50, 1.0, 0.0),
    (4, 50, 2.0, 0.5),
    (10, 40, 1.0, 0.3),
    (10, 40, 2.0, 0.5),
    (30, 20, 2.0, 0.5),
    (30, 20, 1.0, 0.5),
    (100, 10, 1.5, 0.3),
]
"""Speakers, clips of each, the factor on the logit, and by how much speakers differ on it (standard deviation)."""


def corpus(
    rng: np.random.Generator, speakers: int, clips: int, factor: float, spread: float
) -> tuple[Floats, NDArray[np.bool_], NDArray[np.int64]]:
    """Probabilities, whether they came true, and whose clips they are."""
    unit = np.repeat(np.arange(speakers), clips)
    truth = rng.beta(3.0, 1.5, len(unit))
    told = expit(factor * logit(np.clip(truth, 1e-6, 1 - 1e-6)))
    moved = expit(logit(np.clip(truth, 1e-6, 1 - 1e-6)) + rng.normal(0.0, spread, speakers)[unit])
    return told, rng.random(len(unit)) < moved, unit


def covers(interval: Interval, fact: float) -> bool:
    """Whether the interval holds the fact; one without bounds does not."""
    return interval.low is not None and interval.high is not None and interval.low <= fact <= interval.high


def of_order(probability: Floats, true: NDArray[np.bool_], unit: NDArray[np.int64]) -> dict[str, Interval]:
    """The intervals of figures that go by the order of probabilities alone."""
    wrong = ~true
    figures = {
        "aurc": lambda risk, _: float(risk.mean()),
        "excess": lambda risk, errors: float(risk.mean()) - best_aurc(len(risk), errors),
        "accuracy": lambda risk, _: 1 - float(risk[kept(0.8, len(risk)) - 1]),
    }
    intervals = intervals_of(tuple(figures.values()), probability, wrong, unit, 0.95)
    found = dict(zip(figures, intervals, strict=True))
    return found | dict(zip(("precision", "roc"), areas(probability, true, unit, 0.95), strict=True))


def main(corpora: int) -> None:
    """Print how often each interval holds its figure, and what is left of the error by chance."""
    columns = "ece gap brier log_loss aurc excess accuracy@80 precision roc"
    sys.stdout.write(f"speakers clips factor spread | ece true plain debiased | covered: {columns}\n")
    for speakers, clips, factor, spread in SETTINGS:
        rng = np.random.default_rng(0)
        told, was, owner = corpus(rng, 20_000, 10, factor, spread)
        order = {
            "aurc": aurc(told, ~was),
            "excess": aurc(told, ~was) - best_aurc(len(was), int((~was).sum())),
            "accuracy": 1 - float(risks(told, ~was)[int(0.8 * len(told)) - 1]),
            **dict(zip(("precision", "roc"), Ranking.of(told, was, owner).areas(), strict=True)),
        }
        held, seen = [], []
        for _ in range(corpora):
            probability, true, unit = corpus(rng, speakers, clips, factor, spread)
            figures = probability_figures(probability, true, unit, 0.95)
            assert figures is not None
            found = binned(probability, true, unit)
            edges = np.array([probability[found.of_clip == one].min() for one in range(1, len(found.counts))])
            place = np.searchsorted(edges, told, side="right")
            size = np.bincount(place, minlength=len(found.counts))
            apart = np.bincount(place, told - was, minlength=len(found.counts)) / np.maximum(size, 1)
            ece = float(np.abs(apart) @ found.counts / found.counts.sum())
            given = np.where(was, told, 1 - told)
            facts = {
                "ece": ece,
                "gap": float((told - was).mean()),
                "brier": float(((told - was) ** 2).mean()),
                "log_loss": float(-np.log(np.maximum(given, 1e-6)).mean()),
            }
            intervals = {name: getattr(figures, name) for name in facts}
            intervals |= of_order(probability, true, unit)
            facts |= order
            held.append(
                [
                    one.low is not None and one.high is not None and one.low <= facts[name] <= one.high
                    for name, one in intervals.items()
                ]
            )
            debiased = float(ece_debiased(found.differences, standard_errors(found), found.counts))
            seen.append((ece, ece_plain(found), debiased))
        true_ece, plain, debiased = np.mean(seen, axis=0)
        shares = " ".join(f"{100 * one:.1f}" for one in np.mean(held, axis=0))
        sys.stdout.write(
            f"{speakers} {clips} {factor} {spread} | {true_ece:.3f} {plain:.3f} {debiased:.3f} | {shares}\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
