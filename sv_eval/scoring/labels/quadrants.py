"""Emotions from arousal and valence, where a recogniser tells these and no emotion: a map that a user declares.

The plane of the two is cut at a threshold each (Russell 1980, A Circumplex Model of Affect, Journal of Personality
and Social Psychology 39). Which emotion a quadrant stands for is a choice, and the report prints it; none is made
by default. An answer that has an emotion, or a word of its own, keeps it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sv_eval.dimensions import AROUSAL, VALENCE, Range, led
from sv_eval.emotions import NO_TAG, REFERENCE_LABELS, UNKNOWN
from sv_eval.errors import ConfigError, nearest
from sv_eval.record_file.class_codes import SEVEN
from sv_eval.record_file.rows import OUTCOMES
from sv_eval.record_file.table import RecordTable
from sv_eval.records import Outcome
from sv_eval.report.context import Quadrants

QUADRANTS = ("low_negative", "low_positive", "high_negative", "high_positive")
"""Arousal below its threshold or not, then valence; in the order of their codes."""
_SHARES: Range = (0.0, 1.0)


def check_quadrants(found: Quadrants | None) -> None:
    """Raise ConfigError for a threshold outside the ranges, or what is no answer."""
    if found is None:
        return
    for name in (AROUSAL, VALENCE):
        share = getattr(found, name)
        if not 0 < share < 1:
            raise ConfigError(f"labels.quadrants.{name}={share:g}: give a share of its range, between 0 and 1")
    known = (*REFERENCE_LABELS, UNKNOWN)
    for name in QUADRANTS:
        word = getattr(found, name)
        if word not in known:
            raise ConfigError(f"labels.quadrants.{name}: '{word}' is no emotion; {nearest(word, known)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuadrantRule:
    """The map in a recogniser's own units."""

    emotions: tuple[str, ...]
    """By quadrant."""
    arousal: float
    """From which value on arousal is high."""
    valence: float
    """From which value on valence is positive."""


def quadrant_rule(found: Quadrants | None, told: Mapping[str, Range] | None) -> QuadrantRule | None:
    """The map for a recogniser of these ranges; None for no map, or while nobody knows the recogniser.

    Raises ConfigError for one that does not declare both.
    """
    if found is None or told is None:
        return None
    lacking = [name for name in (AROUSAL, VALENCE) if name not in told]
    if lacking:
        raise ConfigError(
            f"labels.quadrants: the recogniser declares no range of {' and '.join(lacking)}, so no answer can "
            "be put into a quadrant; leave the map out (labels.quadrants=null)"
        )
    return QuadrantRule(
        emotions=tuple(getattr(found, name) for name in QUADRANTS),
        arousal=led(found.arousal, _SHARES, told[AROUSAL]),
        valence=led(found.valence, _SHARES, told[VALENCE]),
    )


def in_quadrants(table: RecordTable, rule: QuadrantRule) -> RecordTable:
    """A table of the seven emotions whose answers without any have that of their quadrant."""
    place = quadrants_of(table, rule)
    there = place >= 0
    codes = np.array([SEVEN.answer(name) for name in rule.emotions], dtype=np.int8)
    found = codes[np.maximum(place, 0)]
    named = there & (found < SEVEN.answered - 1)
    outcome = np.where(
        np.equal(found, SEVEN.answer(UNKNOWN)), OUTCOMES.index(Outcome.UNKNOWN), OUTCOMES.index(Outcome.LABEL)
    )
    return replace(
        table,
        predicted=np.where(there, found, table.predicted).astype(np.int8),
        forced=np.where(named & (table.forced < 0), found, table.forced).astype(np.int8),
        outcome=np.where(there, outcome, table.outcome).astype(np.int8),
    )


def quadrants_of(table: RecordTable, rule: QuadrantRule) -> NDArray[np.int64]:
    """The quadrant of each answer that has both dimensions, no emotion and no word of its own; -1 for any other."""
    missing = np.full(len(table), np.nan)
    arousal, valence = (table.dimensions.get(name, missing) for name in (AROUSAL, VALENCE))
    there = np.isfinite(arousal) & np.isfinite(valence) & (table.said < 0)
    there &= np.equal(table.predicted, SEVEN.answer(NO_TAG))
    place = 2 * (arousal >= rule.arousal).astype(np.int64) + (valence >= rule.valence)
    return np.asarray(np.where(there, place, -1), dtype=np.int64)


def by_quadrant(table: RecordTable, rule: QuadrantRule) -> dict[str, int]:
    """How many answers each quadrant gave an emotion to."""
    counts = Counter(quadrants_of(table, rule).tolist())
    return {name: counts[place] for place, name in enumerate(QUADRANTS)}
