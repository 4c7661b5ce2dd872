"""Counting a corpus's entries as they come, without keeping them: memory stays the same for a million lines."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from sv_eval.data.corpus.entry import Entry, OpenedCorpus
from sv_eval.data.corpus.schema import Card
from sv_eval.data.corpus.split_tests import Test, split_tests, splits_of


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


def count_entries(card: Card, found: OpenedCorpus, wanted: Test = lambda _: True) -> Counts:
    """The counts of an opened corpus; no audio is opened. Raises CorpusError where its table is broken.

    wanted: tells whether an entry counts.
    """
    tests = split_tests(card)
    counts = Counts()
    for entry in filter(wanted, found.entries):
        _add(counts, entry)
        counts.splits.update(splits_of(entry, tests))
    return counts


def _add(counts: Counts, entry: Entry) -> None:
    counts.total += 1
    counts.labels[(entry.label or "").strip() or None] += 1
    counts.speakers[entry.speaker] += 1
    counts.size_bytes += entry.size_bytes or 0
