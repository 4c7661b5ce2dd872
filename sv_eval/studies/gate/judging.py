"""Judging a candidate: all rules of a gate over a pair of runs, and the verdict that follows from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from sv_eval.record_file.table import RecordTable
from sv_eval.report.interval import Interval
from sv_eval.report.verdict import GateResult, RuleResult, Side, Verdict
from sv_eval.scoring.paired.differences import differences_of
from sv_eval.scoring.paired.latency_ratio import latency_ratio
from sv_eval.scoring.paired.pairs import Pairs, pairs_of
from sv_eval.studies.gate.config import GateConfig
from sv_eval.studies.gate.dimension_rules import ccc_floors, ccc_margins
from sv_eval.studies.gate.rules import (
    Levels,
    adjusted,
    broken,
    ceiling_rule,
    floor_rule,
    margin_rule,
    ratio_rule,
    undecided,
)
from sv_eval.studies.gate.score_rules import score_limits, score_margins
from sv_eval.studies.gate.sequential import changes_of, decide, schedule_of
from sv_eval.studies.gate.share_rules import share_rules
from sv_eval.studies.gate.soft_rules import soft_floors, soft_margins
from sv_eval.studies.gate.subject import Subject

_NO_CONDITION = "none"
_FIGURES = ("uar", "accuracy", "macro_f1")
_SHARES_OF = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_OTHER_BATCHES = 1.1
"""Calls that hold so many times more clips are other calls."""


def judge(candidate: Subject, baseline: Subject | None, config: GateConfig) -> GateResult:
    """All rules of `config` over the candidate, and over the baseline where there is one.

    A sequential gate that is sure before the run's end says so; at the end of one it judges as any other, with the
    half of alpha that the looks on the way left.
    """
    if config.sequential and baseline is not None:
        found = _on_the_way(candidate, baseline, config)
        if found is not None:
            return found
        config = replace(config, alpha=config.alpha / 2, sequential=False)
    rules = list(_complete(candidate))
    rules += _own_rules(candidate, config)
    pairs: Pairs | None = None
    if baseline is not None:
        apart = list(integrity(candidate, baseline))
        rules += apart
        # Figures over other clips, labels or maps are other figures: there is nothing to compare then.
        if not any(rule.verdict is Verdict.FAIL for rule in apart):
            pairs = pairs_of(
                baseline.table, candidate.table, candidate.labels, candidate.policy, against_after=True
            )
            rules += _compared(candidate, baseline, pairs, config)
    lost = () if pairs is None else pairs.right_before & ~pairs.right_after
    return GateResult(
        gate=config.name,
        alpha=config.alpha,
        rules=tuple(sorted(rules, key=lambda rule: rule.rank)),
        candidate=_side(candidate),
        baseline=None if baseline is None else _side(baseline),
        changed_clips=()
        if pairs is None
        else tuple(pairs.clip_ids[i] for i, is_lost in enumerate(lost) if is_lost),
        pairs=_compared_clips(candidate, baseline, pairs),
    )


def _compared_clips(candidate: Subject, baseline: Subject | None, pairs: Pairs | None) -> int:
    """How many clips of both runs were compared; without any class those that both have."""
    if pairs is None or baseline is None:
        return 0
    return pairs.n if pairs.labels else len({*candidate.table.clip_ids} & {*baseline.table.clip_ids})


def _on_the_way(candidate: Subject, baseline: Subject, config: GateConfig) -> GateResult | None:
    """The result of a sequential gate that is sure; None where it is not, or where the runs can't be compared."""
    apart = [rule for rule in integrity(candidate, baseline) if rule.name != "integrity:clips"]
    if any(rule.verdict is Verdict.FAIL for rule in apart) or not candidate.labels:
        return None
    schedule = schedule_of(baseline.table, baseline.labels, baseline.identity["dataset_hash"])
    change = changes_of(baseline.table, candidate.table, baseline.labels, baseline.policy)
    found = decide(schedule, candidate.table.clip_ids, change, config.growing, config.alpha / 2)
    if found.verdict is Verdict.INCONCLUSIVE:
        return None
    return GateResult(
        gate=config.name,
        alpha=config.alpha,
        rules=tuple(sorted(found.rules, key=lambda rule: rule.rank)),
        candidate=_side(candidate),
        baseline=_side(baseline),
        changed_clips=(),
        pairs=found.clips,
    )


def _side(subject: Subject) -> Side:
    return Side(source=subject.source, identity=subject.identity)


def _complete(candidate: Subject) -> Iterator[RuleResult]:
    """A candidate that did not get through its corpus, or scored nothing, can't pass."""
    total, found = candidate.identity["n_clips"], len(candidate.table)
    if found < total:
        yield broken("integrity:complete", "incomplete", found=found, expected=total)
    if not candidate.labels and not candidate.figures.ccc:
        yield broken("integrity:scored", "nothing_scored")


def _own_rules(candidate: Subject, config: GateConfig) -> Iterator[RuleResult]:
    figures = candidate.figures
    for name in _FIGURES:
        floor = getattr(config.floors, name)
        if floor is not None:
            yield floor_rule(f"floor:{name}", getattr(figures.accuracy, name), floor)
    for label, floor in _by_label(config.floors.recall, candidate.labels):
        if label in figures.per_emotion:
            yield floor_rule(f"floor:recall:{label}", figures.per_emotion[label].recall, floor)
        else:
            yield broken(f"floor:recall:{label}", "no_such_label", labels=list(candidate.labels))
    yield from ccc_floors(candidate, config)
    yield from soft_floors(candidate, config)
    yield from score_limits(candidate, config)
    yield from _worst_groups(candidate, config)
    for name in ("p50", "p95", "p99"):
        ceiling = getattr(config.ceilings, f"{name}_ms")
        if ceiling is not None:
            yield _ceiling(candidate, name, ceiling, config)


def _worst_groups(candidate: Subject, config: GateConfig) -> Iterator[RuleResult]:
    """The group of speakers that is understood worst must reach its floor, too."""
    for attribute, floor in (config.floors.worst_group or {}).items():
        name, worst = f"floor:worst_group:{attribute}", candidate.figures.worst_group.get(attribute)
        if worst is None:
            yield broken(name, "no_groups", attribute=attribute)
            continue
        rule = floor_rule(name, worst.uar, floor)
        told = {"reaches": "worst_group_reaches", "below": "worst_group_below"}.get(rule.reason, rule.reason)
        yield replace(rule, reason=told, values={**rule.values, "group": worst.name})


def _ceiling(candidate: Subject, name: str, ceiling: float, config: GateConfig) -> RuleResult:
    """A ceiling is for what callers waited; what was refused or disturbed can't be judged."""
    rule, clean = f"ceiling:{name}", getattr(candidate.figures.latency_ms, name)
    waited = candidate.waited.percentile(_SHARES_OF[name])
    if candidate.latency_refused:
        waited = Interval(value=None, reason=candidate.latency_refused)
    elif disturbed := _disturbed(config, candidate):
        return undecided(rule, disturbed[0], **disturbed[1])
    return ceiling_rule(rule, waited, ceiling, clean=clean)


def _by_label(chosen: float | Mapping[str, float] | None, labels: tuple[str, ...]) -> Iterator[tuple[str, float]]:
    if isinstance(chosen, Mapping):
        yield from chosen.items()
    elif chosen is not None:
        yield from ((label, chosen) for label in labels)


def integrity(candidate: Subject, baseline: Subject) -> Iterator[RuleResult]:
    """What must be the same for two runs to be comparable."""
    for key in ("dataset_hash", "label_map_hash", "labels_hash"):
        before, after = baseline.identity[key], candidate.identity[key]
        if before != after:
            yield broken(f"integrity:{key.removesuffix('_hash')}", f"other_{key}", before=before, after=after)
    conditions = [one.identity.get("condition") for one in (baseline, candidate)]
    if conditions[0] != conditions[1]:
        before, after = (_NO_CONDITION if one is None else one for one in conditions)
        yield broken("integrity:sound", "other_sound", before=before, after=after)
    if set(baseline.labels) != set(candidate.labels):
        yield broken("integrity:labels", "other_labels", before=list(baseline.labels), after=list(candidate.labels))
    if baseline.policy != candidate.policy:
        yield broken("integrity:policy", "other_policy", before=baseline.policy, after=candidate.policy)
    expected, kept = baseline.identity["n_clips"], len(baseline.table)
    if kept < expected:
        yield broken("integrity:baseline", "baseline_incomplete", found=kept, expected=expected)
    missing = set(baseline.table.clip_ids) - set(candidate.table.clip_ids)
    if missing:
        yield broken("integrity:clips", "missing_clips", missing=len(missing), example=min(missing))


def _compared(candidate: Subject, baseline: Subject, pairs: Pairs, config: GateConfig) -> list[RuleResult]:
    levels = Levels(alpha=config.alpha, power=config.power)
    differences = differences_of(pairs, resamples=config.resamples, seed=config.seed)
    # A clip that was wrong in another way counts as before, except in precision and where answers may be left out.
    counted = pairs.changed if pairs.policy == "abstain" else pairs.right_before != pairs.right_after
    rules: list[RuleResult] = []
    for name in _FIGURES:
        margin = getattr(config.margins, name)
        if margin is not None:
            discordant = pairs.discordant() if name == "accuracy" and pairs.policy != "abstain" else None
            changed = bool((pairs.changed if name == "macro_f1" else counted).any())
            rules.append(
                margin_rule(
                    f"margin:{name}", differences[name], margin, levels,
                    discordant=discordant, n=pairs.n, of=pairs.n, changed=changed, missing=pairs.newly_failed,
                )
            )  # fmt: skip
    for label, margin in _by_label(config.margins.recall, pairs.labels):
        if label not in pairs.labels:
            rules.append(broken(f"margin:recall:{label}", "no_such_label", labels=list(pairs.labels)))
            continue
        asked = pairs.reference == pairs.labels.index(label)
        # An emotion that the corpus has and that no clip was answered of has no recall, and can't pass.
        if asked.any() or _occurs(label, baseline, candidate):
            rules.append(
                margin_rule(
                    f"margin:recall:{label}", differences[f"recall:{label}"], margin, levels,
                    discordant=None if pairs.policy == "abstain" else pairs.discordant(label),
                    n=int(asked.sum()), of=pairs.n, changed=bool(counted[asked].any()),
                    missing=_missing(label, candidate, baseline),
                )
            )  # fmt: skip
    rules += ccc_margins(candidate, baseline, config)
    rules += soft_margins(candidate, baseline, config)
    rules += score_margins(candidate, baseline, config)
    rules += share_rules(candidate, baseline, pairs, config)
    rules += _latencies(candidate, baseline, config, levels)
    return adjusted(rules, levels)


def _missing(label: str, candidate: Subject, baseline: Subject) -> int:
    """Clips of an emotion that the candidate alone failed on."""
    before, after = (_failed_clips(each.table, label) for each in (baseline, candidate))
    return len(after - before)


def _failed_clips(table: RecordTable, label: str) -> set[str]:
    asked = table.failed & (table.reference == table.class_codes.reference(label))
    return {table.clip_ids[place] for place in np.flatnonzero(asked).tolist()}


def _occurs(label: str, *subjects: Subject) -> bool:
    """Whether a clip of this class was run at all."""
    return any((each.table.reference == each.table.class_codes.reference(label)).any() for each in subjects)


def _latencies(candidate: Subject, baseline: Subject, config: GateConfig, levels: Levels) -> Iterator[RuleResult]:
    """Ratios are of what callers waited; those of clean calls stand beside them."""
    for name, share in (("p50", 0.5), ("p95", 0.95)):
        limit = getattr(config.ratios, name)
        if limit is None:
            continue
        refused = not_comparable(candidate, baseline) or _disturbed(config, baseline, candidate)
        if refused:
            yield undecided(f"ratio:{name}", refused[0], **refused[1])
            continue
        confidence = 1 - 2 * levels.alpha
        waited = latency_ratio(baseline.waited, candidate.waited, share, confidence=confidence)
        clean = latency_ratio(baseline.clean, candidate.clean, share, confidence=confidence)
        yield ratio_rule(f"ratio:{name}", waited, limit, levels, n=candidate.waited.n, clean=clean)


_Refusal = tuple[str, dict[str, Any]]


def _disturbed(config: GateConfig, *subjects: Subject) -> _Refusal | None:
    """Why a latency says too little of what was measured: others took too much of the machine meanwhile."""
    limit = config.max_contention
    for subject in subjects:
        taken = subject.others_cpu
        if limit is not None and taken is not None and taken >= limit:
            return "contention", {"source": subject.source, "taken": taken, "limit": limit}
    return None


def not_comparable(candidate: Subject, baseline: Subject) -> _Refusal | None:
    """Why the two latencies are no figures of one kind; None where they are."""
    for subject in (baseline, candidate):
        if subject.latency_refused:
            return "latency_refused", {"source": subject.source, "why": subject.latency_refused}
    for key in ("device", "load"):
        before, after = baseline.identity[key], candidate.identity[key]
        if before != after:
            return f"other_{key}", {"before": before, "after": after}
    was, now = (_clips_a_call(subject) for subject in (baseline, candidate))
    if was and now and not 1 / _OTHER_BATCHES <= now / was <= _OTHER_BATCHES:
        return "other_batches", {"before": round(was, 2), "after": round(now, 2)}
    return None


def _clips_a_call(subject: Subject) -> float | None:
    row = subject.figures.latency_ms
    return row.n / row.n_calls if row.n_calls else None
