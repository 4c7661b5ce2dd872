"""How many clips and speakers a question needs: formulas, pilots, and the promise kept."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sv_eval.errors import ConfigError
from sv_eval.report.verdict import Verdict
from sv_eval.scoring.call_sample import CallSample
from sv_eval.studies.plan.pilot import calls_for_width, spread_of
from sv_eval.studies.plan.planning import PlanConfig, plan
from sv_eval.studies.plan.sizes import (
    Spread,
    fewest_clips_each,
    fewest_speakers,
    flips_within,
    power_of_fail,
    power_of_pass,
)
from tests.benchmarks.sim_plan import pairs, share


def test_power_is_that_of_the_noncentral_t() -> None:
    error = Spread(between=0.02, within=0.3).error(30, 50)

    assert error == pytest.approx(math.sqrt((0.0004 + 0.09 / 50) / 30))
    limit = stats.t.ppf(0.95, 29)
    assert power_of_fail(error, 30, drop=0.03, alpha=0.05) == pytest.approx(stats.nct.sf(limit, 29, 0.03 / error))
    assert power_of_pass(error, 30, margin=0.02, change=0.0, alpha=0.05) == pytest.approx(
        stats.nct.sf(limit, 29, 0.02 / error)
    )


def test_a_loss_as_large_as_the_margin_passes_as_often_as_alpha_says() -> None:
    error = Spread(between=0.02, within=0.3).error(30, 50)

    assert power_of_pass(error, 30, margin=0.02, change=-0.02, alpha=0.05) == pytest.approx(0.05)
    assert power_of_pass(0.0, 30, margin=0.02, change=0.0, alpha=0.05) == 1.0
    assert power_of_fail(error, 1, drop=0.03, alpha=0.05) == 0.0


def test_the_fewest_are_enough_and_one_less_is_not() -> None:
    spread = Spread(between=0.02, within=flips_within(0.1))

    def of_speakers(n: int) -> float:
        return power_of_fail(spread.error(n, 50), n, drop=0.03, alpha=0.05)

    def of_clips(m: int) -> float:
        return power_of_fail(spread.error(40, m), 40, drop=0.03, alpha=0.05)

    speakers, each = fewest_speakers(of_speakers, 0.9), fewest_clips_each(of_clips, 0.9)
    assert speakers is not None
    assert each is not None
    assert of_speakers(speakers) >= 0.9 > of_speakers(speakers - 1)
    assert of_clips(each) >= 0.9 > of_clips(each - 1)


def test_speakers_who_differ_are_not_made_up_for_by_clips() -> None:
    _, (need,) = plan(PlanConfig(margin=0.02, flips=0.1, uneven=0.05, speakers=10), None, None)

    assert (need.speakers, need.clips) == (None, None)
    assert "no number of clips of 10 speakers is enough: with these differences 41 speakers are" in need.note


@pytest.mark.parametrize("uneven", [0.0, 0.03])
def test_a_pilot_says_how_changes_vary(uneven: float) -> None:
    rng = np.random.default_rng(0)
    drawn = pairs(rng, 300, 60, flips=0.12, uneven=uneven, loss=0.0)

    for figure in ("accuracy", "uar"):
        spread, speakers, each = spread_of(drawn, figure)
        assert (speakers, each) == (300, 60.0)
        assert spread.within == pytest.approx(math.sqrt(0.12), rel=0.03)
        assert spread.between == pytest.approx(uneven, abs=0.008)


def test_clips_of_nobody_known_are_taken_for_independent() -> None:
    drawn = pairs(np.random.default_rng(1), 40, 50, flips=0.1, uneven=0.0, loss=0.0)
    alone = replace(drawn, speaker=np.full(drawn.n, -1))

    spread, speakers, each = spread_of(alone, "accuracy")

    assert (spread.between, speakers, each) == (0.0, drawn.n, 1.0)


@pytest.mark.parametrize(("p", "percentile"), [(0.5, "p50"), (0.95, "p95")])
def test_so_many_calls_bound_a_percentile_as_planned(p: float, percentile: str) -> None:
    rng = np.random.default_rng(2)
    pilot = CallSample.of_values(rng.lognormal(4, 0.4, 20_000))

    calls, worth = calls_for_width(pilot, p, 0.05, 0.95)

    assert worth == 1.0
    widths = []
    for _ in range(60):
        found: Any = CallSample.of_values(rng.lognormal(4, 0.4, calls)).percentile(p)
        widths.append((found.high - found.low) / 2 / found.value)
    assert np.mean(widths) == pytest.approx(0.05, rel=0.15), percentile


@pytest.mark.parametrize("power", [0.8, 0.9])
def test_the_promise_is_kept(power: float) -> None:
    config = PlanConfig(margin=0.02, drop=0.03, power=power, flips=0.1, uneven=0.02, clips_each=20)
    _, (passing, failing) = plan(config, None, None)

    kept = share(passing, 20, 300, 3, verdict=Verdict.PASS, loss=0.0, config=config)
    found = share(failing, 20, 300, 4, verdict=Verdict.FAIL, loss=0.03, config=config)

    # Three points, and three standard errors of so few tries. The whole table is that of docs/plan.md.
    assert kept == pytest.approx(passing.power, abs=0.03 + 3 * math.sqrt(0.16 / 300))
    assert found == pytest.approx(failing.power, abs=0.03 + 3 * math.sqrt(0.16 / 300))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "say what is asked"),
        ({"margin": 0.02, "percentile": "p95"}, "say what is asked"),
        ({"margin": 2}, "margin=2"),
        ({"margin": 0.02, "figure": "f1"}, "did you mean|choose one of"),
        ({"percentile": "p97"}, "did you mean p9"),
        ({"drop": 0.03, "speakers": 1}, "speakers=1"),
        ({"drop": 0.03, "clips_each": 0}, "clips_each=0"),
    ],
)
def test_a_question_that_is_none_is_told(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PlanConfig(**settings)


def test_nothing_is_planned_of_what_nobody_knows() -> None:
    with pytest.raises(ConfigError, match="how changes vary is not known"):
        plan(PlanConfig(margin=0.02), None, None)
    with pytest.raises(ConfigError, match="a percentile is planned from a run"):
        plan(PlanConfig(percentile="p95"), None, None)
