"""The part of a report that is read first: what was found, line by line, each with a mark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Mark = Literal["pass", "fail", "open", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A line of the verdict."""

    code: str
    """What it is about: `uar`, `no_uar`, `dimension`, `goal`, `confusion`, `slice`, `emotion`, `caveat`, `next`."""
    mark: Mark
    """`pass` where the whole interval is on the good side, `fail` on the bad one, `open` where it holds both;
    `note` where there is nothing to pass."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """What its sentence is filled with."""
