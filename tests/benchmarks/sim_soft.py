"""How often intervals of soft figures hold what they are of: run this file as a script.

Corpora are simulated: each clip has a true distribution, raters hear one emotion of it each, and the answer's
scores are the truth, sharpened or flattened by a factor and moved by a shift of the speaker's own. What an interval
should hold is the figure over 100,000 clips of other speakers with as many raters each.

    python tests/benchmarks/sim_soft.py [CORPORA]
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from sv_eval.record_file.ballots import Ballots
from sv_eval.report.interval import Interval
from sv_eval.report.soft import SoftFigure
from sv_eval.scoring.soft.agreement import alpha_of
from sv_eval.scoring.soft.distances import jensen_shannon, total_variation
from sv_eval.scoring.soft.figures import HeldAgainst, SoftFigures
from sv_eval.scoring.soft.raters import Raters, raters_of

Floats = NDArray[np.float64]
LABELS = ("angry", "happy", "neutral", "sad")
SETTINGS = [
    (4, 50, 5, 1.0, 0.3),
    (4, 50, 5, 2.0, 0.7),
    (10, 40, 3, 1.0, 0.3),
    (10, 40, 10, 2.0, 0.7),
    (30, 20, 5, 2.0, 0.7),
    (100, 10, 5, 1.5, 0.3),
]
"""Speakers, clips of each, raters, the factor on the answers' logits, and how far speakers shift them."""


def corpus(
    rng: np.random.Generator, speakers: int, clips: int, raters: int, factor: float, spread: float
) -> tuple[Raters, HeldAgainst]:
    """What raters said, and answers to hold against it."""
    unit = np.repeat(np.arange(speakers), clips)
    mood = rng.normal(0.0, spread, (speakers, len(LABELS)))[unit]
    truth = _softmax(rng.normal(0.0, 1.5, (len(unit), len(LABELS))) + mood / 2)
    answer = _softmax(factor * np.log(truth) + rng.normal(0.0, spread, (speakers, len(LABELS)))[unit])
    votes = rng.multinomial(raters, truth)
    rows, of_set = np.unique(votes, axis=0, return_inverse=True)
    sets: list[Ballots] = [
        tuple(((label,), float(count)) for label, count in zip(LABELS, row, strict=True) if count) for row in rows
    ]
    found = raters_of(sets, LABELS, str)
    of_set = of_set.reshape(-1).astype(np.int64)
    none = np.zeros((len(unit), 1))
    held = HeldAgainst(
        places=np.arange(len(unit)),
        of_set=of_set,
        unit=unit,
        said=answer.argmax(axis=1),
        q=np.hstack([found.distribution[of_set], none]),
        p=np.hstack([answer, none]),
    )
    return found, held


def figures(raters: Raters, held: HeldAgainst) -> dict[str, Interval]:
    """Every interval, that of the answers and that of people."""
    of = SoftFigures(raters, LABELS, 0.95)
    found: dict[str, SoftFigure] = {
        "cross_entropy": of.logarithmic(held, "cross_entropy"),
        "kl": of.logarithmic(held, "kl"),
        "js": of.distance(held, "js", jensen_shannon),
        "tvd": of.distance(held, "tvd", total_variation),
        "soft_f1": of.macro_f1(held),
        "soft_acc": of.accuracy(held),
    }
    flat: dict[str, Interval] = {}
    for name, figure in found.items():
        flat[name] = figure.of_answers
        assert figure.of_raters
        flat[f"{name}*"] = figure.of_raters
    return flat | {"alpha": alpha_of(raters, held.of_set, held.unit, 0.95)}


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)


def main(corpora: int) -> None:
    """Print how often each interval holds its figure; those with a star are of people."""
    for place, (speakers, clips, raters, factor, spread) in enumerate(SETTINGS):
        rng = np.random.default_rng(place)
        facts = {name: one.value for name, one in figures(*corpus(rng, 20_000, 5, raters, factor, spread)).items()}
        if not place:
            sys.stdout.write(f"speakers clips raters factor spread | {' '.join(facts)}\n")
        held = np.zeros(len(facts))
        for _ in range(corpora):
            found = figures(*corpus(rng, speakers, clips, raters, factor, spread))
            held += [
                one.low is not None and one.high is not None and one.low <= (facts[name] or 0.0) <= one.high
                for name, one in found.items()
            ]
        shares = " ".join(f"{100 * one / corpora:.1f}" for one in held)
        sys.stdout.write(f"{speakers} {clips} {raters} {factor} {spread} | {shares}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
