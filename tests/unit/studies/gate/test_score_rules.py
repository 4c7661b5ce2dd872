"""The gate's rules on scores: a change that makes nothing worse passes, one that makes them worse is caught."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, log_loss

from sv_eval.errors import ConfigError
from sv_eval.record_file.score_table import ScoreTable
from sv_eval.report.interval import Interval
from sv_eval.report.verdict import RuleResult, Verdict
from sv_eval.reports.gate import render_gate, render_junit
from sv_eval.scoring.calibration.bins import binned, units_of
from sv_eval.scoring.calibration.errors import ece_debiased, standard_errors
from sv_eval.scoring.paired.score_sides import confidence_sides_of, score_sides_of
from sv_eval.scoring.selective import aurc
from sv_eval.studies.gate.baseline_file import read_baseline, write_baseline
from sv_eval.studies.gate.config import GateConfig
from sv_eval.studies.gate.judging import judge
from sv_eval.studies.gate.subject import Subject

Make = Callable[..., Subject]
Gate = Callable[..., GateConfig]
MARGINS = {"ece": 0.03, "aurc": 0.02, "brier": 0.05, "log_loss": 0.1, "average_precision": 0.05, "precision": 0.1}
AT = {"happy": 0.6, "sad": 0.6}
NAMES = ("happy", "sad", "angry", "neutral", "unknown")


def scored(subject: Subject, *, sharp: float = 1.0, noise: float = 0.0, seed: int = 0) -> Subject:
    """The run with probabilities that mean what they say at sharp=1, and answers that are their most probable."""
    table, rng = subject.table, np.random.default_rng(seed)
    n = len(table)
    truth = rng.dirichlet([0.4] * 4, n)
    reference = np.array([rng.choice(4, p=one) for one in truth], dtype=np.int8)
    logits = np.log(np.maximum(truth, 1e-4))
    logits = sharp * logits + noise * np.random.default_rng(seed + 1).normal(0, 1, (n, 4))
    values = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    values = np.concatenate([0.99 * values, np.full((n, 1), 0.01)], axis=1).round(6)
    predicted = values[:, :4].argmax(axis=1).astype(np.int8)
    confidence = values[np.arange(n), predicted]
    made = replace(table, reference=reference, predicted=predicted, forced=predicted, confidence=confidence)
    return replace(subject, table=made, scores=ScoreTable(clip_ids=table.clip_ids, names=NAMES, values=values))


def rules_of(candidate: Subject, baseline: Subject, gate: GateConfig) -> dict[str, RuleResult]:
    found = judge(candidate, baseline, gate)
    kinds = ("rise", "margin:average", "margin:precision")
    return {rule.name: rule for rule in found.rules if rule.name.startswith(kinds)}


def test_the_same_scores_change_nothing_nor_do_those_of_a_baseline_file(
    subject: Make, gate: Gate, tmp_path: Path
) -> None:
    run, path = scored(subject()), tmp_path / "baseline.json"
    write_baseline(path, run)
    config = gate(margins=MARGINS, at=AT)

    for baseline in (run, read_baseline(path)):
        found = rules_of(run, baseline, config)
        assert {*found} == {
            *(f"rise:{name}" for name in ("ece", "aurc", "brier", "log_loss")),
            *(f"margin:average_precision:{label}" for label in ("happy", "sad", "angry", "neutral")),
            *(f"margin:precision:{label}" for label in AT),
        }
        assert {rule.reason for rule in found.values()} == {"unchanged"}
        assert {rule.verdict for rule in found.values()} == {Verdict.PASS}
    per_clip = path.stat().st_size / len(run.table)
    write_baseline(path, replace(run, scores=None, table=replace(run.table, confidence=np.full(400, np.nan))))
    # Five scores and a confidence, three letters each.
    assert per_clip - path.stat().st_size / len(run.table) == pytest.approx(18, abs=1)


def test_scores_that_became_too_sure_are_caught_and_answers_that_stay_are_not(subject: Make, gate: Gate) -> None:
    baseline, candidate = scored(subject(clips=2000)), scored(subject(clips=2000), sharp=2.5)

    found = rules_of(candidate, baseline, gate(margins=MARGINS, at=AT))

    assert (baseline.table.predicted == candidate.table.predicted).all()
    for name in ("ece", "log_loss"):
        rule = found[f"rise:{name}"]
        assert (rule.verdict, rule.reason) == (Verdict.FAIL, "worse")
        assert rule.values["after"] > rule.values["before"] >= 0
    # The order of the most sure stays about the same.
    assert found["rise:aurc"].verdict is Verdict.PASS
    # More clips reach the threshold, and fewer of them are right.
    assert found["margin:precision:happy"].verdict is not Verdict.PASS


def test_scores_that_tell_less_are_caught(subject: Make, gate: Gate) -> None:
    baseline, candidate = scored(subject(clips=2000)), scored(subject(clips=2000), noise=3.0)

    found = rules_of(candidate, baseline, gate(margins=MARGINS, at=AT))

    for name in ("rise:brier", "rise:aurc", "margin:average_precision:happy"):
        assert found[name].verdict is Verdict.FAIL
    better = rules_of(baseline, candidate, gate(margins=MARGINS, at=AT))
    assert {rule.verdict for rule in better.values()} == {Verdict.PASS}


def test_differences_are_those_of_their_figures(subject: Make) -> None:
    one, other = scored(subject()), scored(subject(), noise=1.0)
    sides = score_sides_of((one.table, one.scores), (other.table, other.scores), one.labels)
    sure = confidence_sides_of(one.table, other.table, one.labels)

    assert sides is not None
    assert sure is not None
    for side, name in ((one, "before"), (other, "after")):
        values = side.scores.values[:, :4]  # type: ignore[union-attr]
        reference, predicted = side.table.reference, side.table.predicted
        was = np.eye(4)[reference]
        assert getattr(sides.brier(), name) == pytest.approx(
            ((values - was) ** 2).sum(axis=1).mean() + 0.01**2, abs=1e-4
        )
        assert getattr(sides.log_loss(), name) == pytest.approx(
            -np.log(values[np.arange(400), reference]).mean(), abs=1e-4
        )
        assert log_loss(reference, values / values.sum(axis=1, keepdims=True)) > 0
        peer = average_precision_score(reference == 0, values[:, 0])
        assert getattr(sides.average_precision("happy"), name) == pytest.approx(peer, abs=1e-4)
        alarm = values[:, 0] >= 0.6
        assert getattr(sides.precision("happy", 0.6), name) == pytest.approx((reference == 0)[alarm].mean())
        right = reference == predicted
        assert getattr(sure.aurc(), name) == pytest.approx(aurc(side.table.confidence, ~right), abs=1e-4)
        bins = binned(side.table.confidence, right, units_of(side.table.speaker))
        ece = float(ece_debiased(bins.differences, standard_errors(bins), bins.counts))
        assert getattr(sure.ece(), name) == pytest.approx(ece, abs=1e-4)


def test_a_change_that_makes_nothing_worse_rarely_fails(subject: Make, gate: Gate) -> None:
    """Noise of the same strength on both sides: at most alpha of such candidates may fail."""
    config = gate(margins=MARGINS, at=AT)
    failed = 0
    for seed in range(60):
        run = scored(subject(clips=600), noise=0.7, seed=seed)
        again = replace(
            run,
            scores=replace(run.scores, values=shaken(run.scores.values, seed)),  # type: ignore[type-var, union-attr]
        )
        failed += any(rule.verdict is Verdict.FAIL for rule in rules_of(again, run, config).values())

    # 5 % of 60 are 3; more than 8 come about once in a hundred times.
    assert failed <= 8


def shaken(values: np.ndarray, seed: int) -> np.ndarray:
    """Each clip's four scores moved back or forth, which makes none of them better on average."""
    rng = np.random.default_rng(seed)
    logits = np.log(values[:, :4]) + 0.05 * rng.normal(0, 1, (len(values), 4))
    made = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return np.concatenate([0.99 * made, np.full((len(values), 1), 0.01)], axis=1).round(6)


def test_ceilings_and_floors_are_of_the_candidate_alone(subject: Make, gate: Gate) -> None:
    run = scored(subject())
    known = {"ece": Interval(value=0.04), "aurc": Interval(value=0.2)}
    figures = replace(run.figures, scores=known, average_precision={"happy": Interval(value=0.8)})
    config = gate(
        ceilings={"ece": 0.05, "aurc": 0.1, "brier": 0.5},
        floors={"average_precision": {"happy": 0.7}, "precision": {"happy": 0.5, "angry": 0.5}},
        at={"happy": 0.6},
    )

    found = judge(replace(run, figures=figures), None, config)

    verdicts = {rule.name: (rule.verdict, rule.reason) for rule in found.rules}
    assert verdicts["ceiling:ece"] == (Verdict.PASS, "within")
    assert verdicts["ceiling:aurc"] == (Verdict.FAIL, "above")
    assert verdicts["ceiling:brier"] == (Verdict.FAIL, "no_scores")
    assert verdicts["floor:average_precision:happy"] == (Verdict.PASS, "reaches")
    assert verdicts["floor:precision:happy"] == (Verdict.PASS, "reaches")
    assert verdicts["floor:precision:angry"] == (Verdict.FAIL, "no_threshold")
    english, chinese = (render_gate(found, language) for language in ("en", "zh"))
    assert "0.200 is above 0.100" in english
    assert "风险—覆盖率" in chinese
    assert "floor:precision:happy" in render_junit(found)


def test_without_scores_no_rule_on_them_passes(subject: Make, gate: Gate) -> None:
    found = rules_of(subject(), subject(), gate(margins={"ece": 0.01, "brier": 0.01, "average_precision": 0.1}))

    assert found
    assert {(rule.verdict, rule.reason) for rule in found.values()} == {(Verdict.FAIL, "no_scores")}


def test_thresholds_may_come_from_a_file(subject: Make, gate: Gate, tmp_path: Path) -> None:
    path = tmp_path / "thresholds.json"
    path.write_text('{"kind": "sv_eval thresholds", "schema_version": 1, "thresholds": {"happy": 0.6}}')

    found = rules_of(scored(subject()), scored(subject()), gate(margins={"precision": 0.1}, at=str(path)))

    assert {*found} == {"margin:precision:happy"}
    with pytest.raises(ConfigError, match="there is no such file"):
        judge(scored(subject()), None, gate(floors={"precision": 0.5}, at=str(tmp_path / "none.json")))


@pytest.mark.parametrize("change", ["00", "0000", "***"])
def test_damaged_scores_of_a_baseline_are_told(subject: Make, tmp_path: Path, change: str) -> None:
    path = tmp_path / "baseline.json"
    write_baseline(path, scored(subject()))
    text = path.read_text(encoding="utf-8")
    at = text.index('"confidence": "') + len('"confidence": "')
    path.write_text(text[:at] + change + text[at + 3 :], encoding="utf-8")

    with pytest.raises(Exception, match="a damaged baseline"):
        read_baseline(path)
