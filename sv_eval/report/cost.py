"""The part of a report that tells what a run took of a service that is paid: tokens, sound, and their price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from sv_eval.report.interval import Rounded
from sv_eval.report.reasons import Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Price(Rounded):
    """What a run cost by the user's prices."""

    currency: str
    """Of the amounts, e.g. `USD`."""
    date: str
    """Of when the prices are."""
    per_clip: float | None
    """The mean of a request that was answered."""
    per_audio_hour: float | None
    """Of an hour of the sound that was asked about."""
    total: float | None
    """Of all requests that were answered, controls included."""
    total_with_retries: float | None
    """The same if attempts that failed are billed like those that were answered."""
    reason: Why | UnsetType = UNSET
    """Why there are no amounts; not set where there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCost(Rounded):
    """What a run took."""

    requests: int
    """Requests that were answered, of all rounds and of controls."""
    controls: int
    """Those of them that were of controls."""
    attempts: int
    """Attempts in all, failed ones included."""
    audio_s: float
    """Seconds of sound in the requests that were answered."""
    told: int
    """Requests of which the service told the tokens."""
    tokens: Mapping[str, int]
    """Tokens in all by `records.TOKENS`: of the requests that they were told of."""
    tokens_per_clip: Mapping[str, float]
    """Their means over those."""
    price: Price | UnsetType = UNSET
    """Not set without prices."""
