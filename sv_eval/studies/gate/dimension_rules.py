"""The gate's rules on emotional dimensions: what a candidate's concordance must reach, and how much it may lose.

An answer that isn't there has no concordance. So that a candidate can't better its own by keeping silent on what is
hard, it may leave untold no more than it may fail on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sv_eval.report.verdict import RuleResult
from sv_eval.scoring.dimensions.sides import Sides, ccc_difference, sides_of
from sv_eval.studies.gate.config import GateConfig
from sv_eval.studies.gate.rules import Levels, broken, floor_rule, margin_rule
from sv_eval.studies.gate.subject import Subject


def ccc_floors(candidate: Subject, config: GateConfig) -> Iterator[RuleResult]:
    """The candidate's own concordance, of every dimension or of those that are named."""
    for name, floor in _by_dimension(config.floors.ccc, candidate):
        rule, figure = f"floor:ccc:{name}", candidate.figures.ccc.get(name)
        yield broken(rule, "no_dimension", dimension=name) if figure is None else floor_rule(rule, figure, floor)


def ccc_margins(candidate: Subject, baseline: Subject, config: GateConfig) -> Iterator[RuleResult]:
    """The concordance against the baseline's, before adjusting."""
    levels = Levels(alpha=config.alpha, power=config.power)
    for name, margin in _by_dimension(config.margins.ccc, baseline):
        rule = f"margin:ccc:{name}"
        was, now = baseline.ranges.get(name), candidate.ranges.get(name)
        if was is None or now is None:
            yield broken(rule, "no_dimension", dimension=name)
            continue
        if was.reference != now.reference:
            yield broken(rule, "other_range", before=list(was.reference), after=list(now.reference))
            continue
        sides = sides_of(baseline.table, candidate.table, name, (was, now))
        if sides.untold > config.max_failures * max(sides.told_before, 1):
            yield broken(
                rule, "untold", untold=sides.untold, of=sides.told_before, limit=config.max_failures, dimension=name
            )
            continue
        yield _margin(rule, sides, margin, levels)


def _margin(rule: str, sides: Sides, margin: float, levels: Levels) -> RuleResult:
    n = len(sides.reference)
    return margin_rule(
        rule, ccc_difference(sides), margin, levels,
        discordant=None, n=n, of=n, changed=bool((sides.before != sides.after).any()),
    )  # fmt: skip


def _by_dimension(chosen: float | Mapping[str, float] | None, subject: Subject) -> Iterator[tuple[str, float]]:
    if isinstance(chosen, Mapping):
        yield from chosen.items()
    elif chosen is not None:
        if not subject.ranges:
            yield from (("any", chosen),)
        yield from ((name, chosen) for name in subject.ranges)
