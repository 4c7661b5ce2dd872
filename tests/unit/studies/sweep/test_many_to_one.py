"""Many settings against one: no more false alarms than promised, however many there are to pick from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from sv_eval.record_file.table import RecordTable
from sv_eval.scoring.clusters import Clusters
from sv_eval.studies.sweep.many_to_one import differences_from, standard_errors
from sv_eval.studies.sweep.units import PairedUnits, paired_units

LABELS = ("happy", "sad", "angry")
Draw = Callable[..., list[RecordTable]]


def test_one_comparison_is_the_paired_t_test_over_speakers(drawn_tables: Draw) -> None:
    tables = drawn_tables(np.random.default_rng(0), settings=2, speakers=9, clips=30, accuracy=(0.6, 0.66))
    units = paired_units(tables, LABELS, "wrong")

    found = differences_from(units, 0, confidence=0.95, seed=0)[1]

    # Every speaker has as many clips of every emotion, so that UAR is the mean of the speakers' UARs.
    by_speaker = units.counts.counts[2:].sum(axis=1) / units.counts.counts[:2].sum(axis=1)
    expected = stats.ttest_rel(by_speaker[1], by_speaker[0])
    assert found.value == pytest.approx((by_speaker[1] - by_speaker[0]).mean())
    assert found.p == pytest.approx(expected.pvalue, abs=0.01)
    low, high = expected.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.004)
    assert standard_errors(units, 0)[1] == pytest.approx(found.value / expected.statistic)


def equal_settings(rng: np.random.Generator, *, settings: int, speakers: int, clips: int) -> PairedUnits:
    """Counts of settings that are equally good and agree on half of the clips; speakers are easier or harder."""
    level = np.clip(0.7 + rng.normal(0, 0.08, speakers), 0.05, 0.95)[:, None, None]
    shape = (speakers, len(LABELS), clips // len(LABELS))
    common, own = rng.random(shape), rng.random((settings, *shape))
    draw = np.where(rng.random((settings, *shape)) < 0.5, common, own)
    right = (draw < level).sum(axis=-1).transpose(0, 2, 1).astype(np.float64)
    counts = np.concatenate([np.full_like(right, shape[-1]), right])
    clusters = Clusters(counts=counts, multiplicity=np.ones(speakers, np.int64), kind="speaker")
    return PairedUnits(counts=clusters, n_clips=speakers * clips, n_left_out=0)


@pytest.mark.parametrize("speakers", [2, 4, 6, 12])
def test_the_best_of_many_equal_settings_seldom_looks_better(speakers: int) -> None:
    rng, alarms, unadjusted, rounds = np.random.default_rng(speakers), 0, 0, 250
    for _ in range(rounds):
        units = equal_settings(rng, settings=13, speakers=speakers, clips=18)
        found = differences_from(units, 0, confidence=0.95, seed=0, draws=400)
        alarms += min(one.p for one in found if one.p is not None) < 0.05
        error = standard_errors(units, 0)
        judged = error > 1e-12
        t = np.array([one.value for one in found])[judged] / error[judged]
        unadjusted += bool((2 * stats.t.sf(np.abs(t), speakers - 1) < 0.05).any())

    # 5 % promised; three standard errors of the rounds on top.
    assert alarms / rounds <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / rounds)
    # Without the adjustment one of twelve would look different far too often; of two speakers' few clips none can.
    assert unadjusted >= 2 * alarms
    assert unadjusted / rounds > 0.1 or speakers == 2


@pytest.mark.parametrize("speakers", [3, 8])
def test_the_adjustment_lies_between_none_and_bonferronis(drawn_tables: Draw, speakers: int) -> None:
    tables = drawn_tables(np.random.default_rng(7), settings=9, speakers=speakers, clips=30)
    units = paired_units(tables, LABELS, "wrong")

    found = differences_from(units, 0, confidence=0.95, seed=0)[1:]

    value = np.array([one.value for one in found])
    single = 2 * stats.t.sf(np.abs(value) / standard_errors(units, 0)[1:], speakers - 1)
    for one, alone in zip(found, single, strict=True):
        assert one.p is not None
        assert alone - 0.01 <= one.p <= min(1.0, 8 * alone) + 0.01
        assert one.low is not None
        assert (one.p < 0.05) == (one.low > 0 or (one.high or 0) < 0)


def test_a_planted_gain_is_found(drawn_tables: Draw) -> None:
    tables = drawn_tables(
        np.random.default_rng(2), settings=5, speakers=20, clips=60, accuracy=(0.6, 0.6, 0.61, 0.72, 0.59)
    )
    found = differences_from(paired_units(tables, LABELS, "wrong"), 0, confidence=0.95, seed=0)

    assert found[3].p is not None
    assert found[3].p < 0.01
    assert found[3].low is not None
    assert 0 < found[3].low < 0.12 < (found[3].high or 0)
    assert (found[0].value, found[0].p) == (0.0, 1.0)


def test_bounds_of_two_speakers_stay_where_two_shares_can_lie(drawn_tables: Draw) -> None:
    tables = drawn_tables(np.random.default_rng(3), settings=4, speakers=2, clips=9, accuracy=(0.9, 0.5, 0.6, 0.4))

    found = differences_from(paired_units(tables, LABELS, "wrong"), 0, confidence=0.95, seed=0)

    assert all(-1 <= (one.low or 0) <= one.value <= (one.high or 0) <= 1 for one in found)
    assert any(one.low == -1 for one in found)


def test_one_speaker_shows_no_spread_and_no_p_value_is_made_up(drawn_tables: Draw) -> None:
    tables = drawn_tables(np.random.default_rng(3), settings=3, speakers=1, clips=60, accuracy=(0.5, 0.7, 0.6))

    found = differences_from(paired_units(tables, LABELS, "wrong"), 0, confidence=0.95, seed=0)

    assert found[1].value > 0
    assert (found[1].low, found[1].p) == (None, None)
    assert "one speaker" in str(found[1].reason)


def test_settings_that_answer_alike_do_not_differ(drawn_tables: Draw) -> None:
    (table,) = drawn_tables(np.random.default_rng(4), settings=1, speakers=6, clips=30)

    found = differences_from(paired_units([table, table], LABELS, "wrong"), 0, confidence=0.95, seed=0)[1]

    assert (found.value, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)
