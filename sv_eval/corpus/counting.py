"""Counting a corpus's entries as they come, without keeping them: memory stays the same for a million lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from sv_eval.corpus.entry import Entry, Found
from sv_eval.corpus.schema import Card
from sv_eval.corpus.selection import split_test


@dataclass(kw_only=True)
class Counts:
    """How many entries there are, by what is said of them."""

    total: int = 0
    """All entries."""
    labels: Counter[str | None] = field(default_factory=Counter)
    """By raw label; None for those without one."""
    speakers: Counter[str | None] = field(default_factory=Counter)
    """By speaker; None for those that name none."""
    splits: Counter[str] = field(default_factory=Counter)
    """By the card's splits, or by those that the entries name; an entry may be in several, or in none."""
    size_bytes: int = 0
    """Of their files; a file that holds several clips counts with each."""


def count_entries(card: Card, found: Found) -> Counts:
    """The counts of an opened corpus; no audio is opened. Raises CorpusError where its table is broken."""
    tests = {name: split_test(card, name) for name in card.splits} if card.layout.kind != "huggingface" else {}
    counts = Counts()
    for entry in found.entries:
        _add(counts, entry)
        counts.splits.update(name for name, holds in tests.items() if holds(entry))
        if not tests and entry.split is not None:
            counts.splits[entry.split] += 1
    return counts


def _add(counts: Counts, entry: Entry) -> None:
    counts.total += 1
    counts.labels[(entry.label or "").strip() or None] += 1
    counts.speakers[entry.speaker] += 1
    counts.size_bytes += entry.size_bytes or 0


def spread(names: Iterable[str | None]) -> int:
    """How many different ones there are, None left out."""
    return len({name for name in names if name is not None})
