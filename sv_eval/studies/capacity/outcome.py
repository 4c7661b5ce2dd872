"""What a trial found: its figures, from when requests were sent and answered, and its verdict."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.records import Record
from sv_eval.scoring.dependence import autocorrelation_time
from sv_eval.scoring.percentiles import nearest_rank
from sv_eval.studies.capacity.config import ERRORS, Objective

KEPT, BROKEN, UNTOLD = "kept", "broken", "untold"
"""A trial's verdicts: the objective was kept; it was not; the trial can't tell."""
BRACKET, MEASURE, OVERLOAD, CONFIRM = "bracket", "measure", "overload", "confirm"
"""What a trial of the search is for."""
REFUSALS = ("overloaded", "rate_limited")
"""The kinds of failure by which a service says that it takes no more: status 503 and 429."""

RUNAWAY = 4
"""Beyond so many times the open requests that the objective allows in balance, a trial ends whatever it is for.
Where waiting has an exponential tail, one in 0.05^4 moments is like that at the capacity."""

_GRID = 50
_FLOW = (0.2, 20)
"""The flow of answers is counted from this share of the sending on, in so many stretches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The requests of a trial, in order of sending."""

    sent_s: NDArray[np.float64]
    """When each was planned or sent, seconds."""
    latency_ms: NDArray[np.float64]
    """How long it took."""
    failed: NDArray[np.bool_]
    """Whether it got no answer."""
    refused: NDArray[np.bool_]
    """Whether an attempt at it was refused, whatever came of the next one."""
    attempts: NDArray[np.int64]
    """How often it was tried."""
    late_ms: NDArray[np.float64]
    """How late it was sent; empty without a plan."""
    kinds: Mapping[str, int]
    """Kinds of failed attempts, with their numbers."""

    @classmethod
    def of_records(cls, records: Sequence[Record]) -> Seen:
        """Those of a run's records that were timed."""
        timed = sorted((one for one in records if one.sent_s is not None), key=lambda one: one.sent_s or 0.0)
        kinds = [_kinds(one) for one in timed]
        return cls(
            sent_s=np.array([one.sent_s for one in timed], dtype=np.float64),
            latency_ms=np.array([one.latency_ms or 0.0 for one in timed], dtype=np.float64),
            failed=np.array([one.failure is not None for one in timed], dtype=bool),
            refused=np.array([any(kind in REFUSALS for kind in each) for each in kinds], dtype=bool),
            attempts=np.array([one.attempts for one in timed], dtype=np.int64),
            late_ms=np.array([one.late_ms for one in timed if one.late_ms is not None], dtype=np.float64),
            kinds=dict(Counter(kind for each in kinds for kind in each).most_common()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What one trial found."""

    schedule: str
    """`poisson` or `closed`."""
    rate: float | None
    """Planned requests a second; None for a closed loop."""
    concurrency: int | None
    """Callers; None for an open loop."""
    seed: int
    """Of the moments of sending."""
    planned: int
    """Requests that it was to have."""
    requests: int
    """Those that were made."""
    failed: int
    """Those without an answer."""
    sent_per_s: float | None
    """Requests made a second."""
    answered_per_s: float | None
    """Answers a second, from the first request to the last answer."""
    goodput_per_s: float | None
    """Answers within every limit of the objective, a second."""
    p50_ms: float | None
    """Median latency of the counted requests, milliseconds; None without any."""
    p95_ms: float | None
    """95th percentile."""
    p99_ms: float | None
    """99th percentile."""
    backlog_growth: float | None
    """By how many open requests the backlog grew over the counted part, by a straight line through it."""
    late_p99_ms: float | None
    """How late sending was, 99th percentile; None for a closed loop."""
    uar: float | None
    """Unweighted average recall of the first answer to each clip."""
    compared: int
    """Answers to clips whose answer without load is known."""
    changed: int
    """Those of them that differ from it."""
    counted: int = 0
    """Requests after those of the beginning."""
    over: Mapping[str, int] = field(default_factory=dict)
    """How many of them were above each limit, by part of the objective; `errors`: how many failed."""
    relaxation: float | None = None
    """As many requests after each other tell as much as an independent one: the autocorrelation time (Wolff 2004)
    of the logarithms of latency, of being over a limit, or of failures, whichever is the longest. A queue's is long
    where it is nearly full."""
    attempts: float | None = None
    """Attempts a request, on average."""
    retried: int = 0
    """Requests that were tried more than once."""
    refused: int = 0
    """Requests of which an attempt was refused (429, 503), answered afterwards or not."""
    kinds: Mapping[str, int] = field(default_factory=dict)
    """Kinds of failed attempts, with their numbers."""
    flow_per_s: float | None = None
    """Answers a second while requests were sent, without the first fifth of that time."""
    flow_error: float | None = None
    """The standard error of that, by its differences between twenty stretches."""
    phase: str | None = None
    """What it was for: `bracket`, `measure`, `overload` or `confirm`; None for a closed loop."""
    verdict: str | None = None
    """KEPT, BROKEN or UNTOLD; None for a closed loop, which is not judged."""
    why: str | None = None
    """What broke the objective, or ended the trial early."""

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            name: round(value, 6) if isinstance(value, float) else value for name, value in asdict(self).items()
        }

    @property
    def ended_early(self) -> bool:
        """Whether fewer requests were made than planned."""
        return self.requests < self.planned

    def share_over(self, part: str) -> float | None:
        """The share of counted requests that broke a part of the objective."""
        return self.over[part] / self.counted if self.counted and part in self.over else None


def trial_of(seen: Seen, objective: Objective, *, settling: int, planned: int, **told: Any) -> Trial:
    """What a trial found by what was seen of its requests; the first `settling` of them are not counted.

    told: what else its Trial is to say.
    """
    sent, took, failed = seen.sent_s, seen.latency_ms, seen.failed
    several = len(sent) > 1
    counted = np.arange(len(sent)) >= settling
    values = took[counted & ~failed]
    good = ~failed & (took <= max(objective.limits.values()))
    span_s = float((sent + took / 1000).max() - sent[0]) if several else 0.0
    flow = _flow(seen)
    over = {objective.name_of(share): int((values > limit).sum()) for share, limit in objective.limits.items()}
    return Trial(
        planned=planned,
        failed=int(failed.sum()),
        sent_per_s=(len(sent) - 1) / float(np.ptp(sent)) if several and np.ptp(sent) > 0 else None,
        answered_per_s=float((~failed).sum()) / span_s if span_s > 0 else None,
        goodput_per_s=float(good.sum()) / span_s if span_s > 0 else None,
        p50_ms=_rank(values, 0.5),
        p95_ms=_rank(values, 0.95),
        p99_ms=_rank(values, 0.99),
        backlog_growth=backlog_growth(sent[counted], took[counted]),
        late_p99_ms=_rank(seen.late_ms, 0.99),
        counted=int(counted.sum()),
        over=over | {ERRORS: int(failed[counted].sum())},
        relaxation=_relaxation(values, list(objective.limits.values()), failed[counted]),
        attempts=float(seen.attempts.mean()) if len(sent) else None,
        retried=int((seen.attempts > 1).sum()),
        refused=int(seen.refused.sum()),
        kinds=seen.kinds,
        flow_per_s=None if flow is None else flow[0],
        flow_error=None if flow is None else flow[1],
        **told,
    )


def judged(trial: Trial, objective: Objective, hopeless: Sequence[str], *, max_late_ms: float) -> Trial:
    """The trial with its verdict; `hopeless`: why it ended early, if it did."""
    verdict, why = judge(trial, objective, max_late_ms=max_late_ms)
    if hopeless and verdict == KEPT:
        verdict, why = BROKEN, hopeless[0]
    return replace(trial, verdict=verdict, why=why)


def judge(trial: Trial, objective: Objective, *, max_late_ms: float) -> tuple[str, str | None]:
    """The verdict on an open-loop trial, and what it is for.

    A generator that fell behind says nothing, save where the objective would be broken without its lateness too: a
    model that is saturated on the generator's own processor holds up both.
    """
    values: Mapping[float, float | None] = {0.5: trial.p50_ms, 0.95: trial.p95_ms, 0.99: trial.p99_ms}
    late_ms = trial.late_p99_ms or 0.0
    behind = late_ms > max_late_ms
    if trial.failed > objective.max_error_rate * trial.requests:
        return BROKEN, ERRORS
    for share, limit in objective.limits.items():
        value = values[share]
        if value is None or value - (late_ms if behind else 0.0) > limit:
            return BROKEN, objective.name_of(share)
    if behind:
        return UNTOLD, "generator"
    if trial.backlog_growth is not None and trial.backlog_growth > growth_allowed(trial.requests):
        return BROKEN, "backlog"
    return KEPT, None


def growth_allowed(requests: int) -> float:
    """How much the backlog may grow by chance: a twentieth of the requests, or thrice the root of their number.

    A queue in balance wanders, by about the root of the number of requests while it is nearly full.
    """
    return max(0.05 * requests, 3 * math.sqrt(requests))


def backlog_growth(sent_s: NDArray[np.float64], latency_ms: NDArray[np.float64]) -> float | None:
    """The growth of the number of open requests between the first and the last sending, by least squares.

    Requests in order of sending. None for fewer than two.

    >>> sent = np.arange(0.0, 100.0, 0.1)
    >>> round(backlog_growth(sent, np.full(1000, 500.0)), 1), round(backlog_growth(sent, 100 * sent), 0)
    (0.0, 90.0)
    """
    if len(sent_s) < 2 or sent_s[-1] <= sent_s[0]:
        return None
    ends = np.sort(sent_s + latency_ms / 1000)
    span = float(sent_s[-1] - sent_s[0])
    # The first answers fill the backlog up to its level; they are the time that answers take anyway.
    begin = sent_s[0] + min(span / 2, float(np.median(latency_ms[: max(1, len(latency_ms) // 10)])) / 1000)
    grid = np.linspace(begin, sent_s[-1], _GRID)
    backlog = np.searchsorted(sent_s, grid, side="right") - np.searchsorted(ends, grid, side="right")
    slope = float(np.polyfit(grid, backlog, 1)[0])
    return slope * float(sent_s[-1] - begin)


def _flow(seen: Seen) -> tuple[float, float] | None:
    """Answers a second while the server could be kept busy, and the standard error."""
    first, stretches = _FLOW
    if len(seen.sent_s) < 2:
        return None
    begin, end = float(seen.sent_s[0]), float(seen.sent_s[-1])
    edges = np.linspace(begin + first * (end - begin), end, stretches + 1)
    ends = (seen.sent_s + seen.latency_ms / 1000)[~seen.failed]
    counts = np.histogram(ends, edges)[0] / (edges[1] - edges[0]) if end > begin else np.zeros(0)
    if not counts.sum():
        return None
    return float(counts.mean()), float(counts.std(ddof=1)) / math.sqrt(stretches)


def _relaxation(
    latency_ms: NDArray[np.float64], limits_ms: Sequence[float], failed: NDArray[np.bool_]
) -> float | None:
    """The longest of what latencies, those over a limit, and failures have.

    Where most of a latency is the service's own time, the queue's slow part hides in it, and shows in what is over
    the limit; and a full queue refuses several in a row.
    """
    if len(latency_ms) < 2:
        return None
    over = [latency_ms > limit for limit in limits_ms]
    events = [each.astype(np.float64) for each in (*over, failed) if each.any() and not each.all()]
    return max(autocorrelation_time(each)[0] for each in (np.log(np.maximum(latency_ms, 1e-3)), *events))


def _rank(values: NDArray[np.float64], share: float) -> float | None:
    return nearest_rank(values, share) if len(values) else None


def _kinds(record: Record) -> list[str]:
    last = [] if record.failure is None else [record.failure.kind]
    return [*(one.kind for one in record.troubles), *last]
