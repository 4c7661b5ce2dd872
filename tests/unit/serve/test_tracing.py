"""Finished requests as OpenTelemetry spans."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from sv_eval.machine.tracing import open_tracing
from sv_eval.serve.trace import Trace
from sv_eval.serve.tracing import trace_request

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


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """A collector's address, and what was sent to it."""
    received: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on stderr."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1/traces", received
    server.shutdown()
    thread.join()
    server.server_close()


def test_spans_reach_the_collector_before_the_end(collector: tuple[str, list[bytes]]) -> None:
    address, received = collector
    with open_tracing(address, "serve.otel") as provider:
        trace_request(provider.get_tracer("test"), finished(), name="POST /analyze", status=200, headers={})
    assert any(b"POST /analyze" in body for body in received)


def test_without_an_address_there_is_nothing_to_trace_with() -> None:
    with open_tracing(None, "serve.otel") as provider:
        assert provider is None
