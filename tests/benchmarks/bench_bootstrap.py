"""How much quicker the bootstrap is than a loop over scikit-learn: run this file as a script.

Ours: 10,000 resamples of all figures of all policies over 100,000 clips of 400 speakers. The loop: resample
speakers, gather their clips, and ask scikit-learn for UAR, accuracy, macro and weighted F1 of one policy;
timed on a few resamples and scaled. Both on one thread. Trust the ratio, not the seconds.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
from sklearn.metrics import accuracy_score, f1_score, recall_score
from threadpoolctl import threadpool_limits

from sv_eval.emotions import EMOTIONS
from sv_eval.record_file.bare_table import bare_table
from sv_eval.record_file.rows import ANSWERS
from sv_eval.record_file.table import RecordTable
from sv_eval.scoring.bootstrap import bounds
from sv_eval.scoring.clusters import clusters_of, in_scope
from sv_eval.scoring.config import POLICIES
from sv_eval.scoring.measures import Measures

RESAMPLES = 10_000
REPEATS = 5
LOOP_RESAMPLES = 5


def random_table(clips: int, speakers: int, seed: int = 0) -> RecordTable:
    """A table of random answers, two thirds of them right, a few of them unknown."""
    rng = np.random.default_rng(seed)
    reference = rng.integers(0, len(EMOTIONS), clips).astype(np.int8)
    right = rng.random(clips) < 0.67
    other = rng.integers(0, len(EMOTIONS), clips).astype(np.int8)
    forced = np.where(right, reference, other).astype(np.int8)
    predicted = np.where(rng.random(clips) < 0.05, ANSWERS.index("unknown"), forced).astype(np.int8)
    return bare_table(
        tuple(f"{i:06d}" for i in range(clips)),
        reference=reference,
        predicted=predicted,
        forced=forced,
        speaker=(rng.integers(0, speakers, clips) if speakers else np.full(clips, -1)).astype(np.int32),
        speakers=tuple(f"s{i:04d}" for i in range(speakers)),
    )


def medians_s(*works: Callable[[], object], repeats: int = REPEATS) -> tuple[float, ...]:
    """The median wall time of each, seconds; they take turns, so that a busy moment hits all of them."""
    times: list[list[float]] = [[] for _ in works]
    for turn in range(repeats + 1):
        for work, spent in zip(works, times, strict=True):
            start = time.perf_counter()
            work()
            if turn:
                spent.append(time.perf_counter() - start)
    return tuple(statistics.median(spent) for spent in times)


def ours(table: RecordTable) -> None:
    """All bounds of all figures."""
    clusters = clusters_of(table, EMOTIONS, in_scope(table, EMOTIONS))
    measures = Measures.over(clusters.total, POLICIES)
    bounds(clusters, measures, measures.facts(clusters), confidence=0.95, resamples=RESAMPLES, seed=0)


def loop(table: RecordTable) -> None:
    """Four figures of one policy, the usual way, for a few resamples."""
    rng = np.random.default_rng(0)
    order = np.argsort(table.speaker, kind="stable")
    clips_of = np.split(order, np.cumsum(np.bincount(table.speaker))[:-1])
    labels = list(range(len(EMOTIONS)))
    for _ in range(LOOP_RESAMPLES):
        drawn = rng.integers(0, len(clips_of), len(clips_of))
        clips = np.concatenate([clips_of[speaker] for speaker in drawn])
        truth, answer = table.reference[clips], table.predicted[clips]
        recall_score(truth, answer, labels=labels, average="macro", zero_division=0)
        accuracy_score(truth, answer)
        f1_score(truth, answer, labels=labels, average="macro", zero_division=0)
        f1_score(truth, answer, labels=labels, average="weighted", zero_division=0)


def plain_loop(table: RecordTable) -> None:
    """UAR of one policy by gathering clips and counting with numpy, for a few resamples: a harder rival."""
    rng = np.random.default_rng(0)
    order = np.argsort(table.speaker, kind="stable")
    clips_of = np.split(order, np.cumsum(np.bincount(table.speaker))[:-1])
    cells = table.reference.astype(np.int64) * len(ANSWERS) + table.predicted
    for _ in range(LOOP_RESAMPLES):
        drawn = rng.integers(0, len(clips_of), len(clips_of))
        clips = np.concatenate([clips_of[speaker] for speaker in drawn])
        counts = np.bincount(cells[clips], minlength=7 * len(ANSWERS)).reshape(7, -1)
        np.mean(np.diagonal(counts) / counts.sum(axis=1))


def main() -> None:
    """Print the times and ratios."""
    for clips, speakers in ((10_000, 40), (100_000, 400)):
        table = random_table(clips, speakers)
        mine, theirs, plain = medians_s(
            lambda table=table: ours(table),
            lambda table=table: loop(table),
            lambda table=table: plain_loop(table),
        )
        scale = RESAMPLES / LOOP_RESAMPLES
        sys.stdout.write(
            f"{clips:>7} clips, {speakers:>3} speakers: ours {mine:.3f} s; scaled loops: "
            f"scikit-learn {theirs * scale:.0f} s, ratio {theirs * scale / mine:.0f}; "
            f"numpy, UAR only {plain * scale:.1f} s, ratio {plain * scale / mine:.0f}\n"
        )
    table = random_table(100_000, 0)
    (mine,) = medians_s(lambda: ours(table))
    sys.stdout.write(f" 100000 clips, no speakers known: ours {mine:.3f} s\n")


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
