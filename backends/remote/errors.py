"""What can go wrong between here and an endpoint."""

from __future__ import annotations

from sv_eval.errors import InferenceError, UsageError

CONNECT, TLS, RESET, TIMEOUT, TRUNCATED = "connect_error", "tls_error", "reset", "timeout", "truncated_answer"
RATE_LIMITED, OVERLOADED, UNAUTHORIZED = "rate_limited", "overloaded", "unauthorized"
BAD_GATEWAY, GATEWAY_TIMEOUT, SERVER_ERROR = "bad_gateway", "gateway_timeout", "server_error"
NOT_FOUND, REJECTED, REDIRECTED = "not_found", "rejected", "redirected"
WRONG_TYPE, NOT_JSON, NOT_UNDERSTOOD, API_ERROR = "wrong_content_type", "not_json", "not_understood", "api_error"

TRANSIENT = frozenset(
    {CONNECT, RESET, TIMEOUT, TRUNCATED, RATE_LIMITED, OVERLOADED, BAD_GATEWAY, GATEWAY_TIMEOUT, NOT_JSON}
)
"""Kinds that may be gone at the next attempt; all others are final for their clip."""
CONGESTION = frozenset({RATE_LIMITED, OVERLOADED})
"""Kinds by which a server says that it is asked too much."""
UNREACHABLE = frozenset({CONNECT, TLS, RESET, TIMEOUT, OVERLOADED, BAD_GATEWAY, GATEWAY_TIMEOUT, UNAUTHORIZED})
"""Kinds that say nothing of the clip: if clip after clip ends so, the endpoint is lost."""

_STATUS = {
    400: REJECTED, 401: UNAUTHORIZED, 403: UNAUTHORIZED, 404: NOT_FOUND, 405: NOT_FOUND, 408: GATEWAY_TIMEOUT,
    413: REJECTED, 415: REJECTED, 422: REJECTED, 429: RATE_LIMITED, 502: BAD_GATEWAY, 503: OVERLOADED,
    504: GATEWAY_TIMEOUT,
}  # fmt: skip


class RemoteError(InferenceError):
    """One attempt at one clip went wrong.

    kind: one of this module's words. message: one line for people. retry_after_s: how long the server asked to be
    left alone, if it did.
    """

    def __init__(self, kind: str, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(kind, message)
        self.retry_after_s = retry_after_s

    @property
    def transient(self) -> bool:
        """Whether trying again makes sense."""
        return self.kind in TRANSIENT


class EndpointError(UsageError):
    """The endpoint is there, and not what the configuration takes it for."""


def kind_of_status(status: int) -> str:
    """The kind of an HTTP status of 300 and above.

    >>> kind_of_status(429), kind_of_status(418), kind_of_status(500), kind_of_status(301)
    ('rate_limited', 'rejected', 'server_error', 'redirected')
    """
    if status in _STATUS:
        return _STATUS[status]
    if status < 400:
        return REDIRECTED
    return REJECTED if status < 500 else SERVER_ERROR
