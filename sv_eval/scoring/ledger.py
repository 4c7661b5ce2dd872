"""What went wrong in a run, and what became of it: clips that got no answer, and those that got one later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sv_eval.scoring.table import RecordTable


@dataclass(slots=True)
class ErrorKind:
    """Errors of one kind."""

    kind: str
    """The error's stable word."""
    failed: int = 0
    """Clips that have no answer because of it."""
    recovered: set[int] = field(default_factory=set)
    """Positions of clips that met it and were answered later."""
    attempts: int = 0
    """Attempts that ended with it."""
    clip: str = ""
    """The first clip by id that met it."""
    message: str = ""
    """What was said then."""

    def to_json(self) -> dict[str, Any]:
        """The kind as plain data."""
        return {
            "kind": self.kind,
            "failed": self.failed,
            "recovered": len(self.recovered),
            "attempts": self.attempts,
            "example": {"clip": self.clip, "message": self.message},
        }


def ledger_of(table: RecordTable) -> list[ErrorKind]:
    """Every kind of error, most attempts first."""
    found: dict[str, ErrorKind] = {}
    for position, kind, message, final in _errors(table):
        entry = found.setdefault(kind, ErrorKind(kind, clip=table.clip_ids[position], message=message))
        entry.attempts += 1
        entry.failed += final
        if position not in table.failures:
            entry.recovered.add(position)
    return sorted(found.values(), key=lambda entry: (-entry.attempts, entry.kind))


def _errors(table: RecordTable) -> Iterator[tuple[int, str, str, bool]]:
    """Position, kind, message and whether it was the last word, by clip and then by attempt."""
    for position in sorted({*table.failures, *table.troubles}):
        for kind, message in table.troubles.get(position, ()):
            yield position, kind, message, False
        if position in table.failures:
            yield (position, *table.failures[position], True)
