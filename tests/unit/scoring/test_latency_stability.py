"""Warnings about drift, modes and stray values: raised where they are planted, and not on what is ordinary."""

from __future__ import annotations

import numpy as np

from sv_eval.scoring.latency_stability import at_equal_length, drift, over_time, strays, two_modes


def test_ordinary_latency_raises_no_sign() -> None:
    raised = 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        values = 20 * np.exp(0.5 * draw.normal(size=500))
        raised += drift(values).notable + two_modes(values).notable + strays(values).notable

    assert raised <= 2


def test_a_slow_rise_is_a_drift_and_its_size_is_told() -> None:
    draw = np.random.default_rng(1)
    values = np.linspace(10, 14, 400) + draw.normal(size=400)

    found = drift(values)

    assert found.notable
    # The medians of the thirds lie at a sixth and at five sixths.
    assert abs(found.change - (10 + 4 * 5 / 6) / (10 + 4 / 6) + 1) < 0.03


def test_two_modes_are_found_with_their_places_and_shares() -> None:
    draw = np.random.default_rng(2)
    values = np.where(draw.random(1000) < 0.8, 10.0, 60.0) * np.exp(0.05 * draw.normal(size=1000))

    found = two_modes(values)

    assert found.notable
    assert abs(found.low_ms - 10) < 0.5
    assert abs(found.high_ms - 60) < 3
    assert abs(found.share_high - 0.2) < 0.04


def test_uniform_latency_has_one_mode() -> None:
    assert not two_modes(np.linspace(10, 60, 1000)).notable


def test_a_few_stalls_are_strays() -> None:
    values = np.r_[np.random.default_rng(4).normal(20, 2, 500), [900.0, 950.0, 1000.0]]

    assert strays(values).n == 3
    assert strays(values).notable


def test_long_clips_at_the_end_are_no_drift() -> None:
    audio_s = np.sort(np.random.default_rng(5).uniform(1, 10, 300))
    values = 5 + 20 * audio_s

    assert drift(values).notable
    assert not drift(at_equal_length(values, audio_s)).notable


def test_windows_of_time_hold_every_call() -> None:
    sent_s = np.linspace(0, 9.99, 1000)

    windows = over_time(sent_s, np.where(sent_s < 5, 1.0, 3.0))

    assert sum(window.n for window in windows) == 1000
    assert [window.p50 for window in windows] == [1.0] * 5 + [3.0] * 5
