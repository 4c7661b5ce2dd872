"""Runs of many settings with planted answers, in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.table import RecordTable
from sv_eval.records import Clip, Outcome, Prediction, Record

LABELS = ("happy", "sad", "angry")


def table_of(
    answers: Sequence[str | None],
    references: Sequence[str],
    speakers: Sequence[str | None],
    failed: Sequence[int] = (),
) -> RecordTable:
    records = []
    for number, (answer, reference, speaker) in enumerate(zip(answers, references, speakers, strict=True)):
        clip = Clip(id=f"clip_{number:05d}", reference=reference, speaker=speaker)
        said = Prediction(label=answer, forced=answer if answer in LABELS else "sad")
        if number in failed:
            from sv_eval.records import Failure

            records.append(Record(clip=clip, outcome=Outcome.FAILURE, failure=Failure(kind="x", message="x")))
        else:
            records.append(Record(clip=clip, outcome=said.outcome, prediction=said, latency_ms=5.0, audio_s=1.0))
    return RunRecords.of_records(records).answers


@pytest.fixture(name="table_of", scope="session")
def table_of_fixture() -> Callable[..., RecordTable]:
    """Makes a table of answers, references and speakers."""
    return table_of


def drawn_tables(
    rng: np.random.Generator,
    *,
    settings: int,
    speakers: int,
    clips: int,
    accuracy: Sequence[float] | float = 0.7,
    known: bool = True,
) -> list[RecordTable]:
    """Tables of settings that answer alike in half of the clips, with speakers who are easier or harder."""
    references = [LABELS[number % len(LABELS)] for number in range(speakers * clips)]
    names: list[str | None] = [f"s{number // clips:02d}" if known else None for number in range(speakers * clips)]
    ease = np.repeat(rng.normal(0, 0.08, speakers), clips)
    common = rng.random(len(references))
    levels = [accuracy] * settings if isinstance(accuracy, float) else list(accuracy)
    tables = []
    for level in levels:
        draw = np.where(rng.random(len(references)) < 0.5, common, rng.random(len(references)))
        right = draw < level + ease
        wrong = [LABELS[(LABELS.index(one) + 1) % len(LABELS)] for one in references]
        answers = [one if ok else other for one, other, ok in zip(references, wrong, right, strict=True)]
        tables.append(table_of(answers, references, names))
    return tables


@pytest.fixture(name="drawn_tables", scope="session")
def drawn_tables_fixture() -> Callable[..., list[RecordTable]]:
    """Draws tables of settings with planted accuracies."""
    return drawn_tables
