"""One trial: a short load on an open backend, judged by the objective."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

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
from sv_eval.studies.capacity.config import ERRORS, Objective, Search
from sv_eval.studies.capacity.outcome import (
    BRACKET,
    OVERLOAD,
    RUNAWAY,
    Seen,
    Trial,
    growth_allowed,
    judged,
    trial_of,
)

_RESAMPLES = 100


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

    async def poisson(self, rate: float, seed: int, *, requests: int | None = None, phase: str = BRACKET) -> Trial:
        """A Poisson load.

        In the bracket it ends early once the objective can no longer be kept. Later only where open requests run
        away: a trial that is to say how large a share is must not end because of it.
        """
        planned, records = requests or self.search.requests_at(rate), list[Record]()
        loop = self._loop(LoadConfig(schedule="poisson", rate=rate, seed=seed), records)
        settling, hopeless = self._settling(planned), list[str]()
        watch = Watch(self.objective, rate=rate, counted=planned - settling, total=planned, phase=phase)

        def on_record(record: Record) -> None:
            records.append(record)
            why = watch.hopeless(record, counted=len(records) > settling, so_far=len(records))
            if why is not None and not loop.stop.is_set():
                hopeless.append(why)
                loop.stop.set()

        loop.on_record = on_record
        await self._drive(loop, planned)
        found = self._trial(records, planned=planned, rate=rate, seed=seed, phase=phase)
        return judged(found, self.objective, hopeless, max_late_ms=self.search.max_late_ms)

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
        phase: str | None = None,
    ) -> Trial:
        compared = [one for one in records if one.failure is None and one.clip.id in self.answers]
        found = trial_of(
            Seen.of_records(records),
            self.objective,
            settling=self._settling(planned),
            planned=planned,
            schedule="closed" if rate is None else "poisson",
            rate=rate,
            concurrency=concurrency,
            seed=seed,
            requests=len(records),
            uar=self._uar(records),
            compared=len(compared),
            changed=sum(self.answers[one.clip.id] != _answer(one) for one in compared),
            phase=phase,
        )
        return replace(found, failed=sum(one.failure is not None for one in records))

    def _uar(self, records: Sequence[Record]) -> float | None:
        card, said = self.corpus.card, self.session.backend.capabilities.labels
        config = ScoringConfig(resamples=_RESAMPLES)
        scope = scope_of(RunRecords.of_records(records), config, label_order=card.label_order, supported=said)
        return scores_of(scope).policies[config.policy].uar.value


class Watch:
    """Says during a trial that the objective can no longer be kept."""

    def __init__(
        self, objective: Objective, *, rate: float, counted: int, total: int, phase: str = BRACKET
    ) -> None:
        self._objective, self._rate, self._total, self._phase = objective, rate, total, phase
        self._allowed = {share: counted - math.ceil(round(share * counted, 9)) for share in objective.limits}
        self._over = dict.fromkeys(objective.limits, 0)
        self._errors = 0
        self._slowest_s = max(objective.limits.values()) / 1000

    def hopeless(self, record: Record, *, counted: bool, so_far: int) -> str | None:
        """What has broken the objective for good with this record; None while it may still be kept."""
        if self._phase == OVERLOAD:
            return None
        if self._phase == BRACKET and (why := self._beyond(record, counted=counted)) is not None:
            return why
        now_s = (record.sent_s or 0.0) + (record.latency_ms or 0.0) / 1000
        planned = min(self._total, self._rate * now_s)
        # In balance no more are open than arrive while the slowest good answer takes (Little's law).
        often = 1 if self._phase == BRACKET else RUNAWAY
        most = often * self._rate * self._slowest_s + growth_allowed(self._total)
        return "backlog" if planned - so_far > most else None

    def _beyond(self, record: Record, *, counted: bool) -> str | None:
        if record.failure is not None:
            self._errors += 1
            return ERRORS if self._errors > self._objective.max_error_rate * self._total else None
        if counted and record.latency_ms is not None:
            for share, limit in self._objective.limits.items():
                self._over[share] += record.latency_ms > limit
                if self._over[share] > self._allowed[share]:
                    return self._objective.name_of(share)
        return None


def _answer(record: Record) -> str | None:
    prediction = record.prediction
    return None if prediction is None else prediction.label
