"""Time that passes only when a test says so."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class FakeClock:
    """Its moment is set by hand; called, it tells it."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s
