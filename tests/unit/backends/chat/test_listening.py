"""Does a model listen? A deaf one is seldom believed, one that hears seldom accused."""

from __future__ import annotations

import numpy as np

from sv_eval.backends.chat.listening import SOUNDS, judged

NAMES = np.array(["happy", "sad", "angry", "neutral", "surprised", "refused"])


def test_deaf_models_are_found_and_those_that_hear_are_not_accused() -> None:
    rng = np.random.default_rng(5)
    believed = accused = 0
    for _ in range(80):
        shares = rng.dirichlet(np.ones(len(NAMES)))
        deaf = rng.choice(NAMES, (2, SOUNDS), p=shares)
        believed += judged(*deaf.tolist()).heard
        hears = rng.choice(NAMES, SOUNDS)
        # One that hears, and answers otherwise every sixth time.
        again = np.where(rng.random(SOUNDS) < 1 / 6, rng.choice(NAMES, SOUNDS), hears)
        accused += not judged(hears.tolist(), again.tolist()).heard

    assert believed <= 4
    assert accused <= 2


def test_one_answer_for_everything_is_deaf() -> None:
    found = judged(["happy"] * SOUNDS, ["happy"] * SOUNDS)

    assert (found.heard, found.alike, found.answers) == (False, SOUNDS, 1)
