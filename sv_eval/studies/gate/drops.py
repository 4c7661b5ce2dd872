"""Judging robustness: what a candidate loses under conditions against what the baseline loses, sweep by sweep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sv_eval.report.verdict import GateResult, RuleResult, Side
from sv_eval.scoring.paired.differences import Difference
from sv_eval.scoring.paired.drops import drops_of
from sv_eval.scoring.paired.pairs import Pairs, pairs_of
from sv_eval.studies.gate.config import GateConfig
from sv_eval.studies.gate.judging import integrity
from sv_eval.studies.gate.rules import Levels, adjusted, broken, margin_rule
from sv_eval.studies.gate.subject import Subject, subject_of
from sv_eval.studies.robustness.heard import Atlas, HeardRun

MEAN = "mean"


def judge_drops(candidate: Atlas, baseline: Atlas, config: GateConfig) -> GateResult:
    """The rules of `config.drops` over two sweeps: each condition of the baseline's, and their mean."""
    before, after = subject_of(baseline.clean.run), subject_of(candidate.clean.run)
    rules = list(integrity(after, before))
    rules += _same_conditions(candidate, baseline)
    pairs = 0
    if not rules:
        rules += _failures(after, before, config)
        judged, pairs = _judged(candidate, baseline, config)
        rules += judged
    return GateResult(
        gate=config.name,
        alpha=config.alpha,
        rules=tuple(sorted(rules, key=lambda rule: rule.rank)),
        candidate=Side(source=candidate.source, identity=after.identity),
        baseline=Side(source=baseline.source, identity=before.identity),
        changed_clips=(),
        pairs=pairs,
    )


def _same_conditions(candidate: Atlas, baseline: Atlas) -> Iterator[RuleResult]:
    """A condition that the candidate lacks, or has with other settings, can't be judged and is no excuse."""
    there = {one.name: one for one in candidate.heard}
    lacking = [one.name for one in baseline.heard if one.name not in there]
    if lacking:
        yield broken("integrity:conditions", "missing_conditions", missing=len(lacking), example=lacking[0])
    for one in baseline.heard:
        if one.name in there and _told(there[one.name]) != _told(one):
            yield broken(f"integrity:condition:{one.name}", "other_condition")


def _told(one: HeardRun) -> dict[str, Any]:
    return {key: value for key, value in one.condition.items() if key != "name"}


def _failures(candidate: Subject, baseline: Subject, config: GateConfig) -> Iterator[RuleResult]:
    """Failing on clean sound would make every drop smaller."""
    pairs = pairs_of(baseline.table, candidate.table, candidate.labels, candidate.policy)
    if pairs.newly_failed > config.max_failures * max(pairs.n_asked, 1):
        yield broken(
            "integrity:clean_failures", "too_many_failures",
            newly=pairs.newly_failed, of=pairs.n_asked, limit=config.max_failures,
        )  # fmt: skip


def _judged(candidate: Atlas, baseline: Atlas, config: GateConfig) -> tuple[list[RuleResult], int]:
    """The rules of all conditions and of their mean, and how many clips they are of."""
    levels = Levels(alpha=config.alpha, power=config.power)
    there = {one.name: one for one in candidate.heard}
    names = [one.name for one in baseline.heard]
    before, after = _common(
        [baseline.pairs(one) for one in baseline.heard], [candidate.pairs(there[name]) for name in names]
    )
    n = before[0].n
    if not n:
        return [broken("integrity:scored", "nothing_scored")], 0
    found = drops_of(before, after)
    turned = [_turned(one, other) for one, other in zip(before, after, strict=True)]

    def rule(name: str, difference: Difference, margin: float, changed: bool) -> RuleResult:
        return margin_rule(f"drop:{name}", difference, margin, levels, discordant=None, n=n, of=n, changed=changed)

    rules: list[RuleResult] = []
    margin = config.drops.condition
    if margin is not None:
        rules += [
            rule(name, difference, margin, changed)
            for name, difference, changed in zip(names, found.by_condition, turned, strict=True)
        ]
    if config.drops.mean is not None:
        rules.append(rule(MEAN, found.mean, config.drops.mean, any(turned)))
    return adjusted(rules, levels), n


def _common(before: Sequence[Pairs], after: Sequence[Pairs]) -> tuple[list[Pairs], list[Pairs]]:
    """The pairs of the clips that both clean runs answered, with the baseline's speakers on both sides."""
    ids = set(before[0].clip_ids) & set(after[0].clip_ids)
    ours, theirs = (
        [one.part(np.array([clip_id in ids for clip_id in one.clip_ids], dtype=np.bool_)) for one in side]
        for side in (before, after)
    )
    return ours, [replace(one, speaker=ours[0].speaker) for one in theirs]


def _turned(one: Pairs, other: Pairs) -> bool:
    """Whether any clip, clean or under the condition, counts otherwise than in the baseline."""
    clean = one.right_before != other.right_before
    return bool((clean | (one.right_after != other.right_after)).any())
