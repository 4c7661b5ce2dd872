"""The service's log: a JSON object a line, on stderr."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

from sv_eval.serve.trace import Trace

_DIGITS = 3


class JsonFormatter(logging.Formatter):
    """A log record as one line of JSON; `fields` of the record are members of it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        members: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "pid": record.process,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            members["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(members, ensure_ascii=False, default=str)


def open_log() -> logging.Logger:
    """The service's logger, writing to stderr; uvicorn's own messages go the same way."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    for name, level in (("sv_eval.serve", logging.INFO), ("uvicorn", logging.WARNING), ("grpc", logging.ERROR)):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(level)
        logger.propagate = False
    return logging.getLogger("sv_eval.serve")


def log_request(
    logger: logging.Logger, trace: Trace, *, path: str, status: int | str, text: bool, **more: Any
) -> None:
    """One line about one request. The transcript is in it with `text`; the audio never is."""
    if not logger.isEnabledFor(logging.INFO):
        return
    fields: dict[str, Any] = {"request_id": trace.request_id, **more, "path": path, "status": status}
    fields["code"] = trace.code
    fields["bytes"] = trace.body_bytes
    fields["audio_s"] = round(trace.audio_s, _DIGITS)
    fields |= {f"{name}_ms": round(value, _DIGITS) for name, value in trace.stages_ms.items()}
    fields["total_ms"] = round(trace.total_ms, _DIGITS)
    for name in ("batch_size", "emotion", "confidence", "below_threshold", "reason"):
        if getattr(trace, name) is not None:
            fields[name] = getattr(trace, name)
    if text and trace.text is not None:
        fields["text"] = trace.text
    level = logging.ERROR if trace.code in ("internal", "inference_failed") else logging.INFO
    logger.log(level, "request", extra={"fields": fields})
