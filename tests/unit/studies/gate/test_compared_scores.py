"""What a comparison says of scores: the figures of both runs, and how far they lie apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from msgspec import UNSET
from sklearn.metrics import average_precision_score, log_loss

from sv_eval.report.comparison import Comparison, Narrowed
from sv_eval.reports.compare import render_compare
from sv_eval.studies.compare.comparing import compare
from sv_eval.studies.compare.entrants import Entrants
from sv_eval.studies.gate.subject import Subject
from tests.unit.studies.gate.test_score_rules import scored

Make = Callable[..., Subject]


def compared(*subjects: Subject, confidence: float = 0.95) -> Comparison:
    entrants = Entrants(
        names=tuple(f"run{place}" for place in range(len(subjects))), subjects=subjects, labels=subjects[0].labels,
        policy="wrong", narrowed=Narrowed(), groups={}, paths={},
    )  # fmt: skip
    return compare(entrants, confidence=confidence, resamples=100, seed=0)


def test_figures_are_those_of_a_peer_and_worse_scores_are_told_as_worse(subject: Make) -> None:
    good, bad = scored(subject()), scored(subject(), noise=2.0)

    found = compared(good, bad).pairs[0].scores

    assert found is not UNSET
    labels = good.labels
    for run, side in ((good, "before"), (bad, "after")):
        assert run.scores is not None
        values = run.scores.values[:, : len(labels)]
        reference = run.table.reference
        given = np.clip(values[np.arange(len(values)), reference], 1e-6, 1)
        assert getattr(found.errors["log_loss"], side) == pytest.approx(-np.log(given).mean(), abs=1e-4)
        scaled = values / values.sum(axis=1, keepdims=True)
        assert getattr(found.errors["log_loss"], side) == pytest.approx(
            log_loss(reference, scaled, labels=range(len(labels))), abs=0.02
        )
        for place, label in enumerate(labels):
            peer = average_precision_score(reference == place, values[:, place])
            assert getattr(found.average_precision[label], side) == pytest.approx(peer, abs=1e-3)
    for name in ("brier", "log_loss", "aurc"):
        error = found.errors[name]
        assert error.value is not None
        assert error.value > 0
        assert error.p_worse is not None
        assert error.p_worse < 0.01
    assert all(one.value is not None and one.value < 0 for one in found.average_precision.values())


def test_a_comparison_of_three_runs_adjusts_over_more_and_is_wider_at_more_confidence(subject: Make) -> None:
    runs = [scored(subject(), noise=noise) for noise in (0.0, 0.3, 0.4)]

    two, three, sure = compared(*runs[:2]), compared(*runs), compared(*runs[:2], confidence=0.99)

    def brier(found: Comparison) -> tuple[float, float]:
        assert found.pairs[0].scores is not UNSET
        one = found.pairs[0].scores.errors["brier"]
        assert one.p_adjusted is not None
        assert one.high is not None
        return one.p_adjusted, one.high

    assert brier(three)[0] >= brier(two)[0]
    assert brier(sure)[1] > brier(two)[1]


def test_a_change_beyond_one_keeps_its_interval_around_it(subject: Make) -> None:
    good = scored(subject())
    assert good.scores is not None
    wrong = np.full_like(good.scores.values, 0.0)
    wrong[np.arange(len(wrong)), (good.table.reference + 1) % 4] = 1.0
    bad = replace(good, scores=replace(good.scores, values=wrong))

    found = compared(good, bad).pairs[0].scores

    assert found is not UNSET
    change = found.errors["log_loss"]
    assert change.value is not None
    assert change.low is not None
    assert change.high is not None
    assert change.value > 10
    assert change.low < change.value < change.high


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_has_a_row_for_each_and_none_without_scores(subject: Make, language: str) -> None:
    run = scored(subject())
    told = render_compare(compared(run, scored(subject(), noise=1.0)), language)
    bare = render_compare(compared(replace(run, scores=None), replace(run, scores=None)), language)

    assert "AURC" in told
    assert told.count("Brier") == 1
    assert "Brier" not in bare
