"""The parts of a report that tell how fast the answers came."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from sv_eval.report.interval import Interval, Rounded
from sv_eval.report.reasons import Why


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoPercentiles:
    """The percentiles that every part of a run has."""

    p50: Interval
    """Median."""
    p95: Interval
    """95th percentile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded:
    """Records that do not enter latency, each counted once, for the first reason that applies."""

    resumed: int
    """Measured in another session than the one that counts."""
    retried: int
    """Answered, but not at the first attempt."""
    failed: int
    """No answer."""
    unmeasured: int
    """Answered without asking the backend, so without a latency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """The answers that took more than one attempt."""

    n: int
    """How many."""
    p50: Interval
    """Their median, milliseconds, waits between attempts included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited(Rounded):
    """What callers waited, milliseconds: all answers, whatever attempts and starts of the run they took."""

    n: int
    """Answers, that is clips."""
    n_calls: int
    """The calls that answered them."""
    p50: Interval
    """Median."""
    p95: Interval
    """95th percentile."""
    p99: Interval
    """99th percentile."""
    mean: float | None
    """Mean over calls."""
    max: float | None
    """Largest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDependence(Rounded):
    """How much calls depend on each other, and what their bounds allow for."""

    in_order: bool
    """Whether the order of sending is known; where not, calls count as independent of their neighbours."""
    lag_1: float | None
    """Correlation of a call's latency with the next one's, by rank; null where the order is not known."""
    distinct: int
    """How many different clips (or batches of clips) were asked about."""
    worth_p50: float
    """As how many independent calls the bounds of the median take them."""
    worth_p95: float
    """The same of the 95th percentile."""
    notable: bool
    """Whether a reader should be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """The distribution of latency, a count a clean call."""

    edges_ms: tuple[float, ...]
    """The bins' edges, milliseconds, one more than there are bins."""
    counts: tuple[int, ...]
    """Calls in each bin."""
    beyond: int
    """Calls of the last bin that lie above it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window(Rounded):
    """A tenth of a run's time."""

    from_s: float
    """When it begins, seconds."""
    n: int
    """Calls in it."""
    p50: float | None
    """Their median, milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift(Rounded):
    """How the latency changed in the course of the run."""

    change: float | None
    """The median of the last third over that of the first, less 1."""
    notable: bool
    """Whether a reader should be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Modes(Rounded):
    """Whether the latencies fall into two groups."""

    explained: float | None
    """The share of the variance that lies between the groups."""
    low_ms: float | UnsetType | None = UNSET
    """Median of the faster group."""
    high_ms: float | UnsetType | None = UNSET
    """Median of the slower group."""
    share_high: float | UnsetType | None = UNSET
    """The slower group's share of the calls."""
    notable: bool
    """Whether a reader should be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyOutliers(Rounded):
    """Latencies far beyond the rest."""

    n: int
    """How many."""
    above_ms: float | None
    """From where on a value is one of them."""
    notable: bool
    """Whether a reader should be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyStability:
    """Signs that one figure does not tell a run's latency; null where there are too few calls to see any."""

    over_time: tuple[Window, ...] = ()
    """Up to ten windows of equal length."""
    drift: Drift | None = None
    """Over the run."""
    modes: Modes | None = None
    """Two groups."""
    strays: LatencyOutliers | None = None
    """Single values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency(Rounded):
    """Latency of one run, milliseconds: of its clean calls."""

    n: int
    """Clean records, that is clips."""
    n_calls: int
    """The calls that answered them: independent measurements."""
    session: int | None
    """The start of the run that they are from; null without clean records."""
    p50: Interval
    """Median."""
    p90: Interval
    """90th percentile."""
    p95: Interval
    """95th percentile."""
    p99: Interval
    """99th percentile."""
    mean: float | None
    """Mean over calls."""
    min: float | None
    """Smallest."""
    max: float | None
    """Largest."""
    reason: Why | UnsetType = UNSET
    """Why nothing is to be had, where that is so."""
    retried: Retried | UnsetType = UNSET
    """What was answered at a later attempt; not set where nothing was."""
    excluded: Excluded
    """What was left out."""
    waited: Waited | UnsetType = UNSET
    """What callers waited; not set by earlier versions."""
    dependence: CallDependence | UnsetType | None = UNSET
    """How much calls depend on each other; null where there are too few to tell, not set by earlier versions."""
    histogram: Histogram | None
    """The distribution; null without calls."""
    over_time: tuple[Window, ...]
    """Up to ten windows of equal length."""
    drift: Drift | None
    """How it changed in the course of the run; null where there are too few calls to tell."""
    modes: Modes | None
    """Whether it has two modes."""
    strays: LatencyOutliers | None
    """Whether it has stray values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DurationBin(Rounded):
    """Latency of the clips of one range of audio lengths."""

    label: str
    """The range, for people."""
    low_s: float
    """Its lower edge, seconds, included."""
    high_s: float | None
    """Its upper edge, seconds, not included; null for the open last one."""
    n: int
    """Clean records in it."""
    n_calls: int
    """The calls that hold one of them."""
    p50: Interval
    """Median, milliseconds."""
    p95: Interval
    """95th percentile, milliseconds."""
    rtf: float | None
    """Seconds of call per second of audio; null where calls were shared or overlapped."""
    rtf_reason: Why | UnsetType = UNSET
    """Why there is no `rtf`, though there are clean records."""
    reason: Why | UnsetType = UNSET
    """Why there is nothing in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTimes(Rounded):
    """Where the time went: one stage, milliseconds."""

    n: int
    """Clean records that have it."""
    mean: float | None
    """The mean of their calls."""
    p50: Interval
    """Median."""
    p95: Interval
    """95th percentile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness(Rounded):
    """How late requests were sent, milliseconds."""

    p50: float | None
    """Median."""
    p99: float | None
    """99th percentile."""
    max: float | None
    """The most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goodput(Rounded):
    """What was answered within an objective."""

    slo_ms: float
    """The objective, milliseconds."""
    kept: int
    """Requests answered within it."""
    of: int
    """All requests."""
    share: float | None
    """The one over the other."""
    per_s: float | None
    """Requests answered within it, a second."""
    reason: Why | UnsetType = UNSET
    """Why there is no share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load(Rounded):
    """What load a run put on its backend, and whether the generator kept to its plan."""

    sent_per_s: float | None
    """Requests sent a second."""
    answered_per_s: float | None
    """Requests answered a second."""
    most_open: int | None
    """The most requests that were open at once."""
    late_ms: Lateness | None
    """How late sending was; null without a plan."""
    fell_behind: bool | UnsetType = UNSET
    """Whether it was so late that latency is no result; not set without a plan."""
    goodput: Goodput | UnsetType = UNSET
    """Not set without an objective."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedClip:
    """A clip whose answer was not the same each time."""

    clip: str
    """Its id."""
    answers: tuple[str, ...]
    """The answers that it got."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """What several rounds over the same clips say."""

    requests: int
    """Requests that were repeats."""
    clips_changed: int
    """Clips whose answer was not the same each time."""
    examples: tuple[ChangedClip, ...]
    """The first few of them."""
