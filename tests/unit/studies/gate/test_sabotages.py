"""No sabotage passes, and what is honest is not held up more often than the gate says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sv_eval.report.verdict import Verdict
from sv_eval.studies.gate.judging import judge
from sv_eval.studies.gate.sabotages import SABOTAGES, Sabotage
from sv_eval.studies.gate.selftest import SelftestConfig, verdicts
from sv_eval.studies.gate.settings import gate_settings
from sv_eval.studies.gate.simulation import SimulationConfig, honest_pair, subject_of_drawn

CI = replace(gate_settings({"gate": "ci"}), resamples=500)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda one: one.what)
def test_no_sabotage_passes(sabotage: Sabotage, seed: int) -> None:
    config, rng = SimulationConfig(**{"requests": 2000, **sabotage.of}), np.random.default_rng(seed)
    before, after = (
        subject_of_drawn(drawn, config, rng) for drawn in sabotage.change(*honest_pair(config, rng), rng)
    )

    assert judge(after, before, CI).verdict is not Verdict.PASS


def test_there_are_as_many_as_the_documentation_says() -> None:
    assert len(SABOTAGES) == len({one.what for one in SABOTAGES}) == 40


@pytest.mark.parametrize("correlated", [0.0, 0.9])
def test_honest_pairs_seldom_fail(correlated: float) -> None:
    config = SelftestConfig(pairs=60, correlated=correlated)

    found = verdicts(CI, config, drop=0.0, slowdown=1.0, seed=5).verdicts

    assert found[Verdict.FAIL] <= 6


def test_a_loss_of_three_points_is_found() -> None:
    config = SelftestConfig(pairs=30)

    found = verdicts(CI, config, drop=0.03, slowdown=1.0, seed=6).verdicts

    assert found[Verdict.FAIL] >= 24
    assert found[Verdict.PASS] == 0
