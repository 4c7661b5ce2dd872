"""The cells of a manifest's row, as text and as seconds."""

from __future__ import annotations

import math

from sv_eval.errors import CorpusError

_NO_FILE_LASTS_S = 1e9
"""Thirty years."""


def text_cell(where: str, column: str, value: object) -> str | None:
    """A cell as text without blanks around it; None when it is empty."""
    if value is None:
        return None
    if isinstance(value, bool | list | dict):
        raise CorpusError(f"{where}: the column '{column}' holds {value!r}; it should be text or a number")
    return str(value).strip() or None


def seconds_cell(where: str, name: str, text: str | None) -> float | None:
    """A cell's seconds from the beginning of the file; None when it is empty."""
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < _NO_FILE_LASTS_S:
        raise CorpusError(f"{where}: {name} is '{text}'; give seconds from the file's beginning, 0 or more")
    return value
