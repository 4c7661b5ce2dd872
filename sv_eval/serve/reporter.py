"""What is told of every request once it is finished, whatever protocol it came over."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sv_eval.serve.logs import log_request
from sv_eval.serve.meters import ServiceMetrics
from sv_eval.serve.trace import Trace
from sv_eval.serve.tracing import trace_request


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """Tells the log, the metrics and, where there is one, the trace collector."""

    logger: logging.Logger
    meters: ServiceMetrics
    text: bool = False
    """Whether transcripts go into the log."""
    tracer: Any = None
    """OpenTelemetry's; None for no traces."""

    def finished(
        self, trace: Trace, *, path: str, method: str, status: int | str, headers: Mapping[str, str] | None = None
    ) -> None:
        """A request was answered. path: the route. headers: the caller's, for the trace that it is part of."""
        self.meters.request(path, trace)
        log_request(self.logger, trace, path=path, status=status, text=self.text, method=method)
        if self.tracer is not None:
            trace_request(self.tracer, trace, name=f"{method} {path}", status=status, headers=headers or {})

    def defect(self, error: BaseException, trace: Trace) -> None:
        """Something went wrong that nobody expected; the caller gets nothing of it but the code `internal`."""
        trace.code, trace.reason = "internal", f"{type(error).__name__}: {error}"
        self.logger.error("defect", exc_info=error, extra={"fields": {"request_id": trace.request_id}})
