from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import numpy as np
import pytest

from sv_eval.backend import Request
from sv_eval.backends.baselines.chance import RULES, ChanceBackend
from sv_eval.errors import ConfigError
from sv_eval.records import Prediction, Waveform

UNEVEN: dict[str, Any] = {
    "name": "uneven",
    "kind": "simulated",
    # Labels come in turn: four of six clips are sad.
    "simulated": {"n_clips": 600, "labels": ["sad", "sad", "happy", "sad", "angry", "sad"]},
}
SILENCE = Waveform(samples=np.zeros(16_000, np.float32))


def answers(rule: str, n: int = 3000, **settings: Any) -> list[Prediction]:
    async def ask() -> list[Any]:
        async with ChanceBackend(rule=rule, corpus=UNEVEN, **settings) as backend:
            assert set(backend.capabilities.labels) == {"happy", "sad", "angry"}
            return list(await backend.recognize([Request(clip_id=f"clip{i}", waveform=SILENCE) for i in range(n)]))

    return asyncio.run(ask())


def test_the_majority_is_always_the_most_frequent_emotion() -> None:
    found = answers("majority")

    assert {answer.label for answer in found} == {"sad"}
    assert found[0].scores == pytest.approx({"sad": 4 / 6, "happy": 1 / 6, "angry": 1 / 6})


@pytest.mark.parametrize(
    ("rule", "shares"),
    [
        ("stratified", {"sad": 4 / 6, "happy": 1 / 6, "angry": 1 / 6}),
        ("uniform", {"sad": 1 / 3, "happy": 1 / 3, "angry": 1 / 3}),
    ],
)
def test_draws_come_in_the_stated_proportions(rule: str, shares: dict[str, float]) -> None:
    counts = Counter(answer.label for answer in answers(rule))

    for label, share in shares.items():
        # Five standard errors.
        assert abs(counts[label] / 3000 - share) < 5 * (share * (1 - share) / 3000) ** 0.5


def test_a_draw_depends_on_seed_and_clip_alone() -> None:
    first, again, other = (answers("stratified", 50, seed=seed) for seed in (1, 1, 2))

    assert [answer.label for answer in first] == [answer.label for answer in again]
    assert [answer.label for answer in first] != [answer.label for answer in other]


def test_another_corpus_can_be_counted() -> None:
    even = {"name": "even", "kind": "simulated", "simulated": {"labels": ["happy", "fearful"], "n_clips": 10}}

    async def ask() -> tuple[str, ...]:
        async with ChanceBackend(rule="majority", corpus=UNEVEN, train=even) as backend:
            return backend.capabilities.labels

    assert set(asyncio.run(ask())) == {"happy", "fearful"}


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"backend\.rule=majorty is not known; did you mean majority"):
        ChanceBackend(rule="majorty")
    assert set(RULES) == {"majority", "stratified", "uniform"}
