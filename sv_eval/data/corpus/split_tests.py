"""Telling of an entry which splits hold it, and whether a restriction wants it, before anything is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from sv_eval.data.corpus.census import Census
from sv_eval.data.corpus.config import DatasetConfig
from sv_eval.data.corpus.entry import Entry
from sv_eval.data.corpus.schema import Card
from sv_eval.data.corpus.selection import restriction, split_test

Test = Callable[[Entry], bool]

_SPLIT_ON_OPENING = ("huggingface", "emobox")
"""Kinds of which only one split is ever opened, so that entries belong to no other."""


def split_tests(card: Card) -> Mapping[str, Test]:
    """The card's splits, each with a test for an entry; empty where entries name their split themselves."""
    if card.layout.kind in _SPLIT_ON_OPENING:
        return {}
    return {name: split_test(card, name) for name in card.splits}


def splits_of(entry: Entry, tests: Mapping[str, Test]) -> tuple[str, ...]:
    """The splits that hold the entry."""
    if tests:
        return tuple(name for name, holds in tests.items() if holds(entry))
    return (entry.split,) if entry.split is not None else ()


def restriction_test(config: DatasetConfig, card: Card) -> Test:
    """Tells whether `dataset.only` wants an entry."""
    if not config.only:
        return lambda _: True
    wanted, census = restriction(config.only), Census(card, config.language)

    def test(entry: Entry) -> bool:
        # A label that the map doesn't hold is for others to complain about.
        clip = census.clip(replace(entry, label=None))
        return wanted(replace(clip, raw_label=(entry.label or "").strip() or None))

    return test
