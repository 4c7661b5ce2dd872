from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import numpy as np
import pytest

from sv_eval.backend import Answer, Request
from sv_eval.backends.fake import FakeBackend, PlantedLatency
from sv_eval.errors import ConfigError
from sv_eval.records import Failure, Prediction, Waveform

SILENCE = Waveform(samples=np.zeros(16, dtype=np.float32))


def ask(backend: FakeBackend, count: int, reference: str = "happy") -> list[Answer]:
    requests = [Request(clip_id=f"c{i}", waveform=SILENCE, reference=reference) for i in range(count)]

    async def drive() -> list[Answer]:
        async with backend:
            return list(await backend.recognize(requests))

    return asyncio.run(drive())


def labels(answers: list[Answer]) -> Counter[str | None]:
    return Counter(answer.label for answer in answers if isinstance(answer, Prediction))


def test_answers_follow_the_planted_row() -> None:
    row = {"happy": 0.6, "sad": 0.3, "unknown": 0.1}

    heard = labels(ask(FakeBackend(confusion={"happy": row}), 20_000))

    assert set(heard) == set(row)
    for answer, share in row.items():
        assert heard[answer] / 20_000 == pytest.approx(share, abs=0.012)


def test_answers_do_not_depend_on_order_or_batch() -> None:
    backend = FakeBackend()
    together = ask(backend, 50)

    alone = [ask(backend, i + 1)[-1] for i in range(50)]

    assert alone == together


def test_another_seed_is_another_draw() -> None:
    assert ask(FakeBackend(seed=1), 50) != ask(FakeBackend(seed=2), 50)


def test_the_forced_answer_is_never_unknown() -> None:
    answers = ask(FakeBackend(confusion={"happy": {"happy": 0.5, "unknown": 0.5}}), 200)

    assert {answer.forced for answer in answers if isinstance(answer, Prediction)} == {"happy"}


def test_failures_come_at_the_planted_rate() -> None:
    answers = ask(FakeBackend(failure_rate=0.25), 10_000)

    assert sum(isinstance(answer, Failure) for answer in answers) / 10_000 == pytest.approx(0.25, abs=0.015)


def test_latency_goes_through_the_planted_percentiles() -> None:
    latency = PlantedLatency(p50_ms=10, p95_ms=40)

    assert latency.quantile_ms(0.5) == pytest.approx(10)
    assert latency.quantile_ms(0.95) == pytest.approx(40)


@pytest.mark.parametrize(
    "settings",
    [
        {"accuracy": 1.5},
        {"confusion": {"happy": {"happy": 0.5}}},
        {"confusion": {"happy": {"hapy": 1.0}}},
        {"confusion": {"joy": {"happy": 1.0}}},
        {"latency": {"p50": 3}},
        {"latency": {"p50_ms": 9, "p95_ms": 3}},
        {"labels": ["joy"]},
    ],
)
def test_settings_that_can_not_be_planted_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="backend"):
        FakeBackend(**settings)
