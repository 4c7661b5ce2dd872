"""The gate's rules on answers that are held against raters' votes.

An answer without scores has no such figure. So that a candidate can't better its own by keeping silent on what is
hard, it may leave untold no more than it may fail on.
"""

from __future__ import annotations

from collections.abc import Iterator

from sv_eval.report.verdict import RuleResult
from sv_eval.scoring.soft.by_clip import soft_difference, soft_sides
from sv_eval.studies.gate.config import GateConfig
from sv_eval.studies.gate.rules import Levels, broken, floor_rule, margin_rule
from sv_eval.studies.gate.subject import Subject


def soft_floors(candidate: Subject, config: GateConfig) -> Iterator[RuleResult]:
    """The candidate's own figures, of those that are named."""
    for name, floor in (config.floors.soft or {}).items():
        rule, figure = f"floor:soft:{name}", (candidate.figures.soft or {}).get(name)
        yield broken(rule, "no_votes") if figure is None else floor_rule(rule, figure, floor)


def soft_margins(candidate: Subject, baseline: Subject, config: GateConfig) -> Iterator[RuleResult]:
    """The figures against the baseline's, before adjusting."""
    levels = Levels(alpha=config.alpha, power=config.power)
    for name, margin in (config.margins.soft or {}).items():
        rule = f"margin:soft:{name}"
        if name not in baseline.soft or name not in candidate.soft:
            yield broken(rule, "no_votes")
            continue
        sides = soft_sides((baseline.table, baseline.soft), (candidate.table, candidate.soft), name)
        n = len(sides.before)
        if sides.untold > config.max_failures * max(n + sides.untold, 1):
            yield broken(rule, "untold", untold=sides.untold, of=n + sides.untold, limit=config.max_failures)
            continue
        yield margin_rule(
            rule, soft_difference(sides), margin, levels,
            discordant=None, n=n, of=n, changed=bool((abs(sides.before - sides.after) > _WRITTEN).any()),
        )  # fmt: skip


_WRITTEN = 1e-4
"""A baseline file keeps five digits: what differs by less has not changed."""
