"""A gate of drops passes what loses no more, fails what loses more, and says when it can't tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sv_eval.errors import ConfigError
from sv_eval.report.verdict import GateResult, RuleResult, Verdict
from sv_eval.reports.gate import render_gate, render_junit
from sv_eval.scoring.paired.drops import drops_of
from sv_eval.studies.gate.config import Drops, GateConfig, Margins, gate_config_from
from sv_eval.studies.gate.drops import judge_drops
from sv_eval.studies.gate.settings import read_gate
from sv_eval.studies.robustness.heard import Atlas
from tests.unit.studies.robustness.conftest import LABELS, N, answers, atlas_of

__all__ = ["atlas_of"]
NOISE, BABBLE = {"noise": {"snr_db": 10.0}}, {"noise": {"color": "babble", "snr_db": 10.0}}
GATE = gate_config_from(read_gate("robust"))
CLEAN = answers(20)
MakeAtlas = Callable[..., Atlas]


def made(make: MakeAtlas, noise: list[str | None], babble: list[str | None], **more: Any) -> Atlas:
    clean = more.pop("clean", CLEAN)
    return make(clean, {"noisy/white_10": (noise, NOISE), "noisy/babble_10": (babble, BABBLE)}, **more)


def rule(found: GateResult, name: str) -> RuleResult:
    return next(one for one in found.rules if one.name == name)


def uar(said: list[str | None]) -> float:
    right = np.array([answer == LABELS[n % 3] for n, answer in enumerate(said)])
    return float(np.mean([right[n::3].mean() for n in range(3)]))


def test_the_same_answers_pass(atlas_of: MakeAtlas) -> None:
    one = made(atlas_of, answers(6), answers(9))

    found = judge_drops(one, one, GATE)

    assert found.verdict is Verdict.PASS
    assert {each.name for each in found.rules} == {"drop:noisy/white_10", "drop:noisy/babble_10", "drop:mean"}
    assert {each.reason for each in found.rules} == {"unchanged"}
    assert found.pairs == N


def test_the_difference_is_that_of_the_drops(atlas_of: MakeAtlas) -> None:
    before, after = (
        made(atlas_of, answers(6), answers(9)),
        made(atlas_of, answers(4), answers(9), clean=answers(15)),
    )

    found = drops_of(*([one.pairs(heard) for heard in one.heard] for one in (before, after)))

    first, second = (uar(answers(6)) - uar(CLEAN), uar(answers(4)) - uar(answers(15)))
    other, another = (uar(answers(9)) - uar(CLEAN), uar(answers(9)) - uar(answers(15)))
    assert found.by_condition[0].value == pytest.approx(second - first)
    assert found.mean.value == pytest.approx((second - first + another - other) / 2)
    assert found.mean.low is not None
    assert found.mean.value is not None
    assert found.mean.low < found.mean.value


def test_one_who_loses_far_more_under_a_condition_fails_by_it(atlas_of: MakeAtlas) -> None:
    found = judge_drops(made(atlas_of, answers(2), answers(9)), made(atlas_of, answers(12), answers(9)), GATE)

    assert found.verdict is Verdict.FAIL
    worse, same = rule(found, "drop:noisy/white_10"), rule(found, "drop:noisy/babble_10")
    assert (worse.verdict, worse.reason) == (Verdict.FAIL, "worse")
    assert (same.verdict, same.reason) == (Verdict.PASS, "unchanged")
    assert found.worst is not None


def test_one_that_is_worse_throughout_loses_no_more(atlas_of: MakeAtlas) -> None:
    """What was bad on clean sound is another gate's affair."""
    worse = answers(4)

    found = judge_drops(made(atlas_of, worse, worse, clean=worse), made(atlas_of, CLEAN, CLEAN, clean=CLEAN), GATE)

    assert rule(found, "drop:mean").values["value"] == pytest.approx(0)
    assert found.verdict is not Verdict.FAIL


def test_few_clips_are_inconclusive(atlas_of: MakeAtlas) -> None:
    slightly = [*answers(6)[:-8], *(["unknown"] * 8)]
    config = replace(GATE, drops=Drops(condition=0.01, mean=0.01))

    found = judge_drops(made(atlas_of, slightly, answers(9)), made(atlas_of, answers(6), answers(9)), config)

    assert found.verdict is Verdict.INCONCLUSIVE
    assert rule(found, "drop:noisy/white_10").needed


def test_a_lacking_condition_and_other_settings_are_no_excuse(atlas_of: MakeAtlas) -> None:
    whole = made(atlas_of, answers(6), answers(9))
    part = replace(whole, heard=whole.heard[:1])
    other = atlas_of(
        CLEAN,
        {"noisy/white_10": (answers(6), {"noise": {"snr_db": 30.0}}), "noisy/babble_10": (answers(9), BABBLE)},
    )

    lacking, changed = (judge_drops(one, whole, GATE) for one in (part, other))

    assert rule(lacking, "integrity:conditions").values["example"] == "noisy/babble_10"
    assert rule(changed, "integrity:condition:noisy/white_10").verdict is Verdict.FAIL
    assert judge_drops(whole, part, GATE).verdict is Verdict.PASS


def test_failing_on_clean_sound_makes_no_drop_smaller(atlas_of: MakeAtlas) -> None:
    failing = ["failed" if n % 4 == 0 else answer for n, answer in enumerate(CLEAN)]

    found = judge_drops(
        made(atlas_of, answers(6), answers(9), clean=failing), made(atlas_of, answers(6), answers(9)), GATE
    )

    assert found.verdict is Verdict.FAIL
    assert rule(found, "integrity:clean_failures").values["newly"] == sum(one == "failed" for one in failing)


def test_equal_recognisers_fail_no_more_often_than_alpha(atlas_of: MakeAtlas) -> None:
    """Speakers and clips are drawn; both sides have the same chances everywhere."""
    rng = np.random.default_rng(5)
    failed = 0
    for _ in range(60):
        sides = []
        for _ in range(2):
            drawn = [
                [
                    LABELS[n % 3] if rng.random() > share else LABELS[(n + 1) % 3]
                    for n in range(N)
                ]
                for share in (0.1, 0.4, 0.2)
            ]  # fmt: skip
            sides.append(made(atlas_of, drawn[1], drawn[2], clean=drawn[0]))
        failed += judge_drops(*sides, GATE).verdict is Verdict.FAIL

    assert failed <= 8


@pytest.mark.parametrize("speakers", [True, False])
def test_clips_without_speakers_are_judged_too(atlas_of: MakeAtlas, speakers: bool) -> None:
    before = made(atlas_of, answers(12), answers(9), speakers=speakers)
    after = made(atlas_of, answers(2), answers(9), speakers=speakers)

    assert judge_drops(after, before, GATE).verdict is Verdict.FAIL


def test_the_report_says_which_condition_in_both_languages(atlas_of: MakeAtlas) -> None:
    found = judge_drops(made(atlas_of, answers(2), answers(9)), made(atlas_of, answers(12), answers(9)), GATE)

    english, chinese = (render_gate(found, language) for language in ("en", "zh"))

    assert "UAR lost under `noisy/white_10`" in english
    assert "a loss of 10 is allowed" in english
    assert "`noisy/white_10` 下 UAR 的损失" in chinese
    assert 'name="drop:noisy/white_10"' in render_junit(found)


def test_a_gate_has_rules_of_runs_or_of_sweeps() -> None:
    with pytest.raises(ConfigError, match="two sweeps"):
        GateConfig(name="x", drops=Drops(mean=0.02), margins=Margins(uar=0.02))
    with pytest.raises(ConfigError, match=r"gate\.drops\.mean"):
        GateConfig(name="x", drops=Drops(mean=2.0))
