"""The gate's rules on scores and confidence: what they are worth by themselves, and against the baseline's.

An error that must not rise (calibration error, Brier score, log loss, AURC) is a `rise`; average precision, and the
precision at a threshold, are shares that must not fall.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from sv_eval.errors import ConfigError
from sv_eval.record_file.score_table import ScoreTable
from sv_eval.record_file.table import RecordTable
from sv_eval.report.interval import Interval
from sv_eval.report.thresholds_file import read_thresholds
from sv_eval.report.verdict import RuleResult, Verdict
from sv_eval.scoring.calibration.judging import judged_of
from sv_eval.scoring.clusters import in_scope
from sv_eval.scoring.operating import point_of
from sv_eval.scoring.paired.differences import Difference
from sv_eval.scoring.paired.score_sides import (
    ConfidenceSides,
    ScoreSides,
    confidence_sides_of,
    score_sides_of,
)
from sv_eval.studies.gate.config import GateConfig
from sv_eval.studies.gate.rules import Levels, broken, floor_rule, margin_rule
from sv_eval.studies.gate.subject import Subject

ERRORS = ("ece", "aurc", "brier", "log_loss")
"""What is better the lower it is, in the order in which it is told."""
_OF_CONFIDENCE = ("ece", "aurc")


def score_limits(candidate: Subject, config: GateConfig) -> Iterator[RuleResult]:
    """The candidate's own figures of scores against ceilings and floors."""
    known = candidate.figures.scores
    for name in ERRORS:
        ceiling = getattr(config.ceilings, name)
        if ceiling is not None:
            yield _ceiling(f"ceiling:{name}", known.get(name), ceiling)
    for label, floor in _by_label(config.floors.average_precision, candidate.labels):
        figure = candidate.figures.average_precision.get(label)
        rule = f"floor:average_precision:{label}"
        yield broken(rule, "no_scores") if figure is None else floor_rule(rule, figure, floor)
    at = thresholds_at(config)
    for label, floor in _by_label(config.floors.precision, tuple(at)):
        rule = f"floor:precision:{label}"
        figure = _precision(candidate, label, at[label]) if label in at else None
        if figure is None:
            yield broken(rule, "no_scores_at" if label in at else "no_threshold", label=label)
        else:
            yield replace(floor_rule(rule, figure, floor), values={"at": at[label], **_told(figure, floor)})


def score_margins(candidate: Subject, baseline: Subject, config: GateConfig) -> Iterator[RuleResult]:
    """Figures of scores against the baseline's, before adjusting."""
    levels = Levels(alpha=config.alpha, power=config.power)
    sides = cache(lambda: score_sides_of(_scored(baseline), _scored(candidate), baseline.labels))
    sure = cache(lambda: confidence_sides_of(baseline.table, candidate.table, baseline.labels))
    for name in ERRORS:
        margin = getattr(config.margins, name)
        if margin is None:
            continue
        found: ConfidenceSides | ScoreSides | None = sure() if name in _OF_CONFIDENCE else sides()
        if found is None:
            yield broken(f"rise:{name}", "no_scores")
        else:
            yield _rise(f"rise:{name}", getattr(found, name)(), margin, levels, found)
    at = thresholds_at(config)
    labels = baseline.labels
    for label, margin in _by_label(config.margins.average_precision, labels):
        yield _fall(f"margin:average_precision:{label}", label, None, margin, levels, sides())
    for label, margin in _by_label(config.margins.precision, tuple(at)):
        if label not in at:
            yield broken(f"margin:precision:{label}", "no_threshold", label=label)
            continue
        yield _fall(f"margin:precision:{label}", label, at[label], margin, levels, sides())


def thresholds_at(config: GateConfig) -> Mapping[str, float]:
    """The thresholds that precision is of; raises ConfigError where the file is none."""
    if isinstance(config.at, str):
        path = Path(config.at).expanduser()
        if not path.is_file():
            raise ConfigError(
                f"gate.at={config.at}: there is no such file; give a thresholds file, or {{angry: 0.8}}"
            )
        return read_thresholds(path).thresholds
    for label, threshold in (config.at or {}).items():
        if not 0 <= threshold <= 1:
            raise ConfigError(f"gate.at.{label}: {threshold} is no score from 0 to 1")
    return config.at or {}


def _ceiling(rule: str, figure: Interval | None, ceiling: float) -> RuleResult:
    if figure is None or figure.value is None:
        return broken(rule, "no_scores")
    value = figure.value
    kept = value <= ceiling
    return RuleResult(
        name=rule,
        verdict=Verdict.PASS if kept else Verdict.FAIL,
        reason="within" if kept else "above",
        values={"value": value, "ceiling": ceiling},
        excess=value / ceiling,
    )


def _told(figure: Interval, floor: float) -> dict[str, float | None]:
    return {"value": figure.value, "floor": floor}


def _precision(candidate: Subject, label: str, threshold: float) -> Interval | None:
    if label not in candidate.labels:
        return None
    scored = in_scope(candidate.table, candidate.labels)
    found = judged_of(candidate.table, candidate.labels, scored, candidate.scores)
    if found is None:
        return None
    share = point_of(found, candidate.labels.index(label), threshold, 0.95).precision
    return Interval(value=share.value, low=share.low, high=share.high, n=share.of)


def _scored(subject: Subject) -> tuple[RecordTable, ScoreTable | None]:
    return subject.table, subject.scores


def _rise(
    rule: str, found: Difference, margin: float, levels: Levels, sides: ConfidenceSides | ScoreSides
) -> RuleResult:
    """An error's rise is the fall of its negative."""
    n = len(sides.before) if isinstance(sides, ConfidenceSides) else len(sides.before.values)
    flipped = replace(
        found,
        before=_negative(found.before),
        after=_negative(found.after),
        value=_negative(found.value),
        low=_negative(found.high),
        high=_negative(found.low),
        p_worse=None if found.p_worse is None or found.error is None else 1 - found.p_worse,
    )
    if found.error is None and found.p_worse is not None:
        flipped = replace(flipped, p_worse=found.p_worse)
    judged = margin_rule(rule, flipped, margin, levels, discordant=None, n=n, of=n, changed=sides.changed)
    values = {**judged.values, "before": found.before, "after": found.after, "value": found.value}
    values["high"] = _negative(judged.values.get("low"))
    return replace(judged, values=values)


def _fall(
    rule: str, label: str, threshold: float | None, margin: float, levels: Levels, sides: ScoreSides | None
) -> RuleResult:
    """Precision at a threshold, average precision without one."""
    if sides is None or label not in sides.before.labels:
        return broken(rule, "no_scores")
    found = sides.average_precision(label) if threshold is None else sides.precision(label, threshold)
    n = len(sides.before.values)
    return margin_rule(rule, found, margin, levels, discordant=None, n=n, of=n, changed=sides.changed)


def _negative(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else -value


def _by_label(chosen: float | Mapping[str, float] | None, labels: tuple[str, ...]) -> Iterator[tuple[str, float]]:
    if isinstance(chosen, Mapping):
        yield from chosen.items()
    elif chosen is not None:
        yield from ((label, chosen) for label in labels)
