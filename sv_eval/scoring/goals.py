"""What a user wants a run to reach, judged on the run alone, without a gate or a baseline."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields

from sv_eval.errors import ConfigError
from sv_eval.report.findings import Mark

OF_LATENCY = ("p50_ms", "p95_ms", "p99_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Goals:
    """What `scoring.goals` holds; None for no such goal."""

    uar: float | None = None
    """UAR is to be at least so much."""
    accuracy: float | None = None
    """The share of right answers."""
    macro_f1: float | None = None
    """Macro F1."""
    recall: float | None = None
    """The recall of every emotion."""
    p50_ms: float | None = None
    """Latency is to be at most so many milliseconds: the median of what callers waited."""
    p95_ms: float | None = None
    """The 95th percentile."""
    p99_ms: float | None = None
    """The 99th."""

    def __post_init__(self) -> None:
        for name, value in self.given():
            if name in OF_LATENCY:
                if not 0 < value < math.inf:
                    raise ConfigError(f"scoring.goals.{name}={value}: give milliseconds above 0")
            elif not 0 <= value <= 1:
                raise ConfigError(f"scoring.goals.{name}={value}: give a share from 0 to 1")

    def given(self) -> Iterator[tuple[str, float]]:
        """The goals that there are."""
        for item in fields(self):
            value = getattr(self, item.name)
            if value is not None:
                yield item.name, value


def reached(low: float | None, high: float | None, goal: float, *, at_most: bool = False) -> Mark:
    """Whether a figure between these bounds reaches its goal; `open` where the goal lies between them.

    >>> reached(0.8, 0.9, 0.75), reached(0.8, 0.9, 0.85), reached(0.8, 0.9, 0.95), reached(10, 12, 9, at_most=True)
    ('pass', 'open', 'fail', 'fail')
    """
    worst, best = (high, low) if at_most else (low, high)
    sign = -1 if at_most else 1
    if worst is not None and sign * worst >= sign * goal:
        return "pass"
    # A bound that can't be given leaves the other side open.
    return "fail" if best is not None and sign * best < sign * goal else "open"
