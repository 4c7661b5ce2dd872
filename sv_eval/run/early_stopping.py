"""Giving up a run that is not worth finishing, judged by its first clips."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass

from sv_eval.records import Clip


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
