"""The one run loop: decoded clips go to the backend under a load plan, and records come out."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np

from sv_eval.backend import NO_ADJUSTMENTS, Adjustments, Answer, Backend, Location, Request, StreamingBackend
from sv_eval.data.audio.digest import taught_digests
from sv_eval.data.audio.listening import Listen
from sv_eval.data.corpus.source import AudioSource
from sv_eval.machine.clock import Clock, WallClock
from sv_eval.records import Clip, FailedAttempt, Failure, Heard, Outcome, Record, Streamed, Waveform, as_shared
from sv_eval.report.environment import WarmUp
from sv_eval.run.callers import Callers, DueClip, LeadTime
from sv_eval.run.guard import Call, Guard, checked
from sv_eval.run.load import LoadPlan, StreamPlan
from sv_eval.run.pauses import short_collections
from sv_eval.run.phases import is_stable
from sv_eval.run.prefetch import Decoded, Prefetcher, cut_batches
from sv_eval.run.streaming import stream_clip
from sv_eval.run.warming import candidates, chosen

_FIRST_ROUND = itertools.repeat(0)


@dataclass(slots=True, kw_only=True)
class RunLoop:
    """Recognises clips and hands each finished Record to `on_record`, in the event loop's thread."""

    backend: Backend
    """Entered already."""
    source: AudioSource
    """Where the clips' audio comes from."""
    plan: LoadPlan
    """How requests are put."""
    on_record: Callable[[Record], None]
    """Called once for every clip; what it raises ends the run."""
    session: int = 0
    """Written into every record."""
    decode_workers: int = 1
    """Threads that decode ahead."""
    listen: Listen | None = None
    """Adds to the facts of each clip's sound."""
    key_of: Callable[[Clip], str | None] | None = None
    """What stands for a clip's samples, so that the first round's answers may be put together from shared work."""
    adjusted: Callable[[Clip], Adjustments] | None = None
    """What is asked of a clip beside its language."""
    placed: Callable[[Clip], Location] | None = None
    """Tells where clips lie that the backend's workers read themselves; None where they are read here."""
    clock: Clock = field(default_factory=WallClock)
    """What latency is read from."""
    _origin_s: float = 0.0
    _guard: Guard = field(init=False)
    _lead_time: LeadTime = field(default_factory=LeadTime)
    _told: bool = field(init=False)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    """Set it to end early: what is in flight is finished and recorded, nothing new is begun."""

    def __post_init__(self) -> None:
        self._guard = Guard(self.backend.recognize, self.clock)
        # Asked once: some backends make their capabilities anew each time.
        self._told = self.backend.capabilities.needs_reference

    async def warm_up(self, clips: Sequence[Clip], *, tolerance: float = 0.1, max_s: float = 10.0) -> WarmUp:
        """Recognise a few clips again and again until it takes equally long, and forget the answers.

        Failures are left to the run to record.
        """
        begin, windows, asked = self.clock.now(), list[float](), 0
        with self._prefetcher(candidates(clips, self.plan.warmup_clips)) as prefetcher:
            heard = chosen([item async for item in prefetcher.stream()], self.plan.warmup_clips)
        if not heard:
            return WarmUp(
                first_answer_ms=None, windows_ms=(), clips=0, wall_s=self.clock.now() - begin, stable=None
            )
        # The median: neither end says what a first answer takes.
        first_ms = await self._pass_over([heard[len(heard) // 2]])
        while not self.stop.is_set():
            windows.append(await self._pass_over(heard))
            asked += len(heard)
            if is_stable(windows, tolerance) or self.clock.now() - begin >= max_s:
                break
        asked += await self._side_by_side(heard)
        return WarmUp(
            first_answer_ms=first_ms,
            windows_ms=tuple(windows),
            clips=1 + asked,
            wall_s=self.clock.now() - begin,
            stable=is_stable(windows, tolerance),
        )

    async def _pass_over(self, items: Sequence[Decoded]) -> float:
        """Recognise clips batch by batch; the milliseconds it took."""
        begin, size = self.clock.now(), self.plan.batch_size
        for place in range(0, len(items), size):
            if not self.stop.is_set():
                turn_s = self.clock.now()
                answers = await self._guard.ask(self._requests(items[place : place + size], alone=True))
                if answers[0].passage is not None:
                    self._lead_time.took(answers[0].passage.begin_s - turn_s)
        return (self.clock.now() - begin) * 1000

    async def _side_by_side(self, items: Sequence[Decoded]) -> int:
        """Make calls all at once, as the measurement will, so that it finds connections and memory; clips asked.

        Calls of several clips are as large as any to come: whole, and with the longest clip, the first of `items`.
        """
        size = self.plan.batch_size
        if self.stop.is_set() or (self.plan.several < 2 and size == 1):
            return 0
        several = max(self.plan.several, 1)
        if size > 1:
            calls = [list(itertools.islice(itertools.cycle(items), size))] * several
        else:
            calls = [[items[number % len(items)]] for number in range(several)]
        await asyncio.gather(*(self._guard.ask(self._requests(call, alone=True)) for call in calls))
        return size * len(calls)

    async def run(self, clips: Iterable[Clip], *, rounds: Iterable[int] = _FIRST_ROUND) -> None:
        """Recognise every clip; `rounds` says of each how often it came before.

        Raises what `on_record` raises, and BackendLost.
        """
        if self.placed is not None:
            with short_collections():
                unread = _unread(clips, rounds)
                await self._overlap(
                    cut_batches(unread, batch_size=self.plan.batch_size, window=self.plan.batch_size)
                )
            return
        with short_collections(), self._prefetcher(clips, rounds, self.listen) as prefetcher:
            if not self._guard.calls:
                # Several runs of one loop share a clock, so that their records can be put in order.
                self._origin_s = self.clock.now()
            batches = cut_batches(prefetcher.stream(), batch_size=self.plan.batch_size, window=self.plan.window)
            if self.plan.arrivals is not None or self.plan.callers is not None:
                await self._called(prefetcher.stream())
            elif self.plan.in_flight == 1:
                async for batch in batches:
                    if self.stop.is_set():
                        break
                    await self._finish(batch)
            else:
                await self._overlap(batches)

    async def _called(self, stream: AsyncIterator[Decoded]) -> None:
        """Send clips one by one, by a plan of moments or by callers who wait."""
        callers, plan = Callers(clock=self.clock, stop=self.stop, lead_time=self._lead_time), self.plan
        # However many are due: no more calls are open than the backend takes.
        places = asyncio.Semaphore(plan.in_flight)

        async def send(due: DueClip) -> None:
            await self._finish_due(due, places)

        if plan.arrivals is not None:
            await callers.by_plan(stream, plan.arrivals, send)
        elif plan.together:
            await callers.by_queries(stream, send, size=plan.callers or 1)
        else:
            await callers.by_callers(stream, send, callers=plan.callers or 1, think_s=plan.think_s)

    async def _finish_due(self, due: DueClip, places: asyncio.Semaphore) -> None:
        """Recognise a clip whose turn has come, its latency counted from when it was due."""
        item = due.item
        if item.waveform is None:
            self._record(item, item.failure or Failure(kind="unknown", message="no audio"), None)
            return
        at_once = not places.locked()
        from_sending = due.waits and at_once
        asked = self._requests([item], planned_s=due.planned_s, from_sending=from_sending)
        async with places:
            number = self._guard.number()
            (answer,) = await self._guard.ask(asked)
        if answer.passage is not None and due.turn_s is not None and at_once:
            self._lead_time.took(answer.passage.begin_s - due.turn_s)
        made = _Call(
            number if due.call is None else due.call,
            due.planned_s - self._origin_s,
            (self.clock.now() - due.planned_s) * 1000,
            1,
            late_ms=due.late_ms,
        )
        # Where it was planned, the call begins when it was due, however long it then waited for its turn.
        self._record(item, answer, self._travelled(answer, made, begun_s=None if from_sending else made.sent_s))

    async def _overlap(self, batches: AsyncIterator[list[Decoded]]) -> None:
        """Keep as many calls open as planned; an error of one ends the run once the others are finished."""
        open_calls: set[asyncio.Task[None]] = set()
        errors: list[BaseException] = []
        async for batch in batches:
            if self.stop.is_set():
                break
            if len(open_calls) >= self.plan.in_flight:
                done, open_calls = await asyncio.wait(open_calls, return_when=asyncio.FIRST_COMPLETED)
                errors += [error for task in done if (error := task.exception()) is not None]
                if errors:
                    break
            open_calls.add(asyncio.create_task(self._finish(batch)))
        results = await asyncio.gather(*open_calls, return_exceptions=True)
        errors += [result for result in results if isinstance(result, BaseException)]
        if errors:
            raise errors[0]

    def _prefetcher(
        self, clips: Iterable[Clip], rounds: Iterable[int] = _FIRST_ROUND, listen: Listen | None = None
    ) -> Prefetcher:
        ahead = max(2 * self.plan.window, 2 * self.plan.batch_size * self.plan.in_flight, 8)
        return Prefetcher(
            clips,
            self.source,
            workers=self.decode_workers,
            listen=listen,
            ahead=ahead,
            keep_encoded=self.backend.capabilities.needs_encoded,
            rounds=rounds,
            taught=taught_digests(self.backend.info.card),
        )

    def _requests(
        self,
        batch: Sequence[Decoded],
        *,
        alone: bool = False,
        planned_s: float | None = None,
        from_sending: bool = False,
    ) -> list[Request]:
        return [
            Request(
                clip_id=item.clip.id,
                waveform=item.waveform,
                reference=item.clip.reference if self._told else None,
                dimensions=item.clip.dimensions if self._told else None,
                adjustments=self._adjustments(item.clip),
                audio_key=None if alone else self._shared_key(item),
                planned_s=planned_s,
                from_sending=from_sending,
                location=self.placed(item.clip) if self.placed is not None and item.waveform is _UNREAD else None,
            )
            for item in batch
            if item.waveform is not None
        ]

    def _adjustments(self, clip: Clip) -> Adjustments:
        language = _adjustments(clip.language, self.plan.languages)
        if self.adjusted is None:
            return language
        asked = self.adjusted(clip)
        return replace(language, **{name: getattr(asked, name) for name in asked.asked})

    def _shared_key(self, item: Decoded) -> str | None:
        """What stands for the clip's samples where its work may be shared; later rounds are for latency."""
        return self.key_of(item.clip) if self.key_of is not None and item.round == 0 else None

    async def _finish(self, batch: Sequence[Decoded]) -> None:
        """Recognise one batch and record each of its clips."""
        if batch[0].waveform is None:
            for item in batch:
                self._record(item, item.failure or Failure(kind="unknown", message="no audio"), None)
            return
        if self.plan.stream is not None:
            await self._finish_stream(batch[0], self.plan.stream)
            return
        items, last, made = iter(batch), None, None
        async for answer, call in self._guard.each(self._requests(batch)):
            if made is None or call is not last:
                last, made = call, self._made(call)
            # A call that was made again has its own time, whatever the first one met on its way.
            told = made if call.attempts > 1 else self._travelled(answer, made)
            self._record(next(items), answer, told)

    def _made(self, call: Call) -> _Call:
        sent_s = call.begin_s - self._origin_s
        return _Call(call.number, sent_s, call.latency_ms, call.size, attempts=call.attempts)

    async def _finish_stream(self, item: Decoded, plan: StreamPlan) -> None:
        """Recognise one clip piece by piece and record it."""
        (request,) = self._requests([item])
        call = self._guard.number()
        if (wait_s := plan.start_s(call)) > 0:
            await self.clock.wait_until(self.clock.now() + wait_s)
        begin = self.clock.now()
        # The plan holds a stream only for a backend that declares that it streams.
        out = await stream_clip(cast("StreamingBackend", self.backend), request, plan, self.clock)
        made = _Call(call, begin - self._origin_s, out.latency_ms, 1, late_ms=out.late_ms)
        self._record(item, checked(out.answer), made, out.streamed)

    def _travelled(self, answer: Answer, made: _Call, *, begun_s: float | None = None) -> _Call:
        """The call as the backend itself timed it, where it knows when a request really went out.

        begun_s: when it began all the same.
        """
        passage = answer.passage
        if passage is None:
            return made
        return replace(
            made,
            sent_s=passage.begin_s - self._origin_s if begun_s is None else begun_s,
            latency_ms=passage.latency_ms,
            attempts=passage.attempts,
            troubles=passage.troubles,
        )

    def _record(self, item: Decoded, answer: Answer, made: _Call | None, streamed: Streamed | None = None) -> None:
        failure = answer if isinstance(answer, Failure) else None
        prediction = None if isinstance(answer, Failure) else answer
        heard = None if answer.passage is None else answer.passage.heard
        if heard is None:
            sound = None if item.waveform is None else item.waveform
            heard = Heard(
                audio_s=None if sound is None else sound.duration_s,
                decode_ms=item.decode_ms,
                marks=() if sound is None else sound.marks,
                sound=item.sound,
            )
        elif heard.audio_s is None:
            # Nobody was asked about it.
            made = None
        attempts = 1 if made is None else made.attempts
        record = Record(
            clip=item.clip,
            outcome=Outcome.FAILURE if prediction is None else prediction.outcome,
            prediction=prediction,
            failure=failure,
            latency_ms=None if made is None else made.latency_ms,
            audio_s=heard.audio_s,
            decode_ms=heard.decode_ms,
            batch_size=1 if made is None else made.batch_size,
            attempts=attempts if failure is None else max(attempts, failure.attempts),
            session=self.session,
            call=None if made is None else made.number,
            sent_s=None if made is None else made.sent_s,
            streamed=streamed,
            troubles=() if made is None else made.troubles,
            late_ms=None if made is None else made.late_ms,
            round=item.round,
            marks=heard.marks,
            sound=heard.sound,
        )
        # Where part of the work may have been done before, there is no time to tell.
        shared = made is not None and self._shared_key(item) is not None
        self.on_record(as_shared(record) if shared else record)


_UNREAD = Waveform(samples=np.zeros(0, np.float32))
"""Stands for the sound of a clip that is read elsewhere."""


async def _unread(clips: Iterable[Clip], rounds: Iterable[int]) -> AsyncIterator[Decoded]:
    """The clips, none of them read."""
    for clip, number in zip(clips, rounds, strict=False):
        yield Decoded(clip=clip, waveform=_UNREAD, failure=None, decode_ms=0.0, round=number)


@dataclass(frozen=True, slots=True)
class _Call:
    """One call to the backend, as its records tell of it."""

    number: int
    sent_s: float
    latency_ms: float
    batch_size: int
    attempts: int = 1
    troubles: tuple[FailedAttempt, ...] = ()
    late_ms: float | None = None


def _adjustments(language: str | None, known: Sequence[str]) -> Adjustments:
    """The clip's language, where requests name one and the recogniser knows it: `zh` for `zh-CN`."""
    primary = (language or "").partition("-")[0].casefold()
    return Adjustments(language=primary) if primary in known else NO_ADJUSTMENTS
