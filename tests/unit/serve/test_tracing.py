"""Finished requests as OpenTelemetry spans."""

from __future__ import annotations

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from sv_eval.machine.tracing import open_tracing
from sv_eval.serve.trace import Trace
from sv_eval.serve.tracing import trace_request
from tests.collector import collecting

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def finished() -> Trace:
    trace = Trace(request_id="r1")
    trace.add({"inference": 20.0, "decode": 5.0})
    trace.emotion = "sad"
    return trace


def test_a_request_is_a_span_with_its_stages_in_order_below_it() -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    trace_request(tracer, finished(), name="POST /v1/emotion", status=200, headers={"traceparent": CALLER})
    provider.shutdown()
    spans = {span.name: span for span in exporter.get_finished_spans()}
    request, decode, inference = (spans[name] for name in ("POST /v1/emotion", "decode", "inference"))
    assert request.parent is not None
    assert request.parent.span_id == 0xB7AD6B7169203331
    assert {decode.parent.span_id, inference.parent.span_id} == {request.context.span_id}
    assert decode.end_time - decode.start_time == 5_000_000
    assert inference.start_time == decode.end_time
    assert request.attributes["sv_eval.emotion"] == "sad"
    assert request.attributes["sv_eval.code"] == "ok"


def test_spans_reach_the_collector_before_the_end() -> None:
    with collecting() as (address, received), open_tracing(address, "serve.otel") as provider:
        trace_request(provider.get_tracer("test"), finished(), name="POST /analyze", status=200, headers={})
    assert any(b"POST /analyze" in body for body in received)


def test_without_an_address_there_is_nothing_to_trace_with() -> None:
    with open_tracing(None, "serve.otel") as provider:
        assert provider is None
