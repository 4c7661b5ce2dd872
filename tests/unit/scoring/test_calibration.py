"""Calibration figures equal their peers and hand computation, and their bounds allow for speakers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import brier_score_loss, log_loss

from sv_eval.emotions import EMOTIONS
from sv_eval.record_file.as_json import record_to_json
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.score_table import ScoreTable
from sv_eval.records import Clip, Outcome, Prediction, Record
from sv_eval.report.calibration import Calibration
from sv_eval.scoring.calibration.bins import binned, equal_mass, units_of
from sv_eval.scoring.calibration.errors import ece_debiased, ece_plain, folded_mean, standard_errors
from sv_eval.scoring.calibration.judging import calibration_of, probability_figures
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.scope import scope_of
from sv_eval.scoring.unit_bounds import mean_by_unit

LABELS = EMOTIONS[:4]


def random_clips(n: int = 400, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    probability = rng.uniform(0.02, 0.98, n).round(6)
    return probability, rng.random(n) < probability**1.5, rng.integers(0, 8, n)


def run_of(n: int, *, with_scores: bool = True, speakers: int = 6, seed: int = 0) -> Calibration | None:
    rng = np.random.default_rng(seed)
    records = []
    for i in range(n):
        scores = dict(zip(LABELS, rng.dirichlet([1.0] * 4).round(6).tolist(), strict=True))
        answer = max(scores, key=scores.__getitem__)
        records.append(
            Record(
                clip=Clip(id=f"c{i:04d}", reference=LABELS[i % 4], speaker=f"s{i % speakers}"),
                outcome=Outcome.LABEL,
                prediction=Prediction(
                    label=answer, scores=scores if with_scores else None, confidence=scores[answer]
                ),
            )
        )
    table = ScoreTable.of_lines([record_to_json(one) for one in records])
    return calibration_of(scope_of(RunRecords.of_records(records), ScoringConfig()), table)


def test_the_plain_error_equals_netcals() -> None:
    from netcal.metrics import ECE

    for seed in range(5):
        probability, was, unit = random_clips(3000, seed)
        found = probability_figures(probability, was, unit, 0.95)
        assert found is not None
        peer = ECE(bins=15, equal_intervals=False).measure(probability, was.astype(int))
        assert found.ece_plain == pytest.approx(peer, abs=1e-9)


def test_brier_score_and_log_loss_equal_scikit_learns() -> None:
    probability, was, unit = random_clips()

    found = probability_figures(probability, was, unit, 0.95)

    assert found is not None
    assert found.brier.value == pytest.approx(brier_score_loss(was, probability), abs=1e-9)
    assert found.log_loss.value == pytest.approx(log_loss(was, probability), abs=1e-9)


def test_the_parts_of_a_brier_score_add_up_to_it() -> None:
    probability, was, unit = random_clips()

    found = probability_figures(probability, was, unit, 0.95)

    assert found is not None
    parts = found.parts
    whole = parts.reliability - parts.resolution + parts.uncertainty + parts.within
    assert whole == pytest.approx(found.brier.value, abs=4e-9)
    assert parts.uncertainty == pytest.approx(was.mean() * (1 - was.mean()), abs=1e-9)


def test_where_all_probabilities_of_a_bin_are_the_same_murphys_three_parts_suffice() -> None:
    probability = np.repeat([0.2, 0.5, 0.9], 40)
    was = np.tile(np.arange(40) % 2 == 0, 3)

    found = probability_figures(probability, was, np.arange(120), 0.95)

    assert found is not None
    assert found.parts.within == 0.0
    assert found.parts.reliability == pytest.approx((0.3**2 + 0.0 + 0.4**2) / 3, abs=1e-9)
    assert found.parts.resolution == 0.0


def test_the_plain_error_equals_hand_computation() -> None:
    probability, was, unit = random_clips()
    place = equal_mass(probability)

    by_hand = sum(
        (place == one).mean() * abs(probability[place == one].mean() - was[place == one].mean())
        for one in range(place.max() + 1)
    )

    assert place.max() + 1 == 15
    assert ece_plain(binned(probability, was, unit)) == pytest.approx(by_hand, abs=1e-12)


def test_bins_hold_as_many_clips_each_and_never_part_equal_ones() -> None:
    counts = np.bincount(equal_mass(np.random.default_rng(1).random(1000)))
    tied = equal_mass(np.array([0.3] * 500 + [0.7] * 50))

    assert set(counts.tolist()) == {66, 67}
    assert np.bincount(tied).tolist() == [500, 50]


def test_the_mean_of_a_folded_normal_is_that_of_draws() -> None:
    draws = np.abs(np.random.default_rng(0).normal(0.03, 0.05, 400_000))

    assert folded_mean(np.array([0.03]), np.array([0.05]))[0] == pytest.approx(draws.mean(), abs=3e-4)


def test_what_chance_adds_is_taken_off() -> None:
    plain, debiased = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        probability = rng.uniform(0, 1, 300)
        found = binned(probability, rng.random(300) < probability, np.arange(300))
        plain.append(ece_plain(found))
        debiased.append(float(ece_debiased(found.differences, standard_errors(found), found.counts)))

    assert np.mean(plain) > 0.06
    assert np.mean(debiased) < 0.6 * np.mean(plain)


def test_speakers_who_differ_widen_the_standard_error_of_a_bin() -> None:
    probability = np.full(200, 0.5)
    was = np.repeat([True, False], 100)

    by_clip = standard_errors(binned(probability, was, np.arange(200)))
    by_speaker = standard_errors(binned(probability, was, np.repeat(np.arange(10), 20)))

    assert by_clip[0] == pytest.approx(math.sqrt(0.25 / 199), abs=1e-12)
    assert by_speaker[0] == pytest.approx(math.sqrt(10 / 9 * 10 * 100) / 200, abs=1e-12)


def test_bounds_of_a_mean_are_students_where_speakers_have_a_clip_each() -> None:
    values = np.array([0.1, 0.4, 0.5, 0.9])

    found = mean_by_unit(values, np.arange(4), 0.95)

    half = 3.182446305284263 * values.std(ddof=1) / 2
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=1e-9)


def test_one_speaker_alone_has_no_bounds_and_says_so() -> None:
    found = mean_by_unit(np.array([0.1, 0.4]), np.zeros(2, dtype=np.int64), 0.95)

    assert (found.value, found.low) == (0.25, None)
    assert found.reason
    assert found.reason.codes == ("one_unit",)


def test_clips_without_a_speaker_are_by_themselves() -> None:
    assert units_of(np.array([3, -1, 1, 3, -1])).tolist() == [1, 2, 0, 1, 3]


def test_distributions_are_judged_against_the_reference_of_each_clip() -> None:
    rng = np.random.default_rng(0)
    p = np.array([rng.dirichlet([1.0] * 4).round(6) for _ in range(80)])
    reference = np.arange(80) % 4

    found = run_of(80)

    assert found is not None
    assert found.distribution
    one_hot = np.eye(4)[reference]
    assert found.distribution.brier.value == pytest.approx(((p - one_hot) ** 2).sum(axis=1).mean(), abs=1e-9)
    by_peer = log_loss(reference, p / p.sum(axis=1, keepdims=True), labels=[0, 1, 2, 3])
    assert found.distribution.log_loss.value == pytest.approx(by_peer, abs=1e-5)
    assert tuple(found.distribution.per_emotion) == LABELS


def test_the_classwise_error_is_the_mean_of_the_emotions() -> None:
    found = run_of(200)

    assert found is not None
    assert found.distribution
    emotions = found.distribution.per_emotion.values()
    assert found.distribution.ece_classwise.value == pytest.approx(
        np.mean([one.ece.value for one in emotions if one.ece.value is not None]), abs=1e-8
    )
    assert found.distribution.ece_classwise_plain == pytest.approx(
        np.mean([one.ece_plain for one in emotions]), abs=1e-8
    )


def test_confidence_without_scores_is_judged_as_confidence_alone() -> None:
    found = run_of(80, with_scores=False)

    assert found is not None
    assert found.confidence is not None
    assert not found.distribution


def test_too_few_clips_are_not_judged() -> None:
    assert run_of(39) is None
