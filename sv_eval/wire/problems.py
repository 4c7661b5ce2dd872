"""What can go wrong between a client and the service: stable codes, and the error that carries one.

An error leaves the service as `application/problem+json` (RFC 9457) or as a gRPC status; `code` is what a
program should look at, `detail` is for people.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sv_eval.errors import SvEvalError


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One way in which a request can fail."""

    word: str
    """The stable word in `code`."""
    status: int
    """The HTTP status."""
    grpc: str
    """The name of the gRPC status."""
    title: str
    """A few words for people; the same for every occurrence."""
    advice: str
    """What the caller can do."""
    retry: bool = False
    """Whether the same request may succeed later; the answer then carries Retry-After."""


_TABLE = (
    Code(
        word="invalid_request",
        status=400,
        grpc="INVALID_ARGUMENT",
        title="The request could not be read",
        advice="Send a body of the documented form; `detail` says where it departs from it.",
    ),
    Code(
        word="invalid_base64",
        status=400,
        grpc="INVALID_ARGUMENT",
        title="The audio is not base64",
        advice="Encode the file's bytes with standard base64, padding included.",
    ),
    Code(
        word="unauthorized",
        status=401,
        grpc="UNAUTHENTICATED",
        title="An API key is needed",
        advice="Send `Authorization: Bearer KEY` or `X-API-Key: KEY`.",
    ),
    Code(
        word="foreign_origin",
        status=403,
        grpc="PERMISSION_DENIED",
        title="A page from elsewhere may not call this service",
        advice="Name the page's origin in `serve.cors_origins`.",
    ),
    Code(
        word="not_found",
        status=404,
        grpc="NOT_FOUND",
        title="There is nothing at this path",
        advice="See `/docs` for what there is.",
    ),
    Code(
        word="model_not_found",
        status=404,
        grpc="NOT_FOUND",
        title="This model is not served",
        advice="`GET /v1/models` lists the names that are accepted.",
    ),
    Code(
        word="method_not_allowed",
        status=405,
        grpc="UNIMPLEMENTED",
        title="The path does not take this method",
        advice="Use the method in the Allow header.",
    ),
    Code(
        word="request_timeout",
        status=408,
        grpc="DEADLINE_EXCEEDED",
        title="The request did not arrive in time",
        advice="Send it faster, or send less.",
    ),
    Code(
        word="too_large",
        status=413,
        grpc="INVALID_ARGUMENT",
        title="The upload is too large",
        advice="Send fewer bytes: cut the recording or use a compressed format.",
    ),
    Code(
        word="too_long",
        status=413,
        grpc="INVALID_ARGUMENT",
        title="The audio is too long",
        advice="Cut the recording, or stream it.",
    ),
    Code(
        word="unsupported_media_type",
        status=415,
        grpc="INVALID_ARGUMENT",
        title="The body is of a type that this path does not take",
        advice="Send the documented Content-Type.",
    ),
    Code(
        word="unsupported_format",
        status=415,
        grpc="INVALID_ARGUMENT",
        title="The audio format is not supported",
        advice="Use one of the documented formats, or `auto`.",
    ),
    Code(
        word="not_audio",
        status=422,
        grpc="INVALID_ARGUMENT",
        title="The bytes are not audio that can be decoded",
        advice="Check what was sent; convert it to wav if a player opens it.",
    ),
    Code(
        word="truncated",
        status=422,
        grpc="INVALID_ARGUMENT",
        title="The audio is cut short or damaged",
        advice="Send the whole file.",
    ),
    Code(
        word="empty",
        status=422,
        grpc="INVALID_ARGUMENT",
        title="There is no audio",
        advice="Send a recording that holds samples.",
    ),
    Code(
        word="too_short",
        status=422,
        grpc="INVALID_ARGUMENT",
        title="The audio is too short",
        advice="Send a longer recording.",
    ),
    Code(
        word="silence",
        status=422,
        grpc="INVALID_ARGUMENT",
        title="There is no speech in the audio",
        advice="Check the microphone; a lower `vad_threshold` finds quieter speech.",
    ),
    Code(
        word="unknown_language",
        status=422,
        grpc="INVALID_ARGUMENT",
        title="The language is not known",
        advice="Use one that `GET /v1/models` lists, or `auto`.",
    ),
    Code(
        word="invalid_parameter",
        status=422,
        grpc="INVALID_ARGUMENT",
        title="A parameter is unknown, of the wrong type or out of range",
        advice="`errors` names each parameter and what was wrong with it.",
    ),
    Code(
        word="unsupported_parameter",
        status=422,
        grpc="FAILED_PRECONDITION",
        title="The backend can't do what a parameter asks for",
        advice="Leave the parameter out; `GET /v1/models` lists the ones that are taken.",
    ),
    Code(
        word="rate_limited",
        status=429,
        grpc="RESOURCE_EXHAUSTED",
        title="Too many requests",
        advice="Wait as long as Retry-After says.",
        retry=True,
    ),
    Code(
        word="headers_too_large",
        status=431,
        grpc="INVALID_ARGUMENT",
        title="The request's head is too large",
        advice="Send fewer and shorter headers.",
    ),
    Code(
        word="internal",
        status=500,
        grpc="INTERNAL",
        title="Something went wrong in the service",
        advice="Report the `request_id`; the service's log holds the reason.",
    ),
    Code(
        word="inference_failed",
        status=500,
        grpc="INTERNAL",
        title="The model could not answer",
        advice="Report the `request_id`; other recordings are not affected.",
    ),
    Code(
        word="overloaded",
        status=503,
        grpc="RESOURCE_EXHAUSTED",
        title="The service has all the work that it can take",
        advice="Try again after Retry-After seconds.",
        retry=True,
    ),
    Code(
        word="not_ready",
        status=503,
        grpc="UNAVAILABLE",
        title="The model is not ready",
        advice="Try again after Retry-After seconds; `/health/ready` tells when.",
        retry=True,
    ),
    Code(
        word="shutting_down",
        status=503,
        grpc="UNAVAILABLE",
        title="The service is shutting down",
        advice="Connect again: another instance will answer.",
        retry=True,
    ),
    Code(
        word="deadline_exceeded",
        status=504,
        grpc="DEADLINE_EXCEEDED",
        title="No answer in time",
        advice="Send shorter audio, or try again when there is less load.",
    ),
)
CODES: Mapping[str, Code] = {code.word: code for code in _TABLE}
"""Every code there is, by its word."""


class ServiceError(SvEvalError):
    """A request that can't be answered, with the code that says why.

    word: one of CODES. detail: one line for people about this occurrence. errors: for parameters, a mapping
    with `parameter` and `message` for each. retry_after_s: when to try again, where the code allows it.
    """

    def __init__(
        self,
        word: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = CODES[word]
        self.detail = detail
        self.errors = tuple(errors)
        wait_s = 1.0 if retry_after_s is None else retry_after_s
        self.retry_after_s = max(1, math.ceil(wait_s)) if self.code.retry else None
        """Whole seconds, as the header has them; None where trying again is no use."""


def problem(error: ServiceError, request_id: str) -> dict[str, Any]:
    """The error as the members of a problem+json document."""
    members: dict[str, Any] = {
        "type": f"urn:sv-eval:problem:{error.code.word}",
        "title": error.code.title,
        "status": error.code.status,
        "detail": error.detail,
        "code": error.code.word,
        "success": False,
        "request_id": request_id,
    }
    if error.errors:
        members["errors"] = [dict(item) for item in error.errors]
    if error.retry_after_s is not None:
        members["retry_after_s"] = error.retry_after_s
    return members
