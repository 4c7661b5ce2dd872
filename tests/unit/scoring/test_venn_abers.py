"""Venn-Abers steps: what isotonic regression gives with the new clip on either side, whatever the score."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from sv_eval.report.scored_under import ScoreSteps
from sv_eval.scoring.calibration.venn_abers import VennAbers, bounds_of, steps_of, venn_abers_of

pytest.importorskip("venn_abers", reason="the extra [calibration] is not installed")


@pytest.mark.parametrize("digits", [2, 6])
def test_bounds_are_those_of_isotonic_regression(digits: int) -> None:
    rng = np.random.default_rng(digits)
    scores = rng.random(300).round(digits)
    was = rng.random(300) < scores**2
    steps = steps_of(scores, was)
    new = np.concatenate([rng.random(40).round(digits), scores[:40], [0.0, 1.0]])

    low, high = bounds_of(steps, new)

    for place, one in enumerate(new):
        for found, label in ((low, 0.0), (high, 1.0)):
            peer = IsotonicRegression(y_min=0, y_max=1).fit(np.append(scores, one), np.append(was, label))
            assert found[place] == pytest.approx(peer.predict([one])[0], abs=1e-8)


def test_several_names_add_up_to_one_and_one_without_clips_keeps_its_score() -> None:
    rng = np.random.default_rng(0)
    values = rng.dirichlet([1, 1, 1], 400)
    reference = (rng.random(400) < values[:, 1]).astype(np.int64)
    steps = venn_abers_of(("a", "b", "c"), values, reference)

    made = VennAbers.of(("a", "b", "c"), steps).applied(values)

    assert {*steps} == {"a", "b"}
    assert made.sum(axis=1) == pytest.approx(1.0)
    low, high = bounds_of(steps["a"], values[:, 0])
    alone = high / (1 - low + high)
    ratio = made[:, 2] / made[:, 0]
    assert ratio == pytest.approx(values[:, 2] / alone)


def test_steps_are_short_and_probabilities() -> None:
    rng = np.random.default_rng(1)
    scores = rng.random(5000).round(6)
    steps = steps_of(scores, rng.random(5000) < scores)

    assert len(steps.low) == len(steps.low_from) + 1 < 1000
    assert all(0 <= level <= 1 for level in (*steps.low, *steps.high))
    assert isinstance(steps, ScoreSteps)
