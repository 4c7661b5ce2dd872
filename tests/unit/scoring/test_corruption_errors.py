"""Corruption errors are RobuSER's to the printed digit, and their bounds hold what they say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sv_eval.scoring.corruption_errors import ErrorCounts, Floats, error_counts, errors_relative_to, relative_errors

PUBLISHED = json.loads((Path(__file__).parent / "robuser_iemocap.json").read_text("utf-8"))
"""The IEMOCAP baseline of RobuSER (Behavioral Signals, MIT licence): errors in percent."""
FAMILIES = {name: levels for name, levels in PUBLISHED.items() if name != "clean"}
ERRORS = np.array([PUBLISHED["clean"], *(error for levels in FAMILIES.values() for error in levels.values())])
PLACES = {name: [1 + 3 * number + level for level in range(3)] for number, name in enumerate(FAMILIES)}


def printed(values: Floats) -> list[str]:
    return [f"{value:.2f}" for value in values]


def test_the_baseline_relative_to_itself_is_a_hundred_throughout() -> None:
    found = errors_relative_to(ERRORS, ERRORS, PLACES)

    assert printed(found) == ["100.00"] * (2 * len(FAMILIES) + 2)


def test_another_models_errors_come_out_as_by_hand() -> None:
    # A model with half of each error, and 5 points less than that under MP3: by the sums of the published levels.
    model = ERRORS / 2
    model[PLACES["compression"]] -= 5

    found = errors_relative_to(model, ERRORS, PLACES)

    ce = dict(zip(FAMILIES, printed(found[:8]), strict=True))
    rce = dict(zip(FAMILIES, printed(found[8:16]), strict=True))
    # 22.13 + 23.23 + 31.28 = 76.64, half of it less 15 is 23.32; less the clean 21.64 thrice, 11.72 and 5.86 - 15.
    assert ce["compression"] == f"{100 * 23.32 / 76.64:.2f}" == "30.43"
    assert rce["compression"] == f"{100 * -9.14 / 11.72:.2f}" == "-77.99"
    assert {value for name, value in ce.items() if name != "compression"} == {"50.00"}
    assert printed(found[16:]) == [f"{(7 * 50 + 30.4280) / 8:.2f}", f"{(7 * 50 - 77.9863) / 8:.2f}"]


def test_the_published_levels_have_these_sums() -> None:
    sums = {name: round(sum(levels.values()), 2) for name, levels in FAMILIES.items()}

    assert sums["gaussian"] == 93.08
    assert sums["impulse_response"] == 106.9
    # Relative to a baseline that is always wrong, a corruption error is the mean error.
    found = errors_relative_to(ERRORS, np.full(len(ERRORS), 100.0), PLACES)
    assert printed(found[:8]) == [f"{total / 3:.2f}" for total in sums.values()]


def test_a_baseline_that_loses_nothing_has_no_relative_error() -> None:
    flat = np.where(np.arange(len(ERRORS)) < 4, ERRORS[0], ERRORS)

    found = relative_errors(_counts(ERRORS), flat, PLACES)

    first, *others = found.rce.values()
    assert first.value is None
    assert first.reason
    assert all(one.value is not None for one in others)
    assert found.rmce.value == pytest.approx(np.mean([one.value for one in others]))


def test_equal_recognisers_are_a_hundred_and_paired_bounds_say_so() -> None:
    counts = _drawn(np.random.default_rng(0), [0.2, 0.4, 0.5], speakers=12)

    found = relative_errors(counts, counts, {"noise": [1, 2]})

    assert found.mce.value == pytest.approx(100)
    assert found.mce.low is None
    assert found.mce.reason


def test_bounds_hold_the_truth_as_often_as_they_say() -> None:
    # Speakers who are harder or easier for both sides alike.
    rng = np.random.default_rng(1)
    truth = 100 * (0.3 + 0.45) / (0.4 + 0.5)
    held = 0
    for _ in range(300):
        ease = rng.normal(0, 0.06, 14)
        model = _drawn(rng, [0.2, 0.3, 0.45], speakers=14, ease=ease)
        base = _drawn(rng, [0.25, 0.4, 0.5], speakers=14, ease=ease)
        mce = relative_errors(model, base, {"noise": [1, 2]}).mce
        assert mce.low is not None
        assert mce.high is not None
        held += mce.low <= truth <= mce.high

    assert 0.91 <= held / 300 <= 0.99


def test_a_speaker_counts_as_one_and_a_clip_without_one_by_itself() -> None:
    right = np.array([[True, False, True, True], [False, False, True, False]])

    found = error_counts(right, np.ones_like(right), np.array([3, 3, -1, -1]))

    assert found.counted.tolist() == [[2, 1, 1], [2, 1, 1]]
    assert found.wrong.tolist() == [[1, 0, 0], [2, 0, 1]]
    assert found.percent.tolist() == [25.0, 75.0]


def _counts(errors: Floats, units: int = 5) -> ErrorCounts:
    counted = np.full((len(errors), units), 100.0)
    spread = np.linspace(-1, 1, units)
    return ErrorCounts(wrong=errors[:, None] + spread, counted=counted)


def _drawn(
    rng: np.random.Generator, errors: list[float], *, speakers: int, ease: Floats | None = None
) -> ErrorCounts:
    shift = np.zeros(speakers) if ease is None else ease
    wrong = [rng.binomial(60, np.clip(error + shift, 0, 1)).astype(np.float64) for error in errors]
    return ErrorCounts(wrong=np.stack(wrong), counted=np.full((len(errors), speakers), 60.0))
