"""What changed between two runs: as it was computed, and rounded as files have it. Shared by what compares runs."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, TypeVar

from msgspec import UNSET, UnsetType

from sv_eval.report.interval import Rounded
from sv_eval.report.reasons import Why


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactChange:
    """A `Change` as it was computed."""

    before: float | None
    """The earlier run's figure."""
    after: float | None
    """The later one's."""
    value: float | None
    """The later less the earlier; negative is worse."""
    low: float | None
    """Lower bound at the comparison's confidence, two-sided."""
    high: float | None
    """Upper bound."""
    error: float | None
    """Standard error; None where no spread can be seen."""
    p_worse: float | None
    """One-sided p-value of `it did not get worse`."""
    p_value: float | None
    """Two-sided p-value of `it did not change`."""
    n_clusters: int
    """Speakers (or clips without one) that it rests on."""
    method: str | None
    """How the error was found; None where none was."""
    reason: Why | UnsetType = UNSET
    """Why something is missing; not set where nothing is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(ExactChange, Rounded):
    """How much an accuracy figure changed from the earlier run to the later one; shares, so 0.01 is a point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactRatio:
    """A `RatioOfPercentiles` as it was computed."""

    percentile: float
    """Which, as a share: 0.95."""
    before_ms: float | None
    """The earlier run's, milliseconds."""
    after_ms: float | None
    """The later one's, milliseconds."""
    value: float | None
    """Their ratio; above 1 is slower."""
    low: float | None
    """Lower bound at the comparison's confidence, two-sided."""
    high: float | None
    """Upper bound."""
    p_slower: float | None
    """One-sided p-value of `it did not get slower`."""
    reason: Why | UnsetType = UNSET
    """Why something is missing; not set where nothing is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioOfPercentiles(ExactRatio, Rounded):
    """The later run's latency over the earlier one's."""


Written = TypeVar("Written", bound=Rounded)


def written(kind: type[Written], found: ExactChange | ExactRatio, **more: Any) -> Written:
    """What was found as a `kind`, which has its fields and those of `more`."""
    of = ExactChange if isinstance(found, ExactChange) else ExactRatio
    return kind(**{item.name: getattr(found, item.name) for item in fields(of)}, **more)


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivalence(Rounded):
    """Whether a difference is shown to be within a margin on either side."""

    margin: float
    """How much may lie between two runs that count as equally good, as a share."""
    p_value: float | None
    """Of two one-sided tests, the larger one; 0 where no clip turned, null where no spread can be seen."""
    verdict: Literal["equivalent", "different", "unknown"]
    """`equivalent`: within the margin at 5 %; `different`: not so, and a difference at 5 %; else `unknown`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RaterAgreement(Rounded):
    """How far two runs agree, whoever is right."""

    observed: float
    """The share of clips with the same answer."""
    kappa: float | None
    """Cohen's kappa; null where chance leaves nothing to agree on."""
    ac1: float | None
    """Gwet's AC1."""
