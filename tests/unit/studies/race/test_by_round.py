"""A race judged by its rounds, on latencies that are made up."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.table import RecordTable
from sv_eval.records import Clip, Failure, Outcome, Prediction, Record
from sv_eval.reports.race import render_race
from sv_eval.studies.race.by_round import RoundPair, pair_of, pairs_of, power_of, rounds_needed
from tests.benchmarks.sim_race import raced


def side(latencies_ms: list[list[float]], *, failing: tuple[tuple[int, int], ...] = ()) -> RecordTable:
    """A backend's requests: a list of latencies a round."""
    records = []
    for number, turn in enumerate(latencies_ms):
        for clip, latency_ms in enumerate(turn):
            lost = (number, clip) in failing
            record = Record(
                clip=Clip(id=f"c{clip}", reference="sad"),
                outcome=Outcome.FAILURE if lost else Outcome.LABEL,
                prediction=None if lost else Prediction(label="sad"),
                failure=Failure(kind="timeout", message="late") if lost else None,
                latency_ms=latency_ms,
                audio_s=1.0,
                round=number,
            )
            records.append(record)
    return RunRecords.of_records(records).requests


def test_rounds_are_paired_as_by_student_s_t() -> None:
    draw = np.random.default_rng(1)
    one, other = draw.normal(3.0, 0.1, 3), draw.normal(3.1, 0.1, 3)

    found = pair_of(
        dict(enumerate(one)), dict(enumerate(other)), titles=("A", "B"), places={0: 1, 1: -1, 2: 1}, figure="p50"
    )

    known = stats.ttest_rel(other, one)
    low, high = known.confidence_interval(0.95)
    assert found.p_value == pytest.approx(known.pvalue)
    assert (found.low, found.high) == pytest.approx((math.exp(low), math.exp(high)))
    assert found.turn is None


def test_what_the_place_in_a_round_does_is_measured_and_is_no_noise() -> None:
    rounds = range(10)
    places = {number: 1 if number % 2 == 0 else -1 for number in rounds}
    one = {number: 0.5 * math.log(1.2) * (places[number] < 0) for number in rounds}
    other = {number: math.log(1.05) + math.log(1.2) * 0.5 * (places[number] > 0) for number in rounds}
    ripple = {number: value + 0.001 * (-1) ** (number // 2) for number, value in other.items()}

    found = pair_of(one, ripple, titles=("A", "B"), places=places, figure="p50")

    assert found.ratio == pytest.approx(1.05, rel=0.002)
    assert found.turn == pytest.approx(math.sqrt(1.2), rel=0.01)
    assert found.noise == pytest.approx(0.001, rel=0.5)
    assert found.verdict == "slower"


def test_only_clips_that_both_answered_in_a_round_have_a_part_in_it() -> None:
    plain = [[10.0, 20.0, 30.0, 40.0, 50.0, 900.0]] * 3
    one, other = (
        side(plain),
        side([[20.0, 40.0, 60.0, 80.0, 100.0, 1.0]] * 3, failing=tuple((n, 5) for n in range(3))),
    )

    p50, p95 = pairs_of([one, other], ["A", "B"])

    assert (p50.rounds, p50.ratio) == (3, pytest.approx(2.0))
    assert (p95.rounds, p95.ratio, p95.verdict) == (0, None, "open")


def test_power_is_that_of_simulated_races_and_the_rounds_that_are_named_have_it() -> None:
    rng = np.random.default_rng(3)
    for rounds, noise in ((5, 0.05), (12, 0.1)):
        gaps = math.log(1.1) + noise * rng.normal(size=(20_000, rounds))
        design = np.column_stack([np.ones(rounds), np.tile([1, -1], rounds)[:rounds]])
        inverse = np.linalg.inv(design.T @ design)
        found = gaps @ design @ inverse
        rest = ((gaps - found @ design.T) ** 2).sum(axis=1) / (rounds - 2)
        t = found[:, 0] / np.sqrt(rest * inverse[0, 0])
        seen = float(np.mean(t > stats.t.ppf(0.975, rounds - 2)))
        assert power_of(math.log(1.1), noise, rounds) == pytest.approx(seen, abs=0.02)
    needed = rounds_needed(0.1, 10_000, difference=0.1, power=0.9)
    assert needed is not None
    assert power_of(math.log(1.1), 0.101, needed) >= 0.89
    assert power_of(math.log(1.1), 0.101, needed - 3) < 0.9
    of_a_short_pilot = rounds_needed(0.1, 3, difference=0.1, power=0.9)
    assert of_a_short_pilot is not None
    assert of_a_short_pilot > needed
    assert rounds_needed(50.0, 10, difference=0.01, power=0.9) is None


@pytest.mark.parametrize("effect", [0.0, 0.03, 0.10])
def test_two_alike_are_seldom_told_apart_whatever_turns_do(effect: float) -> None:
    rng = np.random.default_rng(11)

    claims = [raced(rng, 6, effect)[0].verdict != "open" for _ in range(300)]

    assert np.mean(claims) <= 0.07


def test_the_rounds_that_a_pilot_names_find_what_it_asked_about() -> None:
    rng = np.random.default_rng(5)
    right = 0
    for _ in range(100):
        needed = raced(rng, 10, 0.03, 0.1)[0].needed
        assert needed is not None
        right += raced(rng, needed, 0.03, 0.1)[0].verdict == "slower"

    assert right >= 88


@pytest.mark.parametrize(("language", "word"), [("en", "slower"), ("zh", "较慢")])
def test_the_report_tells_of_every_pair(language: str, word: str) -> None:
    plain: dict[str, Any] = {
        "rounds": 6,
        "figure": "p50",
        "p_value": 0.01,
        "noise": 0.02,
        "turn": 1.01,
        "turn_low": 0.99,
    }
    pair = RoundPair(
        before="1-a", after="2-b|", ratio=1.2, low=1.1, high=1.3, turn_high=1.03, finds=0.04, needed=4,
        difference=0.1, power=0.9, **plain,
    )  # fmt: skip

    text = render_race({"confidence": 0.95, "pairs": [pair.to_json()]}, language)

    row = next(line for line in text.splitlines() if line.startswith("| 1-a"))
    assert f"| 1.2 (1.1 – 1.3) | 0.0100 | {word} |" in row
    assert row.count("|") - row.count("\\|") == text.splitlines()[5].count("|")
