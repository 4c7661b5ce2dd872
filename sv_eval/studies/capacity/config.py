"""What a user may choose about a capacity search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sv_eval.config.structure import structure
from sv_eval.errors import ConfigError
from sv_eval.scoring.percentiles import minimum_n

_LEAST_TRIALS = 6

ERRORS = "errors"
"""The part of an objective that is about failures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """The service level objective; all of its parts must be kept."""

    p50_ms: float | None = None
    """The median must not exceed this, milliseconds."""
    p95_ms: float | None = 200.0
    """Nor the 95th percentile this."""
    p99_ms: float | None = None
    """Nor the 99th this."""
    max_error_rate: float = 0.01
    """The share of requests that may fail."""

    def __post_init__(self) -> None:
        if not self.limits:
            raise ConfigError("slo: give at least one of slo.p50_ms, slo.p95_ms, slo.p99_ms")
        for share, limit in self.limits.items():
            if limit <= 0:
                raise ConfigError(f"slo.p{100 * share:g}_ms={limit}: must be above 0")
        if not 0 <= self.max_error_rate < 1:
            raise ConfigError(f"slo.max_error_rate={self.max_error_rate}: a share from 0 to below 1")

    @property
    def limits(self) -> Mapping[float, float]:
        """Percentile, as a share, to its limit in milliseconds."""
        found = {0.5: self.p50_ms, 0.95: self.p95_ms, 0.99: self.p99_ms}
        return {share: limit for share, limit in found.items() if limit is not None}

    @staticmethod
    def name_of(share: float) -> str:
        """What the part about a percentile is called.

        >>> Objective.name_of(0.95)
        'p95'
        """
        return f"p{100 * share:g}"

    @property
    def allowed(self) -> Mapping[str, float]:
        """Each part's name to the share of requests that may break it; a part that allows none has no root."""
        parts = {self.name_of(share): 1 - share for share in self.limits}
        return parts | ({ERRORS: self.max_error_rate} if self.max_error_rate > 0 else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How the rate is looked for."""

    start_rate: float | None = None
    """Requests a second to begin at; None for half of the curve's best throughput."""
    max_rate: float = 3000.0
    """The highest rate that is tried."""
    tolerance: float = 0.05
    """How wide the capacity's interval may be: half of it over the capacity."""
    confidence: float = 0.95
    """How often the interval is to hold the capacity."""
    trials: int = 10
    """Trials near the capacity that the interval rests on, at least."""
    trial_s: float = 20.0
    """Seconds of a trial, at least."""
    max_trial_s: float = 300.0
    """Seconds of a trial, at most."""
    min_requests: int = 400
    """Requests of a trial at least."""
    relaxations: float = 40.0
    """A trial is as long as so many relaxation times of the queue."""
    settle: float = 0.1
    """The share of a trial's requests, at its beginning, that is not counted: a queue begins empty."""
    max_trials: int = 80
    """Trials in all."""
    max_late_ms: float = 5.0
    """The lateness of sending, 99th percentile, beyond which a trial says nothing."""
    seed: int = 0
    """Of the first trial's moments of sending; every trial has a draw of its own."""

    def __post_init__(self) -> None:
        for name in ("max_rate", "tolerance", "trial_s", "max_late_ms", "relaxations"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"search.{name}={getattr(self, name)}: must be above 0")
        if self.start_rate is not None and not 0 < self.start_rate <= self.max_rate:
            raise ConfigError(f"search.start_rate={self.start_rate}: above 0 and at most search.max_rate")
        if not 0 < self.confidence < 1:
            raise ConfigError(f"search.confidence={self.confidence}: a share between 0 and 1, such as 0.95")
        if self.trials < _LEAST_TRIALS or self.max_trials < 1:
            raise ConfigError(f"search: trials is at least {_LEAST_TRIALS}, max_trials at least 1")
        if self.max_trial_s < self.trial_s:
            raise ConfigError(f"search.max_trial_s={self.max_trial_s}: not below search.trial_s={self.trial_s}")
        if not 0 <= self.settle < 0.9 or self.min_requests < 1:
            raise ConfigError("search: settle is from 0 to below 0.9, min_requests at least 1")

    def requests_at(self, rate: float) -> int:
        """How many requests a trial at this rate has at least."""
        return max(self.min_requests, round(rate * self.trial_s))

    def requests_for(self, rate: float, relaxation: float) -> int:
        """How many a trial has at this rate whose queue forgets in `relaxation` requests."""
        asked = max(self.requests_at(rate), round(self.relaxations * relaxation / (1 - self.settle)))
        return max(self.min_requests, min(asked, round(rate * self.max_trial_s)))


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveConfig:
    """Which numbers of callers are tried."""

    concurrency: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    """Ascending; none leaves the curve out."""
    requests: int = 200
    """Of each level."""

    def __post_init__(self) -> None:
        if any(level < 1 for level in self.concurrency) or list(self.concurrency) != sorted(set(self.concurrency)):
            raise ConfigError(f"curve.concurrency={list(self.concurrency)}: numbers from 1 on, ascending")
        if self.requests < 1:
            raise ConfigError("curve.requests must be at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityConfig:
    """The configuration of the command, without backend, dataset and report."""

    slo: Objective = field(default_factory=Objective)
    """What must be kept."""
    search: Search = field(default_factory=Search)
    """How the rate is looked for."""
    curve: CurveConfig = field(default_factory=CurveConfig)
    """Which numbers of callers are tried."""
    decode_workers: int = 1
    """Threads that decode audio ahead."""

    def __post_init__(self) -> None:
        if self.decode_workers < 1:
            raise ConfigError("decode_workers must be at least 1")
        if self.search.start_rate is None and not self.curve.concurrency:
            raise ConfigError("without a concurrency curve the search needs search.start_rate=RATE")
        counted = int(self.search.min_requests * (1 - self.search.settle))
        for share in self.slo.limits:
            if counted < minimum_n(share):
                needed = int(minimum_n(share) / (1 - self.search.settle)) + 1
                raise ConfigError(
                    f"search.min_requests={self.search.min_requests}: too few for slo.p{100 * share:g}_ms; "
                    f"give {needed} or more"
                )


def capacity_config_from(settings: Mapping[str, Any]) -> CapacityConfig:
    """The configuration in `settings`; a wrong key or type is a ConfigError."""
    return CapacityConfig(
        slo=structure(Objective, settings.get("slo") or {}, "slo", ConfigError),
        search=structure(Search, settings.get("search") or {}, "search", ConfigError),
        curve=structure(CurveConfig, settings.get("curve") or {}, "curve", ConfigError),
        decode_workers=settings.get("decode_workers", 1),
    )
