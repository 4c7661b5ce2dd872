"""OpenTelemetry traces: a span for each request, with one below it for each stage."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sv_eval.serve.trace import Trace

_ORDER = ("receive", "decode", "queue", "vad", "features", "inference", "postprocess", "backend")


def trace_request(tracer: Any, done: Trace, *, name: str, status: int | str, headers: Mapping[str, str]) -> None:
    """Write down a finished request as a span, its stages one after another below it.

    tracer: OpenTelemetry's. headers: the caller's; a W3C `traceparent` in them makes the span part of its trace.
    """
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    parent = TraceContextTextMapPropagator().extract(headers)
    end_ns = time.time_ns()
    begin_ns = end_ns - round(done.total_ms * 1e6)
    attributes = {
        "sv_eval.status": str(status),
        "sv_eval.request_id": done.request_id,
        "sv_eval.code": done.code,
        "sv_eval.audio_s": done.audio_s,
        "sv_eval.body_bytes": done.body_bytes,
    }
    if done.emotion is not None:
        attributes["sv_eval.emotion"] = done.emotion
    span = tracer.start_span(name, context=parent, start_time=begin_ns, attributes=attributes)
    inside = trace.set_span_in_context(span)
    at_ns = begin_ns
    for stage in sorted(done.stages_ms, key=lambda word: _ORDER.index(word) if word in _ORDER else len(_ORDER)):
        length_ns = round(done.stages_ms[stage] * 1e6)
        tracer.start_span(stage, context=inside, start_time=at_ns).end(at_ns + length_ns)
        at_ns += length_ns
    span.end(end_ns)
