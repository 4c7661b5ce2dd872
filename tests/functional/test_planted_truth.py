"""The harness reports what is there: a recogniser with planted behaviour, a hundred times over."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest

from sv_eval.backends.fake import FakeBackend
from sv_eval.machine.clock import SimulatedClock
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Clip, Record, Waveform
from sv_eval.report.interval import Interval
from sv_eval.run.load import LoadConfig, plan_load
from sv_eval.run.loop import RunLoop
from sv_eval.scoring.scorecard import Scorecard, ScoringConfig, score

RUNS, CLIPS = 100, 480
AT_LEAST = 93
LABELS = ("happy", "sad", "angry", "neutral")
PLANTED: dict[str, dict[str, float]] = {
    "happy": {"happy": 0.70, "angry": 0.20, "neutral": 0.06, "unknown": 0.04},
    "sad": {"sad": 0.82, "neutral": 0.12, "unknown": 0.06},
    "angry": {"angry": 0.90, "happy": 0.08, "surprised": 0.02},
    "neutral": {"neutral": 0.60, "sad": 0.25, "happy": 0.05, "unknown": 0.08, "no_tag": 0.02},
}
P50_MS, P95_MS = 100.0, 260.0
FAILURE_RATE = 0.05


class Silence:
    """A source of the same tenth of a second for every clip."""

    _waveform = Waveform(samples=np.zeros(1600, dtype=np.float32))

    def load(self, clip: Clip, *, keep_encoded: bool = False) -> Waveform:
        return self._waveform


def clips() -> Iterator[Clip]:
    for i in range(CLIPS):
        label = LABELS[i % len(LABELS)]
        yield Clip(id=f"c{i:04d}", reference=label, speaker=f"s{i // 4 % 40:02d}")


def measure(seed: int) -> Scorecard:
    clock = SimulatedClock()
    backend = FakeBackend(
        seed=seed,
        confusion=PLANTED,
        failure_rate=FAILURE_RATE,
        latency={"p50_ms": P50_MS, "p95_ms": P95_MS},
        clock=clock,
    )
    records: list[Record] = []

    async def drive() -> None:
        plan = plan_load(LoadConfig(warmup_clips=0), backend.capabilities)
        loop = RunLoop(backend=backend, source=Silence(), plan=plan, on_record=records.append, clock=clock)
        await loop.run(clips())

    asyncio.run(drive())
    config = ScoringConfig(resamples=1000, seed=seed)
    return score(RunRecords.of_records(records), config, label_order=LABELS, supported=LABELS)


def f1(label: str) -> float:
    """The planted F1: classes are equally frequent, so shares add up like counts."""
    said = sum(row.get(label, 0.0) for row in PLANTED.values())
    return 2 * PLANTED[label][label] / (1 + said)


TRUTH = {
    "uar": sum(PLANTED[label][label] for label in LABELS) / len(LABELS),
    "accuracy": sum(PLANTED[label][label] for label in LABELS) / len(LABELS),
    "macro_f1": sum(f1(label) for label in LABELS) / len(LABELS),
    **{f"recall of {label}": PLANTED[label][label] for label in LABELS},
    "p50": P50_MS,
    "p95": P95_MS,
}


def reported(card: Scorecard) -> dict[str, Interval]:
    return {
        **{name: getattr(card.headline, name) for name in ("uar", "accuracy", "macro_f1")},
        **{f"recall of {label}": card.per_emotion[label].recall for label in LABELS},
        **{name: getattr(card.latency, name) for name in ("p50", "p95")},
    }


@pytest.fixture(scope="module")
def runs() -> list[Scorecard]:
    return [measure(seed) for seed in range(RUNS)]


@pytest.mark.parametrize("name", list(TRUTH))
def test_the_planted_value_lies_in_its_interval(runs: list[Scorecard], name: str) -> None:
    figures = [reported(card)[name] for card in runs]

    covered = sum(figure.low <= TRUTH[name] <= figure.high for figure in figures)

    assert covered >= AT_LEAST, f"{name}: {covered} of {RUNS}"


def test_the_planted_matrix_comes_back(runs: list[Scorecard]) -> None:
    totals: Counter[tuple[str, str]] = Counter()
    for card in runs:
        confusion = card.confusion
        for row, counts in zip(confusion.rows, confusion.counts, strict=True):
            totals.update({(row, column): n for column, n in zip(confusion.columns, counts, strict=True)})

    for label, row in PLANTED.items():
        seen = sum(n for (reference, _), n in totals.items() if reference == label)
        for answer, share in row.items():
            assert totals[label, answer] / seen == pytest.approx(share, abs=0.01)


def test_failures_are_counted_and_never_scored(runs: list[Scorecard]) -> None:
    failed = [card.run.n_failed for card in runs]

    assert np.mean(failed) / CLIPS == pytest.approx(FAILURE_RATE, abs=0.005)
    assert all(card.run.n_scored + card.run.n_failed == CLIPS for card in runs)
