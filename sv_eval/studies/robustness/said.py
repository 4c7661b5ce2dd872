"""What a run said of the clips of pairs: the answers themselves, whatever they are scored as."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.record_file.table import RecordTable
from sv_eval.scoring.paired.pairs import Pairs

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Said:
    """A run's answers to the clips of pairs, in their order."""

    answer: NDArray[np.str_]
    """The answer's name; `failed` for none."""
    emotion: Mask
    """Where it is an emotion."""
    failed: Mask
    """Where there is none."""


def said_of(table: RecordTable, pairs: Pairs) -> Said:
    """What the table's run said of the clips of pairs: under `ban` the forced answer, else the unforced one."""
    places = {clip_id: place for place, clip_id in enumerate(table.clip_ids)}
    at = np.array([places[clip_id] for clip_id in pairs.clip_ids], dtype=np.int64)
    codes, failed = (table.banned if pairs.policy == "ban" else table.predicted)[at], table.failed[at]
    names = np.array(table.class_codes.answers)
    return Said(
        answer=np.where(failed, "failed", names[codes]),
        emotion=(codes < table.class_codes.answered) & ~failed,
        failed=failed,
    )
