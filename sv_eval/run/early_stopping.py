"""Giving up a run that is not worth finishing, and ending one whose verdict is sure."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from pathlib import Path

from sv_eval.records import Clip, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyStopping:
    """A run in two parts: first some clips and the timed pass, then, if that is worth it, the rest."""

    first: Callable[[Sequence[Clip]], Container[str]]
    """The ids of the clips to begin with."""
    go_on: Callable[[], bool]
    """Asked when those have their records; False gives the run up."""


def _all(clips: Sequence[Clip]) -> Container[str]:
    return {clip.id for clip in clips}


def _always() -> bool:
    return True


NO_EARLY_STOPPING = EarlyStopping(first=_all, go_on=_always)
"""Every clip, whatever comes."""


VERDICT = "verdict"
"""How a run ended that a sure verdict has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UntilSure:
    """Something that a run is asked about while it goes on, and that ends it when it is sure."""

    order: Callable[[Sequence[Clip]], Sequence[Clip]]
    """The clips in the order in which they are to be asked about."""
    begin: Callable[[Path], bool]
    """Told the run's directory once its surroundings are written, and maybe records; whether it is sure already."""
    sure: Callable[[Record], bool]
    """Told every record as it comes; whether it is sure now."""
