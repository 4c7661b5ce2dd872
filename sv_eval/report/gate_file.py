"""`gate.json`: a verdict, with every rule and what was compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Required, TypedDict


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
    """Every rule."""
    newly_wrong: tuple[str, ...]
    """Clips that were right before and are wrong now."""
