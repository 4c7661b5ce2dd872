"""A run as OpenTelemetry spans: its phases, and each request where that is asked for."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from sv_eval.machine.terminal import note
from sv_eval.machine.tracing import NAME, open_tracing
from sv_eval.records import Outcome, Record

_PARENT = "TRACEPARENT"
"""The variable by which whoever starts a run makes it part of a trace."""


_AT_ONCE = 100
"""Requests that are told before the collector is waited for: what does not fit into its queue would be lost."""


@dataclass(frozen=True, slots=True)
class _Request:
    """What a span tells of a request; less than a record, since all of them wait for the end."""

    begin_ns: int
    """When it began, nanoseconds since 1970."""
    end_ns: int
    """When its record was made."""
    attributes: Mapping[str, Any]
    """What it was."""
    stages_ms: Mapping[str, float]
    """The backend's own times, milliseconds."""
    failed: str | None
    """What went wrong; None for an answer."""


class RunSpans:
    """Spans below one for the whole run; without a provider it does nothing at all.

    provider: OpenTelemetry's, or None. requests: whether each request is a span, too. Those are made when a phase
    is over: that takes a few tenths of a millisecond each, which must be in no latency. patience_s: how long the
    collector may take for a part of them before the rest is given up.
    """

    def __init__(self, provider: Any = None, *, requests: bool = False, patience_s: float = 5.0) -> None:
        self._provider = provider
        self._tracer: Any = None if provider is None else provider.get_tracer(NAME)
        self._patience_s = patience_s
        self._requests = requests
        self._waiting: list[_Request] = []
        self._context: Any = None

    @contextmanager
    def whole(self, attributes: Mapping[str, Any]) -> Iterator[None]:
        """The span of the run; those that begin within it lie below."""
        if self._tracer is None:
            yield
            return
        from opentelemetry import trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        parent = TraceContextTextMapPropagator().extract({"traceparent": os.environ.get(_PARENT, "")})
        with self._tracer.start_as_current_span("run", context=parent, attributes=dict(attributes)) as span:
            # By name and not by the thread: an event loop may have one of its own.
            self._context = trace.set_span_in_context(span)
            yield

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """A span around a part of the run; what is raised in it marks it."""
        if self._tracer is None:
            yield
            return
        try:
            with self._tracer.start_as_current_span(name, context=self._context):
                yield
        finally:
            self._tell_waiting()

    def watched(self, on_record: Callable[[Record], None]) -> Callable[[Record], None]:
        """`on_record`, with the request noted for a span; itself where no request is to be one."""
        if self._tracer is None or not self._requests:
            return on_record

        def keep_and_note(record: Record) -> None:
            end_ns = time.time_ns()
            on_record(record)
            # What stands for accuracy alone was asked in another request.
            if not record.shared:
                self._waiting.append(_noted(record, end_ns))

        return keep_and_note

    def _tell_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for number, request in enumerate(waiting, 1):
            self._tell(request)
            if not number % _AT_ONCE and not self._taken():
                left = len(waiting) - number
                note(f"sv_eval: run.otel: the collector is too slow, {left} requests are in no trace")
                return

    def _taken(self) -> bool:
        """Whether the collector took what was told so far, in time."""
        begin = time.perf_counter()
        self._provider.force_flush()
        return time.perf_counter() - begin <= self._patience_s

    def _tell(self, request: _Request) -> None:
        from opentelemetry import trace

        span = self._tracer.start_span(
            "recognize", context=self._context, start_time=request.begin_ns, attributes=request.attributes
        )
        if request.failed is not None:
            span.set_status(trace.Status(trace.StatusCode.ERROR, request.failed))
        inside, at_ns = trace.set_span_in_context(span), request.begin_ns
        for stage, stage_ms in request.stages_ms.items():
            length_ns = round(stage_ms * 1e6)
            self._tracer.start_span(stage, context=inside, start_time=at_ns).end(at_ns + length_ns)
            at_ns += length_ns
        span.end(request.end_ns)


class Asked(Protocol):
    """What of a run's settings is about its trace."""

    @property
    def otel(self) -> str | None:
        """The collector's address."""

    @property
    def otel_requests(self) -> bool:
        """Whether each request is a span."""


@contextmanager
def spans_of_run(asked: Asked, dataset: str, n_clips: int, schedule: str) -> Iterator[RunSpans]:
    """Spans that go to the collector while this is open, below one for the run; nothing without an address."""
    with open_tracing(asked.otel, "run.otel") as provider:
        spans = RunSpans(provider, requests=asked.otel_requests)
        with spans.whole({"sv_eval.dataset": dataset, "sv_eval.clips": n_clips, "sv_eval.schedule": schedule}):
            yield spans


def _noted(record: Record, end_ns: int) -> _Request:
    failure, prediction = record.failure, record.prediction
    told = {
        "sv_eval.clip": record.clip.id,
        "sv_eval.round": record.round,
        "sv_eval.outcome": record.outcome.value,
        "sv_eval.reference": record.clip.reference,
        "sv_eval.answer": None if prediction is None else prediction.label,
        "sv_eval.audio_s": record.audio_s,
        "sv_eval.call": record.call,
        "sv_eval.batch_size": record.batch_size,
        "sv_eval.attempts": record.attempts,
    }
    said = "no answer" if failure is None else f"{failure.kind}: {failure.message}"
    return _Request(
        begin_ns=end_ns - round((record.latency_ms or 0.0) * 1e6),
        end_ns=end_ns,
        attributes={name: value for name, value in told.items() if value is not None},
        stages_ms={} if prediction is None else prediction.stages_ms,
        failed=said if record.outcome is Outcome.FAILURE else None,
    )
