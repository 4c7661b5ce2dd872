"""Do the bounds of corrected shares hold the truth, where speakers differ and none is on both sides?

A recogniser of four emotions whose recalls differ from speaker to speaker; a labelled corpus with as many clips of
each emotion, an unlabelled one with a known share of anger, of other speakers.

    python tests/benchmarks/sim_prevalence.py [--corpora 500]
"""

from __future__ import annotations

import argparse

import numpy as np

from sv_eval.scoring.prevalence import Shares, prevalence

LABELS = 4
ANGER = 2


def spoken(
    rng: np.random.Generator, speakers: int, clips: int, mix: np.ndarray, recall: float, spread: float
) -> tuple:
    """References, answers and speakers."""
    reference, answer, speaker = [], [], []
    for number in range(speakers):
        own = 1 / (1 + np.exp(-(np.log(recall / (1 - recall)) + rng.normal(0, spread, LABELS))))
        lean = rng.dirichlet(np.full(LABELS, 2.0), LABELS)
        these = rng.choice(LABELS, clips, p=mix)
        for one in these:
            wrong = lean[one].copy()
            wrong[one] = 0
            right = rng.random() < own[one]
            answer.append(one if right else rng.choice(LABELS, p=wrong / wrong.sum()))
        reference += these.tolist()
        speaker += [number] * clips
    return np.array(reference), np.array(answer), np.array(speaker)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=int, default=500)
    n = parser.parse_args().corpora
    print(
        "labelled, unlabelled speakers x clips; recall, spread; true share | counted | corrected | held | refused"
    )
    for speakers, clips, recall, spread in (
        (10, 40, 0.8, 0.4),
        (10, 40, 0.6, 0.4),
        (4, 60, 0.7, 0.4),
        (40, 20, 0.7, 0.8),
    ):
        for share in (0.01, 0.05, 0.2, 0.6):
            rng = np.random.default_rng(round(1000 * share) + speakers)
            mix = np.full(LABELS, (1 - share) / (LABELS - 1))
            mix[ANGER] = share
            held, refused, counted, corrected = 0, 0, [], []
            for _ in range(n):
                known = spoken(rng, speakers, clips, np.full(LABELS, 1 / LABELS), recall, spread)
                _, answers, who = spoken(rng, speakers, clips, mix, recall, spread)
                found = prevalence(*known, answers, who, n_labels=LABELS)
                if not isinstance(found, Shares):
                    refused += 1
                    continue
                true = share
                held += found.low[ANGER] - 1e-12 <= true <= found.high[ANGER] + 1e-12
                counted.append(found.counted[ANGER])
                corrected.append(found.value[ANGER])
            told = n - refused
            print(
                f"{speakers} x {clips}; {recall}, {spread}; {share:.2f} | {np.mean(counted):.3f} | "
                f"{np.mean(corrected):.3f} | {held / max(told, 1):.3f} | {refused / n:.3f}"
            )


if __name__ == "__main__":
    main()
