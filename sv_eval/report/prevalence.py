"""What `prevalence.json` holds: how much of each emotion unlabelled audio has, counted and corrected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from sv_eval.report.interval import Rounded
from sv_eval.report.reasons import Why


@dataclass(frozen=True, slots=True, kw_only=True)
class PrevalenceShare(Rounded):
    """One emotion's share."""

    counted: float
    """Of all answers, as they were given."""
    value: float
    """Corrected for how the recogniser errs."""
    low: float
    """Lower bound."""
    high: float
    """Upper bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrevalenceSide:
    """One of the two runs."""

    run: str
    """Its directory, as it was given."""
    dataset: str
    """What was heard."""
    n: int
    """Clips that count: answered, and of a scored emotion where it is labelled."""
    n_speakers: int
    """Their speakers; clips without one count each by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrevalenceFile(Rounded):
    """The shares of the emotions in unlabelled audio."""

    schema_version: int = 1
    """Raised when a reader of this file would have to change."""
    labels: tuple[str, ...]
    """The emotions that may be there: all others are taken not to be."""
    confidence: float
    """Of the bounds."""
    model: str
    """Whose answers they are."""
    labelled: PrevalenceSide
    """What tells how the recogniser errs."""
    unlabelled: PrevalenceSide
    """What is asked about."""
    shares: Mapping[str, PrevalenceShare]
    """By emotion; empty where they can't be told."""
    condition: float | None
    """How much errors of the answers' shares may grow in the correction; null where it was not made."""
    reason: Why | UnsetType = UNSET
    """Why the shares can't be told; not set where they can."""
