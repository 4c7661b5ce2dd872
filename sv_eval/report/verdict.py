"""What a gate says about a candidate, and `gate.json`, which keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Required, TypedDict, cast

from sv_eval.errors import EXIT_GATE_FAILED, EXIT_GATE_INCONCLUSIVE, EXIT_PASS
from sv_eval.report.interval import plain
from sv_eval.report.reasons import Why


class Verdict(StrEnum):
    """How a rule, or the whole gate, ended."""

    PASS = "pass"
    """Kept."""
    FAIL = "fail"
    """Broken."""
    INCONCLUSIVE = "inconclusive"
    """Neither can be told with the clips at hand."""


EXIT_CODES: Mapping[Verdict, int] = {
    Verdict.FAIL: EXIT_GATE_FAILED,
    Verdict.INCONCLUSIVE: EXIT_GATE_INCONCLUSIVE,
    Verdict.PASS: EXIT_PASS,
}
"""What a command ends with, from the worst."""


class GateRule(TypedDict, total=False):
    """One rule and how it ended; besides what stands here, the values that its reason speaks of."""

    rule: Required[str]
    verdict: Required[Literal["pass", "fail", "inconclusive"]]
    reason: Required[str]
    value: float | None
    low: float | None
    high: float | None
    n: int
    floor: float
    ceiling: float
    margin: float
    limit: float
    why: str | None
    p: float | None
    p_adjusted: float | None
    needed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFile:
    """What `gate.json` holds."""

    schema_version: int = 1
    """Raised when a reader of this file would have to change."""
    verdict: Literal["pass", "fail", "inconclusive"]
    """Fail when any rule fails, inconclusive when none fails and any is, else pass."""
    exit_code: int
    """What the command ends with."""
    gate: str
    """The gate's name."""
    alpha: float
    """The chance of a false alarm over all tested rules."""
    candidate: Mapping[str, Any]
    """What was judged: where it was read from, and what the run was."""
    baseline: Mapping[str, Any] | None
    """What it was compared with; null for a gate of floors and ceilings alone."""
    pairs: int
    """Clips that were compared."""
    needed: int | None
    """How many clips would decide all rules that are inconclusive for want of clips; null where none is."""
    rules: tuple[GateRule, ...]
    """Every rule, the worst first."""
    newly_wrong: tuple[str, ...]
    """Clips that were right before and are wrong now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleResult:
    """One rule and how it ended."""

    name: str
    """E.g. `margin:uar`, `ratio:p95`, `floor:recall:happy`, `integrity:dataset`."""
    verdict: Verdict
    """How it ended."""
    reason: str
    """A stable word for why, in snake_case; the renderers hold the sentences."""
    values: Mapping[str, Any]
    """What the sentence is filled with, and what scripts may read."""
    p: float | None = None
    """One-sided p-value of `it did not get worse`, before adjusting; None for a rule that tests nothing."""
    p_adjusted: float | None = None
    """The same, adjusted over all tested rules."""
    needed: int | None = None
    """Clips (or calls) that would decide it; only where it is inconclusive for want of them."""
    excess: float = 0.0
    """How many times what is allowed was found, as far as that can be said; infinite where nothing may be."""

    @property
    def rank(self) -> tuple[int, float]:
        """Ascending from the worst: failed, undecided, kept; among equals the greatest excess first."""
        return list(EXIT_CODES).index(self.verdict), -self.excess

    def line(self) -> GateRule:
        """The rule as gate.json has it."""
        values = {key: _plain(value) for key, value in self.values.items()}
        data: dict[str, Any] = {"rule": self.name, "verdict": self.verdict.value, "reason": self.reason, **values}
        data |= {"p": plain(self.p), "p_adjusted": plain(self.p_adjusted)}
        return cast("GateRule", data | ({"needed": self.needed} if self.needed is not None else {}))


def _plain(value: Any) -> Any:
    if isinstance(value, Why):
        return str(value)
    return plain(value) if isinstance(value, float) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a comparison: where it was read from, and what the run was."""

    source: str
    """Where it was read from."""
    identity: Mapping[str, Any]
    """What is known of the run beside its answers."""

    @property
    def told(self) -> dict[str, Any]:
        """As gate.json has it."""
        return {"source": self.source, **self.identity}


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """What a gate says about a candidate."""

    gate: str
    """The gate's name."""
    alpha: float
    """The chance of a false alarm over all tested rules."""
    rules: tuple[RuleResult, ...]
    """How each ended, the worst first."""
    candidate: Side
    """What was judged."""
    baseline: Side | None
    """What it was compared with; None for a gate of floors and ceilings alone."""
    changed_clips: tuple[str, ...]
    """Clips that were right before and are wrong now."""
    pairs: int
    """Clips that were compared."""

    @property
    def verdict(self) -> Verdict:
        """Fail when any rule fails, inconclusive when none fails and any is, else pass."""
        verdicts = {rule.verdict for rule in self.rules}
        return next((verdict for verdict in EXIT_CODES if verdict in verdicts), Verdict.PASS)

    @property
    def worst(self) -> RuleResult | None:
        """The rule that decided; None where all were kept."""
        return next((rule for rule in self.rules if rule.verdict is not Verdict.PASS), None)

    @property
    def needed(self) -> int | None:
        """How many clips would decide all rules that are inconclusive for want of clips; None where none is."""
        found = [rule.needed for rule in self.rules if rule.verdict is Verdict.INCONCLUSIVE and rule.needed]
        return max(found, default=None)

    def file(self) -> GateFile:
        """What gate.json holds."""
        return GateFile(
            verdict=self.verdict.value,
            exit_code=EXIT_CODES[self.verdict],
            gate=self.gate,
            alpha=self.alpha,
            candidate=self.candidate.told,
            baseline=None if self.baseline is None else self.baseline.told,
            pairs=self.pairs,
            needed=self.needed,
            rules=tuple(rule.line() for rule in self.rules),
            newly_wrong=self.changed_clips,
        )
