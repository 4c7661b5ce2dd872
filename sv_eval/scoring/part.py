"""A part of a run's records, as a table of its own."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.scoring.table import RecordTable


def part_of(table: RecordTable, kept: NDArray[np.bool_]) -> RecordTable:
    """The records at the places that are kept, in the same order; codes keep their meaning."""
    places = np.flatnonzero(kept)
    new_place = {int(old): new for new, old in enumerate(places)}
    changed: dict[str, Any] = {}
    for item in fields(table):
        value = getattr(table, item.name)
        if isinstance(value, np.ndarray):
            changed[item.name] = value[places]
        elif item.name in ("clip_ids", "texts", "paths"):
            changed[item.name] = tuple(value[place] for place in places)
        elif item.name in ("failures", "troubles"):
            changed[item.name] = {new_place[old]: found for old, found in value.items() if old in new_place}
    changed["stages_ms"] = {name: column[places] for name, column in table.stages_ms.items()}
    return replace(table, **changed)
