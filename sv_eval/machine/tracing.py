"""OpenTelemetry: spans on their way to a collector, of runs and of the service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sv_eval.errors import ConfigError
from sv_eval.version import __version__

NAME = "sv_eval"
"""What spans come from."""


@contextmanager
def open_tracing(endpoint: str | None, setting: str) -> Iterator[Any]:
    """OpenTelemetry's provider of tracers, whose spans go to a collector's OTLP/HTTP address while this is open.

    None without an address. setting: what gave it, for errors.
    """
    if endpoint is None:
        yield None
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ConfigError(f"{setting} needs the extra [otel] ({error}): pip install 'sv-eval[otel]'") from error
    provider = TracerProvider(resource=Resource.create({"service.name": NAME, "service.version": __version__}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    try:
        yield provider
    finally:
        provider.shutdown()
