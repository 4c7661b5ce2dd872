"""A run as OpenTelemetry spans: its phases, and each request where that is asked for."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from sv_eval.machine.tracing import open_tracing
from sv_eval.records import Outcome, Record

_PARENT = "TRACEPARENT"
"""The variable by which whoever starts a run makes it part of a trace."""


class RunSpans:
    """Spans below one for the whole run; without a tracer it does nothing at all.

    tracer: OpenTelemetry's, or None. requests: whether each request is a span, too.
    """

    def __init__(self, tracer: Any = None, *, requests: bool = False) -> None:
        self._tracer = tracer
        self._requests = requests
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
        with self._tracer.start_as_current_span(name, context=self._context):
            yield

    def watched(self, on_record: Callable[[Record], None]) -> Callable[[Record], None]:
        """`on_record`, and a span for the request; itself where no request is to be a span."""
        if self._tracer is None or not self._requests:
            return on_record

        def keep_and_tell(record: Record) -> None:
            end_ns = time.time_ns()
            on_record(record)
            # What stands for accuracy alone was asked in another request.
            if not record.shared:
                self._tell(record, end_ns)

        return keep_and_tell

    def _tell(self, record: Record, end_ns: int) -> None:
        from opentelemetry import trace

        begin_ns = end_ns - round((record.latency_ms or 0.0) * 1e6)
        span = self._tracer.start_span(
            "recognize", context=self._context, start_time=begin_ns, attributes=_attributes(record)
        )
        if record.outcome is Outcome.FAILURE:
            said = None if record.failure is None else f"{record.failure.kind}: {record.failure.message}"
            span.set_status(trace.Status(trace.StatusCode.ERROR, said))
        inside, at_ns = trace.set_span_in_context(span), begin_ns
        for stage, stage_ms in (record.prediction.stages_ms if record.prediction else {}).items():
            length_ns = round(stage_ms * 1e6)
            self._tracer.start_span(stage, context=inside, start_time=at_ns).end(at_ns + length_ns)
            at_ns += length_ns
        span.end(end_ns)


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
    with open_tracing(asked.otel, "run.otel") as tracer:
        spans = RunSpans(tracer, requests=asked.otel_requests)
        with spans.whole({"sv_eval.dataset": dataset, "sv_eval.clips": n_clips, "sv_eval.schedule": schedule}):
            yield spans


def _attributes(record: Record) -> dict[str, Any]:
    told = {
        "sv_eval.clip": record.clip.id,
        "sv_eval.round": record.round,
        "sv_eval.outcome": record.outcome.value,
        "sv_eval.reference": record.clip.reference,
        "sv_eval.answer": None if record.prediction is None else record.prediction.label,
        "sv_eval.audio_s": record.audio_s,
        "sv_eval.call": record.call,
        "sv_eval.batch_size": record.batch_size,
        "sv_eval.attempts": record.attempts,
    }
    return {name: value for name, value in told.items() if value is not None}
