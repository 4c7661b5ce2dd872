"""Evidence that may be looked at after every speaker."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sv_eval.scoring.paired.anytime import Units


def units_of(changes: list[list[int]], weights: list[float] | None = None) -> Units:
    """Speakers by the changes of their clips; every clip weighs the same unless told."""
    flat = np.array([one for speaker in changes for one in speaker], dtype=np.float64)
    total = max(len(flat), 1) if weights is None else sum(weights)
    weight = np.full(len(flat), 1 / total) if weights is None else np.array(weights) / total
    ends = np.cumsum([len(speaker) for speaker in changes], dtype=np.int64)
    begins = np.concatenate([[0], ends])
    sums = [
        np.array([part[a:b].sum() for a, b in zip(begins, ends, strict=False)]) for part in (flat * weight, weight)
    ]
    return Units(sums[0], sums[1], flat, weight, ends)


def drawn(rng: np.random.Generator, speakers: int, clips: int, loss: float, uneven: float = 0.0) -> Units:
    """Speakers of so many clips each, a tenth of which turn; each loses `loss` and its own difference."""
    mean = np.clip(rng.normal(-loss, uneven, speakers), -0.1, 0.1)[:, None]
    chance = rng.random((speakers, clips))
    change = np.where(chance < (0.1 - mean) / 2, -1.0, np.where(chance > 1 - (0.1 + mean) / 2, 1.0, 0.0))
    weight = np.full(speakers * clips, 1 / (speakers * clips))
    ends = np.arange(1, speakers + 1, dtype=np.int64) * clips
    return Units(
        change.sum(axis=1) / (speakers * clips), np.full(speakers, 1 / speakers), change.ravel(), weight, ends
    )


def test_a_bet_on_signs_by_hand() -> None:
    # One speaker lost 2 of 4 clips: the size is its own scale, so each bettor stakes tanh of its idea.
    found = units_of([[-1, -1, 0, 0]]).signs(0.0, -1)

    assert found[0] == pytest.approx(math.log(np.mean([1 + math.tanh(idea) for idea in (0.25, 0.5, 1.0)])))


def test_a_bet_on_clips_by_hand() -> None:
    found = units_of([[0, -1], [1]]).clips(0.02)

    def capital(share: float, changes: list[int]) -> float:
        return math.prod(1 + share * (change + 0.02) / 0.98 for change in changes)

    shares = (0.1, 0.25, 0.5, 0.9)
    assert found == pytest.approx(
        [math.log(np.mean([capital(share, [0, -1]) for share in shares])),
         math.log(np.mean([capital(share, [0, -1, 1]) for share in shares]))]
    )  # fmt: skip


@pytest.mark.parametrize("uneven", [0.0, 0.02, 0.1])
def test_a_run_that_is_no_worse_is_hardly_ever_found_worse_at_any_look(uneven: float) -> None:
    rng = np.random.default_rng(0)

    found = sum(drawn(rng, 40, 25, 0.0, uneven).worse_after(0.05) is not None for _ in range(1000))

    # At most a twentieth; with as many tries 70 would be three standard errors above it.
    assert found < 70


@pytest.mark.parametrize(("speakers", "clips"), [(40, 50), (400, 5), (1000, 2)])
def test_a_loss_as_large_as_the_margin_is_hardly_ever_ruled_out(speakers: int, clips: int) -> None:
    rng = np.random.default_rng(1)

    found = sum(drawn(rng, speakers, clips, 0.02).kept_after(0.02, 0.05) is not None for _ in range(300))

    assert found < 27


def test_signs_alone_would_be_misled_by_speakers_of_few_clips() -> None:
    rng = np.random.default_rng(2)
    limit = math.log(20)

    misled = sum((drawn(rng, 1000, 2, 0.02).signs(-0.02, 1) >= limit).any() for _ in range(100))

    assert misled > 10


def test_a_loss_is_found_early_and_none_is_told_as_surely() -> None:
    rng = np.random.default_rng(3)
    worse, same = drawn(rng, 60, 50, 0.06), drawn(rng, 60, 50, 0.0)

    assert (worse.worse_after(0.05) or 99) < 30
    assert worse.kept_after(0.02, 0.05) is None
    assert same.worse_after(0.05) is None
    assert (same.kept_after(0.04, 0.05) or 99) < 60


def test_bounds_hold_what_was_planted() -> None:
    rng = np.random.default_rng(4)
    inside = 0
    for _ in range(100):
        low, high = drawn(rng, 40, 50, 0.03).bounds(0.025)
        assert low <= high
        inside += low <= -0.03 <= high
    assert inside >= 95


def test_nothing_is_known_of_nobody() -> None:
    nobody = units_of([])

    assert (nobody.worse_after(0.05), nobody.kept_after(0.02, 0.05)) == (None, None)
    assert nobody.bounds(0.05) == (-1.0, 1.0)


def test_clips_of_rare_classes_weigh_more() -> None:
    units = units_of([[0, -1], [0, 1]], [1.0, 3.0, 1.0, 3.0])

    assert units.change == pytest.approx([-3 / 8, 3 / 8])
    assert units.part(1).clips(0.1) == pytest.approx(units.clips(0.1)[:1])
