"""Shares in unlabelled audio: corrected by how a recogniser errs, with bounds that hold, or refused."""

from __future__ import annotations

import numpy as np
import pytest

from sv_eval.report.reasons import Why
from sv_eval.scoring.prevalence import Shares, prevalence

CONFUSION = np.array([[0.8, 0.1, 0.1, 0.0], [0.2, 0.7, 0.0, 0.1], [0.1, 0.2, 0.6, 0.1]])
"""Three emotions, by row; the fourth answer is none of them."""


def exactly(counts: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """References and answers of so many clips of each emotion, answered just as often as CONFUSION says."""
    reference = np.repeat(np.arange(3), counts)
    answer = np.concatenate(
        [np.repeat(np.arange(4), np.rint(CONFUSION[label] * n).astype(int)) for label, n in enumerate(counts)]
    )
    return reference, answer


def test_exact_answers_give_back_the_true_shares() -> None:
    reference, answer = exactly([200, 200, 200])
    _, found = exactly([10, 90, 300])

    shares = prevalence(reference, answer, np.arange(600) % 8, found, np.arange(400) % 8, n_labels=3)

    assert isinstance(shares, Shares)
    assert shares.value == pytest.approx([0.025, 0.225, 0.75], abs=1e-9)
    assert shares.counted == pytest.approx(np.array([10, 90, 300]) / 400 @ CONFUSION[:, :3], abs=1e-9)
    assert np.all(shares.low <= shares.value)
    assert np.all(shares.value <= shares.high)


def test_shares_equal_a_solution_by_hand_where_answers_and_emotions_are_two() -> None:
    # Recall 0.9, false alarms 0.2: a counted share of 0.3 is one of (0.3 - 0.2) / 0.7.
    reference = np.repeat([0, 1], 100)
    answer = np.concatenate([np.repeat([0, 1], [80, 20]), np.repeat([0, 1], [10, 90])])
    found = np.repeat([0, 1], [70, 30])

    shares = prevalence(reference, answer, np.arange(200) % 5, found, np.arange(100) % 5, n_labels=2)

    assert isinstance(shares, Shares)
    assert shares.value[1] == pytest.approx(0.1 / 0.7)


def test_shares_equal_quapys() -> None:
    from quapy.method.aggregative import ACC

    rng = np.random.default_rng(5)
    for _ in range(20):
        reference = np.concatenate([np.repeat([0, 1, 2], 20), rng.integers(0, 3, 400)])
        answer = np.where(rng.random(460) < 0.7, reference, rng.integers(0, 3, 460))
        found = rng.integers(0, 3, 500)
        matrix = np.array([[(answer[reference == b] == a).mean() for b in range(3)] for a in range(3)])
        counted = np.bincount(found, minlength=3) / 500
        peer = ACC.solve_adjustment(matrix, counted, method="inversion", solver="exact-raise")

        shares = prevalence(reference, answer, np.arange(460) % 9, found, np.arange(500) % 7, n_labels=3)

        assert isinstance(shares, Shares)
        assert shares.value == pytest.approx(np.clip(peer, 0, 1), abs=1e-9)


def test_bounds_hold_the_truth_with_speakers_on_neither_side() -> None:
    rng = np.random.default_rng(11)
    held = 0
    for _ in range(120):
        sides = []
        for mix in ([1 / 3, 1 / 3, 1 / 3], [0.05, 0.35, 0.6]):
            parts = []
            for number in range(8):
                own = [rng.dirichlet(30 * row + 0.3) for row in CONFUSION]
                these = rng.choice(3, 40, p=mix)
                parts.append((these, np.array([rng.choice(4, p=own[one]) for one in these]), np.full(40, number)))
            sides.append([np.concatenate(column) for column in zip(*parts, strict=True)])
        shares = prevalence(*sides[0], *sides[1][1:], n_labels=3)
        assert isinstance(shares, Shares)
        held += shares.low[0] <= 0.05 <= shares.high[0]

    assert held >= 107


@pytest.mark.parametrize(
    ("speakers", "confused", "code"), [(3, False, "few_speakers_of"), (8, True, "not_told_apart")]
)
def test_what_can_not_be_told_is_refused(speakers: int, confused: bool, code: str) -> None:
    reference, answer = exactly([200, 200, 200])
    if confused:
        answer = np.random.default_rng(0).permutation(answer)

    why = prevalence(reference, answer, np.arange(600) % speakers, answer, np.arange(600) % 8, n_labels=3)

    assert isinstance(why, Why)
    assert why.codes == (code,)


def test_an_emotion_without_labelled_clips_is_refused() -> None:
    reference, answer = exactly([200, 200, 200])
    kept = reference != 2

    why = prevalence(reference[kept], answer[kept], np.arange(400) % 8, answer, np.arange(600) % 8, n_labels=3)

    assert isinstance(why, Why)
    assert why.codes == ("few_labelled",)
