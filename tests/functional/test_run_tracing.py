"""`run.otel`: a run is a trace, with its phases, and its requests where that is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from sv_eval.backends.fake import FakeBackend
from sv_eval.config.composing import composed
from sv_eval.errors import BackendLost, ConfigError
from sv_eval.machine.tracing import open_tracing
from sv_eval.records import Clip, Failure, Outcome, Prediction, Record
from sv_eval.run.evaluate import evaluate
from sv_eval.run.tracing import RunSpans
from tests.collector import collecting

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """A collector's address, and what was sent to it."""
    with collecting() as it:
        yield it


def spans_in(received: list[bytes]) -> list[Any]:
    sent = [one for body in received for one in ExportTraceServiceRequest.FromString(body).resource_spans]
    return [span for resource in sent for scope in resource.scope_spans for span in scope.spans]


def measured(directory: Path, backend: Any, *words: str) -> None:
    config = composed(
        "config",
        [
            *("backend=fake", "dataset=simulated", "dataset.simulated.n_clips=20", "run.telemetry_s=null"),
            *("report.page=false", "scoring.resamples=100", "run.max_failures=20", *words),
        ],
    )
    evaluate(config, backend, directory)


def told(span: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


def test_phases_and_requests_lie_below_the_run(
    collector: tuple[str, list[bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, received = collector
    monkeypatch.setenv("TRACEPARENT", CALLER)
    backend = FakeBackend(accuracy=0.8, failure_rate=0.3, seed=1)

    measured(tmp_path / "run", backend, f"run.otel={address}", "run.otel_requests=true")

    [run] = [span for span in spans_in(received) if span.name == "run"]
    assert run.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert run.parent_span_id.hex() == "b7ad6b7169203331"
    assert told(run)["sv_eval.clips"] == 20
    below = [span for span in spans_in(received) if span.parent_span_id == run.span_id]
    phases = {span.name: span for span in below if span.name != "recognize"}
    assert list(phases) == ["load", "warm_up", "measure", "score"]
    ends = [span.end_time_unix_nano for span in phases.values()]
    assert ends == sorted(ends)
    requests = [span for span in below if span.name == "recognize"]
    clips = {told(span)["sv_eval.clip"]: told(span)["sv_eval.outcome"] for span in requests}
    assert len(requests) == len(clips) == 20
    wrong = {clip for clip, outcome in clips.items() if outcome == "FAILURE"}
    # 2 is an error by the protocol.
    assert wrong == {told(span)["sv_eval.clip"] for span in requests if span.status.code == 2}
    assert 0 < len(wrong) < 20
    measure = phases["measure"]
    assert all(span.end_time_unix_nano <= measure.end_time_unix_nano for span in requests)


def test_requests_are_no_spans_unless_asked_for(collector: tuple[str, list[bytes]], tmp_path: Path) -> None:
    address, received = collector

    measured(tmp_path / "run", FakeBackend(), f"run.otel={address}")

    assert sorted(span.name for span in spans_in(received)) == ["load", "measure", "run", "score", "warm_up"]
    assert not any(span.status.code == 2 for span in spans_in(received))


class Unopened(FakeBackend):
    """A backend whose model is gone."""

    async def __aenter__(self) -> Any:
        raise BackendLost("the model is gone")


def test_a_run_that_ends_early_is_marked(collector: tuple[str, list[bytes]], tmp_path: Path) -> None:
    address, received = collector

    with pytest.raises(BackendLost):
        measured(tmp_path / "run", Unopened(), f"run.otel={address}")

    marked = {span.name: span.status for span in spans_in(received)}
    assert {name: status.code for name, status in marked.items()} == {"run": 2, "load": 2}
    assert "the model is gone" in marked["load"].message


def test_stages_lie_one_after_another_below_their_request() -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    spans, kept = RunSpans(provider, requests=True), list[Record]()
    answer = Prediction(label="sad", stages_ms={"features": 2.0, "inference": 5.0})
    good = Record(clip=Clip(id="a"), outcome=Outcome.LABEL, prediction=answer, latency_ms=8.0, call=3)
    bad = Record(clip=Clip(id="b"), outcome=Outcome.FAILURE, failure=Failure(kind="timeout", message="too late"))

    with spans.whole({}), spans.phase("measure"):
        watched = spans.watched(kept.append)
        watched(good)
        watched(bad)
        # Nothing is made of them as long as it is measured.
        assert not exporter.get_finished_spans()
    provider.shutdown()

    assert kept == [good, bad]
    found = exporter.get_finished_spans()
    features, inference = (next(span for span in found if span.name == name) for name in ("features", "inference"))
    first, second = (span for span in found if span.name == "recognize")
    assert {features.parent.span_id, inference.parent.span_id} == {first.context.span_id}
    assert first.end_time - first.start_time == 8_000_000
    assert inference.start_time == features.end_time == first.start_time + 2_000_000
    assert first.status.is_ok
    assert first.attributes["sv_eval.answer"] == "sad"
    assert second.status.description == "timeout: too late"


def test_no_request_is_lost_however_many_there_are(collector: tuple[str, list[bytes]], tmp_path: Path) -> None:
    address, received = collector
    spans = open_tracing(address, "run.otel")
    record = Record(
        clip=Clip(id="a"), outcome=Outcome.LABEL, latency_ms=1.0,
        prediction=Prediction(label="sad", stages_ms={"features": 0.2, "inference": 0.5, "postprocess": 0.1}),
    )  # fmt: skip

    with spans as provider:
        told = RunSpans(provider, requests=True)
        with told.phase("measure"):
            watched = told.watched(lambda _: None)
            for _ in range(1500):
                watched(record)

    assert sum(span.name == "recognize" for span in spans_in(received)) == 1500
    assert len(spans_in(received)) == 1 + 4 * 1500


def test_a_collector_that_takes_too_long_costs_no_run(capsys: pytest.CaptureFixture[str]) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    spans = RunSpans(provider, requests=True, patience_s=0)

    with spans.phase("measure"):
        watched = spans.watched(lambda _: None)
        for _ in range(250):
            watched(Record(clip=Clip(id="a"), outcome=Outcome.LABEL, prediction=Prediction(label="sad")))
    provider.shutdown()

    assert sum(span.name == "recognize" for span in exporter.get_finished_spans()) == 100
    assert "the collector is too slow, 150 requests are in no trace" in capsys.readouterr().err


def test_without_a_collector_nothing_stands_between_a_record_and_its_keeper() -> None:
    kept: list[Record] = []
    keep = kept.append

    assert RunSpans().watched(keep) is keep
    assert RunSpans(TracerProvider()).watched(keep) is keep


def test_without_the_extra_the_setting_says_what_brings_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)

    with pytest.raises(ConfigError, match=r"run\.otel needs the extra \[otel\]"):
        measured(tmp_path / "run", FakeBackend(), "run.otel=http://127.0.0.1:9/v1/traces")
    assert not (tmp_path / "run" / "records.jsonl").exists()
