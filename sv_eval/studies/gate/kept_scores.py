"""What a baseline file keeps of scores and confidence: three letters each, so that tests stay paired.

A number from 0 to 1 in steps of 1 / 238,327 is written with three of 62 letters: 27 bytes a clip for eight scores
and a confidence.
"""

from __future__ import annotations

import string
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sv_eval.record_file.score_table import ScoreTable
from sv_eval.record_file.table import RecordTable
from sv_eval.scoring.paired.score_sides import STEPS

Floats = NDArray[np.float64]

_LETTERS = string.digits + string.ascii_letters
_BASE = len(_LETTERS)
_NONE = "---"
_PLACE = np.full(128, -1, dtype=np.int64)
_PLACE[[ord(letter) for letter in _LETTERS]] = np.arange(_BASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptScores:
    """Scores and confidence by clip, in the order of the clips."""

    confidence: str | None = None
    """Three letters a clip, --- for none; None where no answer has any."""
    names: tuple[str, ...] = ()
    """The classes that have a score."""
    values: str | None = None
    """Three letters a class of each clip, clip by clip; None without scores."""


def kept_scores(table: RecordTable, scores: ScoreTable | None) -> KeptScores | None:
    """Those of a run; None where it has neither."""
    confident = bool(np.isfinite(table.confidence).any())
    if not confident and scores is None:
        return None
    return KeptScores(
        confidence=_written(table.confidence) if confident else None,
        names=() if scores is None else scores.names,
        values=None if scores is None else _written(scores.of_clips(table.clip_ids).ravel()),
    )


def with_scores(table: RecordTable, kept: KeptScores | None) -> tuple[RecordTable, ScoreTable | None]:
    """The table of the same clips with what was kept, and its scores; raises ValueError where that is of others."""
    if kept is None:
        return table, None
    if kept.confidence is not None:
        table = replace(table, confidence=_read(kept.confidence, len(table)))
    if kept.values is None:
        return table, None
    values = _read(kept.values, len(table) * len(kept.names)).reshape(len(table), len(kept.names))
    return table, ScoreTable(clip_ids=table.clip_ids, names=kept.names, values=values)


def _written(values: Floats) -> str:
    """Numbers from 0 to 1, what is beyond them as the nearer of the two; NaN as none.

    >>> _written(np.array([0.0, 1.0, np.nan]))
    '000ZZZ---'
    """
    codes = np.rint(np.clip(np.nan_to_num(values), 0.0, 1.0) * STEPS).astype(np.int64).tolist()
    known = np.isfinite(values).tolist()
    return "".join(
        _LETTERS[code // _BASE**2] + _LETTERS[code // _BASE % _BASE] + _LETTERS[code % _BASE] if there else _NONE
        for code, there in zip(codes, known, strict=True)
    )


def _read(text: str, n: int) -> Floats:
    if len(text) != 3 * n or not text.isascii():
        raise ValueError("scores that don't fit the clips")
    letters = np.frombuffer(text.encode(), dtype=np.uint8).reshape(n, 3)
    places = _PLACE[letters]
    none = (letters == ord("-")).all(axis=1)
    if ((places < 0).any(axis=1) & ~none).any():
        raise ValueError("a score that is no number")
    return np.where(none, np.nan, places @ np.array([_BASE**2, _BASE, 1]) / STEPS)
