"""Which setting is recommended, what matters, and who is held out."""

from __future__ import annotations

import numpy as np
import pytest

from sv_eval.errors import ConfigError
from sv_eval.report.interval import Interval
from sv_eval.report.sweep import Slo
from sv_eval.scoring.call_sample import CallSample
from sv_eval.studies.sweep.analysis import kept
from sv_eval.studies.sweep.choosing import Standing, choose
from sv_eval.studies.sweep.config import sweep_config_from
from sv_eval.studies.sweep.holdout import held_out
from sv_eval.studies.sweep.many_to_one import Difference
from sv_eval.studies.sweep.sensitivity import levels_of, sensitivity_of


def standing(*settings: tuple[float, float, Slo]) -> list[Standing]:
    return [Standing(uar=uar, p95_ms=p95, slo=slo) for uar, p95, slo in settings]


def differences(*p_values: float | None) -> list[Difference]:
    return [Difference(value=0.1, low=None, high=None, p=p) for p in p_values]


def test_the_highest_uar_that_keeps_the_objective_is_recommended_when_it_is_beyond_noise() -> None:
    settings = standing((0.6, 50, "kept"), (0.7, 80, "kept"), (0.9, 300, "broken"), (0.8, 199, "unsure"))

    choice = choose(settings, differences(1.0, 0.01, 0.001, 0.01), 0, alpha=0.05)

    assert (choice.best, choice.best_within_slo, choice.recommended, choice.why) == (2, 1, 1, "better")


@pytest.mark.parametrize(("p", "why"), [(0.2, "noise"), (None, "untested")])
def test_the_default_stays_when_a_better_figure_may_be_luck(p: float | None, why: str) -> None:
    choice = choose(standing((0.6, 50, "kept"), (0.7, 80, "kept")), differences(1.0, p), 0, alpha=0.05)

    assert (choice.best_within_slo, choice.recommended, choice.why) == (1, 0, why)


def test_a_default_that_breaks_the_objective_gives_way_even_to_a_lower_uar() -> None:
    choice = choose(standing((0.9, 500, "broken"), (0.7, 80, "kept")), differences(1.0, 0.5), 0, alpha=0.05)

    assert (choice.recommended, choice.why) == (1, "default_breaks_slo")


def test_nothing_is_recommended_when_nothing_surely_keeps_the_objective() -> None:
    choice = choose(standing((0.9, 500, "broken"), (0.7, 80, "unsure")), differences(1.0, 0.5), 0, alpha=0.05)

    assert (choice.best, choice.recommended, choice.why) == (0, None, "none_keeps_slo")


def test_of_equal_uars_the_faster_one_is_better() -> None:
    settings = standing((0.6, 50, "kept"), (0.7, 80, "kept"), (0.7, 60, "kept"))

    assert choose(settings, differences(1.0, 0.01, 0.01), 0, alpha=0.05).recommended == 2


@pytest.mark.parametrize(
    ("calls", "beyond", "clips", "expected"),
    [
        (400, 0, 400, "kept"),
        (400, 8, 400, "kept"),
        (400, 16, 400, "unsure"),
        (400, 40, 400, "broken"),
        # Seventy of seventy show less than a twentieth too seldom, and so do forty rounds over twenty clips.
        (70, 0, 70, "unsure"),
        (800, 0, 20, "unsure"),
    ],
)
def test_an_objective_is_kept_only_by_the_upper_bound(calls: int, beyond: int, clips: int, expected: str) -> None:
    latency_ms = np.full(calls, 150.0)
    latency_ms[:: calls // beyond if beyond else calls + 1] = 250.0 if beyond else 150.0
    waited = CallSample(latency_ms=latency_ms, clip=np.arange(calls) % clips, in_order=False)

    assert kept(Interval(value=150.0), waited, 200.0) == expected


def test_without_a_percentile_nothing_is_known_of_an_objective() -> None:
    assert kept(Interval(value=None), CallSample.of_values(np.zeros(3)), 200.0) == "unknown"


def test_planted_effects_come_back_as_shares_of_variance() -> None:
    a = [value for value in (0, 1, 2) for _ in range(4)]
    b = ["x", "y", "z", "w"] * 3
    effect = np.array([0.03 * one for one in a]) + np.array(
        [{"x": 0, "y": 0.01, "z": 0.02, "w": 0.03}[one] for one in b]
    )

    first, second = sensitivity_of({"a": a, "b": b}, uar=0.5 + effect, p95_ms=np.full(12, np.nan))

    assert first.range.uar == pytest.approx(0.06)
    assert second.range.uar == pytest.approx(0.03)
    assert first.share.uar is not None
    assert second.share.uar is not None
    # A full grid without interplay: the shares are those of the planted variances.
    assert first.share.uar == pytest.approx(0.0006 / (0.0006 + 0.000125), rel=1e-6)
    assert first.share.uar + second.share.uar == pytest.approx(1.0)
    assert (first.range.p95_ms, first.share.p95_ms) == (None, None)
    assert [level.value for level in second.levels] == ["x", "y", "z", "w"]


def test_values_without_end_are_looked_at_in_bins() -> None:
    labels = levels_of([0.3 + 0.01 * number for number in range(40)])

    assert len(set(labels)) == 4
    assert {labels.count(label) for label in labels} == {10}
    assert levels_of([True, None, "a"]) == ["true", "null", "a"]


def test_some_speakers_are_held_out_and_never_all() -> None:
    names = [f"s{number:02d}" for number in range(10)]

    assert len(held_out(names, 0.3, 0)) == 3
    assert held_out(names, 0.3, 0) == held_out(list(reversed(names)), 0.3, 0) != held_out(names, 0.3, 1)
    assert len(held_out(names, 0.99, 0)) == 9
    assert len(held_out(names[:2], 0.01, 0)) == 1
    assert held_out(names[:1], 0.5, 0) == held_out([], 0.5, 0) == held_out(names, 0.0, 0) == ()


@pytest.mark.parametrize(
    "wrong", [{"holdout": 1.0}, {"slo_p95_ms": 0.0}, {"timed_requests": 100}, {"memory_mib": -1.0}, {"slo_ms": 1.0}]
)
def test_wrong_options_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        sweep_config_from(wrong)
