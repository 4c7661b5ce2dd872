"""One clip's way to the endpoint and back: attempts, waits between them, and an account of its time."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import tenacity

from sv_eval.backend import Answer
from sv_eval.backends.remote.answer_parsing import LONGEST_WORD, AnswerParser, ParsedAnswer, understood
from sv_eval.backends.remote.dialect import Transport
from sv_eval.backends.remote.endpoint import Endpoint
from sv_eval.backends.remote.errors import CONGESTION, RemoteError
from sv_eval.backends.remote.throttle import RateLimiter, Throttle
from sv_eval.backends.remote.timeline import Timeline
from sv_eval.records import FailedAttempt, Failure, Passage, Prediction


class Delivery:
    """Sends clips, as many at once as the throttle lets through.

    model: the one that is expected to answer, as answers name it; None where that is not known.
    """

    def __init__(
        self,
        transport: Transport,
        parser: AnswerParser,
        endpoint: Endpoint,
        throttle: Throttle,
        pace: RateLimiter,
        *,
        model: str | None = None,
    ) -> None:
        self._transport, self._parser, self._endpoint = transport, parser, endpoint
        self._throttle, self._pace, self._model = throttle, pace, model
        limits = endpoint.connection
        self._backoff = tenacity.wait_random_exponential(multiplier=limits.backoff_s, max=limits.longest_backoff_s)

    async def deliver(
        self, message: Any, *, encode_ms: float, planned_s: float | None = None, from_sending: bool = False
    ) -> Answer:
        """The answer to a message, or the failure that remains after the last attempt.

        encode_ms: what making the message took. planned_s: when a schedule wanted it sent; from_sending: whether
        latency counts from when that is done all the same.
        """
        pending = _PendingRequest(message, planned_s, encode_ms, from_sending=from_sending)
        try:
            prediction = await self._attempt(pending)
        except RemoteError as error:
            # Nearly every clip is answered at once; only the others need the machinery of trying again.
            try:
                prediction = await self._again(pending, error)
            except RemoteError as last:
                return Failure(
                    kind=last.kind,
                    message=self._endpoint.cleared(str(last)),
                    attempts=pending.attempts,
                    passage=pending.passage(),
                )
        return prediction

    async def _again(self, pending: _PendingRequest, error: RemoteError) -> Prediction:
        first = [error]

        async def attempt() -> Prediction:
            # The attempt that has been made already is the first one that is counted.
            if first:
                raise first.pop()
            return await self._attempt(pending)

        def note(state: tenacity.RetryCallState) -> None:
            wrong = _wrong(state)
            pending.troubles.append(FailedAttempt(kind=wrong.kind, message=self._endpoint.cleared(str(wrong))))

        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(lambda wrong: isinstance(wrong, RemoteError) and wrong.transient),
            stop=self._enough,
            wait=self._wait,
            before_sleep=note,
            reraise=True,
        )
        found: Prediction = await retrying(attempt)
        return found

    def _enough(self, state: tenacity.RetryCallState) -> bool:
        """Whether to give up: too many attempts, or the server wants to be left alone for too long."""
        limits = self._endpoint.connection
        told_s = _wrong(state).retry_after_s or 0.0
        return state.attempt_number >= limits.attempts or told_s > limits.longest_backoff_s

    def _wait(self, state: tenacity.RetryCallState) -> float:
        return max(_wrong(state).retry_after_s or 0.0, self._backoff(state))

    async def _attempt(self, pending: _PendingRequest) -> Prediction:
        if pending.planned:
            # Who measures by a plan wants to see what the server does under it, and no mercy.
            return await self._sent(pending)
        await self._throttle.acquire()
        congested, latency_ms = False, None
        try:
            prediction = await self._sent(pending)
            latency_ms = pending.last_ms
        except RemoteError as error:
            congested = error.kind in CONGESTION
            raise
        finally:
            if latency_ms is None:
                self._throttle.failed(congested=congested)
            else:
                self._throttle.answered(latency_ms)
        return prediction

    async def _sent(self, pending: _PendingRequest) -> Prediction:
        await self._pace.turn()
        timeline = pending.next_attempt()
        parsed = await self._transport.ask(pending.message, timeline)
        pending.last_ms = (time.perf_counter() - timeline.outside_s - timeline.start_s) * 1000
        return self._read(parsed, pending, timeline)

    def _read(self, parsed: ParsedAnswer, pending: _PendingRequest, timeline: Timeline) -> Prediction:
        if parsed.server_ms:
            timeline.server_ms = dict(parsed.server_ms)
        stages = {"encode": pending.encode_ms, "queue": pending.queue_ms, **timeline.stages_ms()}
        with understood():
            prediction = self._parser.prediction(parsed, stages, pending.passage)
        if parsed.model and self._model and parsed.model != self._model:
            return replace(prediction, answered_by=parsed.model[:LONGEST_WORD])
        return prediction


class _PendingRequest:
    """A message on its way, with what has happened to it."""

    def __init__(
        self, message: Any, planned_s: float | None, encode_ms: float, *, from_sending: bool = False
    ) -> None:
        self.message, self.encode_ms, self._from_sending = message, encode_ms, from_sending
        self._planned_s, self._made_s = planned_s, time.perf_counter()
        self._timelines: list[Timeline] = []
        self.troubles: list[FailedAttempt] = []
        self.last_ms = 0.0
        """How long the last attempt took, milliseconds."""

    @property
    def planned(self) -> bool:
        """Whether a schedule said when it was to be sent."""
        return self._planned_s is not None

    @property
    def attempts(self) -> int:
        """How often it was sent."""
        return len(self._timelines)

    @property
    def queue_ms(self) -> float:
        """Milliseconds that it waited here for its first turn."""
        return max(0.0, self._timelines[0].begin_s - self._made_s) * 1000

    def next_attempt(self) -> Timeline:
        """A timeline for another attempt."""
        self._timelines.append(Timeline())
        return self._timelines[-1]

    def passage(self) -> Passage:
        """The account of it up to now, less what the answer lay here before it was read.

        Latency begins when it was planned to; where sending began a little earlier, or without a plan, with that.
        """
        begin_s = self._timelines[0].start_s if self._timelines else self._made_s
        from_s = begin_s if self._planned_s is None or self._from_sending else min(begin_s, self._planned_s)
        end_s = time.perf_counter() - (self._timelines[-1].outside_s if self._timelines else 0.0)
        return Passage(
            begin_s=begin_s,
            latency_ms=(end_s - from_s) * 1000,
            attempts=max(1, self.attempts),
            troubles=tuple(self.troubles),
        )


def _wrong(state: tenacity.RetryCallState) -> RemoteError:
    error = state.outcome.exception() if state.outcome is not None else None
    assert isinstance(error, RemoteError)
    return error
