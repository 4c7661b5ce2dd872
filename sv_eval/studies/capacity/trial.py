"""One trial: a short load on an open backend, judged by the objective."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.data.corpus.reading import Corpus
from sv_eval.errors import RunIncomplete
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Record
from sv_eval.run.load import LoadConfig, plan_load
from sv_eval.run.loop import RunLoop
from sv_eval.run.phases import all_rounds
from sv_eval.run.session import Session
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.policies import scores_of
from sv_eval.scoring.scope import scope_of
from sv_eval.studies.capacity.config import Objective, Search

KEPT, BROKEN, UNTOLD = "kept", "broken", "untold"
"""A trial's verdicts: the objective was kept; it was not; the generator fell behind, so nobody knows."""

_GRID = 50
_RESAMPLES = 100


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
    verdict: str | None = None
    """KEPT, BROKEN or UNTOLD; None for a closed loop, which is not judged."""
    why: str | None = None
    """What broke the objective, or ended the trial early."""

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            name: round(value, 6) if isinstance(value, float) else value for name, value in asdict(self).items()
        }


@dataclass(slots=True, kw_only=True)
class Bench:
    """An open backend and a corpus, ready for trials."""

    session: Session
    """With the backend, entered already."""
    corpus: Corpus
    """What is asked about, again and again."""
    objective: Objective
    """What trials are judged by."""
    search: Search
    """Length and limits of trials."""
    answers: dict[str, str | None] = field(default_factory=dict)
    """Each clip's answer without load, where it is known."""

    async def warm_up(self) -> None:
        """Recognise a few clips until it takes equally long."""
        load = LoadConfig()
        await self.session.warm_up(self._loop(load, []), self.corpus.clips, load)

    async def learn_answers(self, limit: int) -> None:
        """Ask about so many clips one after another; their answers are those without load."""
        records: list[Record] = []
        await self._loop(LoadConfig(schedule="single_stream"), records).run(self.corpus.clips[:limit])
        self.answers = {record.clip.id: _answer(record) for record in records if record.failure is None}

    async def closed(self, callers: int, requests: int) -> Trial:
        """So many callers who wait for their answers."""
        records: list[Record] = []
        config = LoadConfig(schedule="closed", concurrency=callers)
        await self._drive(self._loop(config, records), requests)
        return self._trial(records, planned=requests, concurrency=callers)

    async def poisson(self, rate: float, seed: int) -> Trial:
        """A Poisson load, ended early once the objective can no longer be kept."""
        requests, records = self.search.requests_at(rate), list[Record]()
        loop = self._loop(LoadConfig(schedule="poisson", rate=rate, seed=seed), records)
        watch = _Watch(self.objective, rate=rate, counted=requests - self._settling(requests), total=requests)
        settling, hopeless = self._settling(requests), list[str]()

        def on_record(record: Record) -> None:
            records.append(record)
            why = watch.hopeless(record, counted=len(records) > settling, so_far=len(records))
            if why is not None and not loop.stop.is_set():
                hopeless.append(why)
                loop.stop.set()

        loop.on_record = on_record
        await self._drive(loop, requests)
        return self._judged(self._trial(records, planned=requests, rate=rate, seed=seed), hopeless)

    async def _drive(self, loop: RunLoop, requests: int) -> None:
        turns = list(itertools.islice(all_rounds(self.corpus.clips, self.corpus.clips, None), requests))
        stopped = asyncio.ensure_future(self.session.stop.wait())
        stopped.add_done_callback(lambda _: loop.stop.set())
        try:
            await loop.run((clip for clip, _ in turns), rounds=(number for _, number in turns))
        finally:
            stopped.cancel()
        if self.session.stop.is_set():
            raise RunIncomplete("interrupted")

    def _loop(self, config: LoadConfig, records: list[Record]) -> RunLoop:
        # A trial may end early, and the session goes on.
        plan = plan_load(config, self.session.backend.capabilities)
        return self.session.loop(self.corpus.source, plan, records.append, stop=asyncio.Event())

    def _settling(self, requests: int) -> int:
        return int(requests * self.search.settle)

    def _trial(
        self,
        records: list[Record],
        *,
        planned: int,
        rate: float | None = None,
        concurrency: int | None = None,
        seed: int = 0,
    ) -> Trial:
        timed = sorted((one for one in records if one.sent_s is not None), key=lambda one: one.sent_s or 0.0)
        sent = np.array([one.sent_s for one in timed])
        took = np.array([one.latency_ms or 0.0 for one in timed])
        failed = np.array([one.failure is not None for one in timed], dtype=bool)
        late = [one.late_ms for one in timed if one.late_ms is not None]
        counted = np.arange(len(timed)) >= self._settling(planned)
        values = np.sort(took[counted & ~failed])
        good = ~failed & (took <= max(self.objective.limits.values()))
        span_s = float((sent + took / 1000).max() - sent[0]) if len(timed) > 1 else 0.0
        compared = [one for one in timed if one.failure is None and one.clip.id in self.answers]
        return Trial(
            schedule="closed" if rate is None else "poisson",
            rate=rate,
            concurrency=concurrency,
            seed=seed,
            planned=planned,
            requests=len(records),
            failed=sum(one.failure is not None for one in records),
            sent_per_s=(len(timed) - 1) / float(np.ptp(sent)) if len(timed) > 1 and np.ptp(sent) > 0 else None,
            answered_per_s=float((~failed).sum()) / span_s if span_s > 0 else None,
            goodput_per_s=float(good.sum()) / span_s if span_s > 0 else None,
            p50_ms=_rank(values, 0.5),
            p95_ms=_rank(values, 0.95),
            p99_ms=_rank(values, 0.99),
            backlog_growth=backlog_growth(sent[counted], took[counted]),
            late_p99_ms=_rank(np.sort(np.array(late)), 0.99),
            uar=self._uar(records),
            compared=len(compared),
            changed=sum(self.answers[one.clip.id] != _answer(one) for one in compared),
        )

    def _uar(self, records: Sequence[Record]) -> float | None:
        card, said = self.corpus.card, self.session.backend.capabilities.labels
        config = ScoringConfig(resamples=_RESAMPLES)
        scope = scope_of(RunRecords.of_records(records), config, label_order=card.label_order, supported=said)
        return scores_of(scope).policies[config.policy].uar.value

    def _judged(self, trial: Trial, hopeless: Sequence[str]) -> Trial:
        verdict, why = judge(trial, self.objective, max_late_ms=self.search.max_late_ms)
        if hopeless and verdict == KEPT:
            verdict, why = BROKEN, hopeless[0]
        return Trial(**{**asdict(trial), "verdict": verdict, "why": why})


def judge(trial: Trial, objective: Objective, *, max_late_ms: float) -> tuple[str, str | None]:
    """The verdict on an open-loop trial, and what it is for.

    A generator that fell behind says nothing, save where the objective would be broken without its lateness too: a
    model that is saturated on the generator's own processor holds up both.
    """
    values: Mapping[float, float | None] = {0.5: trial.p50_ms, 0.95: trial.p95_ms, 0.99: trial.p99_ms}
    late_ms = trial.late_p99_ms or 0.0
    behind = late_ms > max_late_ms
    if trial.failed > objective.max_error_rate * trial.requests:
        return BROKEN, "errors"
    for share, limit in objective.limits.items():
        value = values[share]
        if value is None or value - (late_ms if behind else 0.0) > limit:
            return BROKEN, f"p{100 * share:g}"
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


class _Watch:
    """Says during a trial that the objective can no longer be kept."""

    def __init__(self, objective: Objective, *, rate: float, counted: int, total: int) -> None:
        self._objective, self._rate, self._total = objective, rate, total
        self._allowed = {share: counted - math.ceil(round(share * counted, 9)) for share in objective.limits}
        self._over = dict.fromkeys(objective.limits, 0)
        self._errors = 0
        self._slowest_s = max(objective.limits.values()) / 1000

    def hopeless(self, record: Record, *, counted: bool, so_far: int) -> str | None:
        """What has broken the objective for good with this record; None while it may still be kept."""
        if record.failure is not None:
            self._errors += 1
            return "errors" if self._errors > self._objective.max_error_rate * self._total else None
        if counted and record.latency_ms is not None:
            for share, limit in self._objective.limits.items():
                self._over[share] += record.latency_ms > limit
                if self._over[share] > self._allowed[share]:
                    return f"p{100 * share:g}"
        now_s = (record.sent_s or 0.0) + (record.latency_ms or 0.0) / 1000
        planned = min(self._total, self._rate * now_s)
        # In balance no more are open than arrive while the slowest good answer takes (Little's law).
        most = self._rate * self._slowest_s + growth_allowed(self._total)
        return "backlog" if planned - so_far > most else None


def _rank(ranked: NDArray[np.float64], share: float) -> float | None:
    """The nearest-rank percentile of ascending values; None without any."""
    return float(ranked[math.ceil(round(share * len(ranked), 9)) - 1]) if len(ranked) else None


def _answer(record: Record) -> str | None:
    prediction = record.prediction
    return None if prediction is None else prediction.label
