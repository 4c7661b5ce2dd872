"""Atlases of runs with planted answers, in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sv_eval.finished.reading import FinishedRun
from sv_eval.finished.rescore import compute_report
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Record
from sv_eval.report.environment import Environment
from sv_eval.scoring.config import ScoringConfig
from sv_eval.studies.robustness.heard import Atlas, HeardRun

QUICK = ScoringConfig(resamples=200)
LABELS = ("happy", "sad", "angry")
N = 180
MakeAtlas = Callable[..., Atlas]


def answers(wrong_every: int, instead: str | None = None) -> list[str | None]:
    """Answers to `N` clips whose references go round; every so many are wrong, as the next label or `instead`."""
    found: list[str | None] = []
    for n in range(N):
        # Speakers come in tens, and those with an odd number err twice as often.
        often = wrong_every and n % wrong_every < 1 + (n // 10) % 2
        found.append((LABELS[(n + 1) % 3] if instead is None else instead) if often else LABELS[n % 3])
    return found


@pytest.fixture
def atlas_of(record: Callable[..., Record], environment_of: Callable[..., Environment]) -> MakeAtlas:
    """Makes an atlas of the clean run's answers, and of conditions by name: answers and steps."""

    def run(said: Sequence[str | None], condition: Mapping[str, Any], speakers: bool) -> FinishedRun:
        records = RunRecords.of_records(
            record(f"c{n:03}", LABELS[n % 3], answer, speaker=f"s{n // 10:02}" if speakers else None)
            for n, answer in enumerate(said)
        )
        settings = {"condition": condition} if condition else {}
        environment = replace(environment_of(), settings=settings)
        report = compute_report(records, environment, QUICK)
        return FinishedRun(directory=Path("0"), report=report, environment=environment, records=records)

    def make(
        clean: Sequence[str | None],
        conditions: Mapping[str, tuple[Sequence[str | None], Mapping[str, Any]]],
        speakers: bool = True,
    ) -> Atlas:
        heard = [
            HeardRun(name=name, directory=str(n), run=run(said, {"name": name, "steps": steps}, speakers))
            for n, (name, (said, steps)) in enumerate(conditions.items(), 1)
        ]
        return Atlas(
            source="made", clean=HeardRun(name="none", directory="0", run=run(clean, {}, speakers)), heard=heard
        )

    return make
