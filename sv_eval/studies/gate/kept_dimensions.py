"""What a baseline file keeps of emotional dimensions: references and answers by clip, so that tests stay paired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sv_eval.dimensions import DIMENSIONS, Range
from sv_eval.record_file.table import RecordTable
from sv_eval.scoring.dimensions.sides import Ranges


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDimension:
    """One dimension; a number a clip, in the order of the clips, null where there is none."""

    reference_range: Range
    """The corpus's, as declared."""
    answer_range: Range
    """The recogniser's, as declared."""
    reference: tuple[float | None, ...]
    """As the records have it."""
    answer: tuple[float | None, ...]
    """As the records have it."""

    @property
    def ranges(self) -> Ranges:
        """Both."""
        return Ranges(reference=self.reference_range, answer=self.answer_range)


def kept_dimensions(table: RecordTable, ranges: Mapping[str, Ranges]) -> dict[str, KeptDimension]:
    """Of the dimensions that can be scored; empty for none."""
    return {
        name: KeptDimension(
            reference_range=one.reference,
            answer_range=one.answer,
            reference=_written(table.true_dimensions[name]),
            answer=_written(table.dimensions[name]),
        )
        for name, one in ranges.items()
        if name in table.true_dimensions and name in table.dimensions
    }


def with_dimensions(table: RecordTable, kept: Mapping[str, KeptDimension]) -> RecordTable:
    """The table of the same clips with what was kept; raises ValueError where that is of others."""
    for name, one in kept.items():
        if name not in DIMENSIONS or {len(one.reference), len(one.answer)} != {len(table)}:
            raise ValueError("dimensions that don't fit the clips")
    return replace(
        table,
        true_dimensions={name: _column(one.reference) for name, one in kept.items()},
        dimensions={name: _column(one.answer) for name, one in kept.items()},
    )


def _written(values: NDArray[np.float64]) -> tuple[float | None, ...]:
    return tuple(round(value, 6) if np.isfinite(value) else None for value in values.tolist())


def _column(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
