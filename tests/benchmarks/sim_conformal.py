"""How near the coverage of sets is to what a report says of it, on unseen speakers: run this file as a script.

Corpora are simulated: five emotions, scores that are a model's, and speakers who differ in every emotion's logit.
What is reported, the coverage on speakers held out, is held against that of the report's own thresholds over
100,000 clips of other speakers.

    python tests/benchmarks/sim_conformal.py [CORPORA]
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from sv_eval.record_file.texts import Texts
from sv_eval.scoring.calibration.judging import JudgedScores
from sv_eval.scoring.conformal import conformal_of

Floats = NDArray[np.float64]
LABELS = ("happy", "sad", "angry", "neutral", "fearful")
SETTINGS = [
    (4, 60, 0.3), (4, 60, 1.0), (10, 40, 0.3), (10, 40, 1.0), (20, 40, 0.5), (20, 40, 1.5), (40, 50, 1.0),
    (100, 20, 1.0),
]  # fmt: skip
"""Speakers, clips of each, by how much speakers differ on the logit (standard deviation)."""


def corpus(rng: np.random.Generator, speakers: int, clips: int, spread: float) -> tuple[Floats, NDArray[np.int64]]:
    """Scores and references."""
    reference = rng.integers(0, len(LABELS), speakers * clips)
    logits = rng.normal(0, 1, (len(reference), len(LABELS))) + 2.0 * np.eye(len(LABELS))[reference]
    logits += np.repeat(spread * rng.normal(0, 1, (speakers, len(LABELS))), clips, axis=0)
    made = np.exp(logits)
    return made / made.sum(axis=1, keepdims=True), reference


def judged(values: Floats, reference: NDArray[np.int64], clips: int) -> JudgedScores:
    """The same as a report has them."""
    unit = np.arange(len(values)) // clips
    names = Texts.of(map(str, range(len(values))))
    return JudgedScores(
        clip_ids=names,
        labels=LABELS,
        names=LABELS,
        values=values,
        reference=reference,
        answer=values.argmax(axis=1),
        unit=unit,
        speaker=unit.astype(np.int32),
        speakers=tuple(map(str, range(len(values)))),
        audio_s=np.full(len(values), 3.0),
    )


def main(corpora: int) -> None:
    """Print what is reported and what is, on average, and how often the bounds hold it."""
    sys.stdout.write("speakers clips spread | reported, true, bounds hold it, size\n")
    for speakers, clips, spread in SETTINGS:
        rng = np.random.default_rng(0)
        others, truth = corpus(rng, 5_000, 20, spread)
        told, true, held, sizes = [], [], 0, []
        for _ in range(corpora):
            found = conformal_of(judged(*corpus(rng, speakers, clips, spread), clips), 0.95)
            assert found is not None
            thresholds = np.array([found.per_emotion[label].threshold for label in LABELS])
            covered = float((others[np.arange(len(truth)), truth] >= thresholds[truth]).mean())
            told.append(found.coverage.value or 0.0)
            true.append(covered)
            held += (found.coverage.low or 0.0) <= covered <= (found.coverage.high or 0.0)
            sizes.append(found.size.value or 0.0)
        shares = [100 * float(np.mean(one)) for one in (told, true)]
        sys.stdout.write(
            f"{speakers} {clips} {spread} | {shares[0]:.1f} {shares[1]:.1f} {100 * held / corpora:.1f} "
            f"{float(np.mean(sizes)):.2f}\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
