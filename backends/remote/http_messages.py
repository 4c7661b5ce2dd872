"""What goes over HTTP: requests that are ready to be sent, whole answers, and what they say of themselves."""

from __future__ import annotations

import email.utils
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sv_eval.backends.remote.errors import NOT_JSON, WRONG_TYPE, RemoteError
from sv_eval.config.foreign_json import read_json

_EXCERPT = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpMessage:
    """A request, ready to be sent as often as it takes."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """A whole answer."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def media_type(self) -> str:
        """Such as `application/json`."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def excerpt(self) -> str:
        """Its beginning, for messages."""
        return " ".join(self.body[:2000].decode("utf-8", "replace").split())[:_EXCERPT]

    def json(self) -> Any:
        """The body as JSON; raises RemoteError for anything else."""
        try:
            return read_json(self.body)
        except ValueError as error:
            if self.media_type in ("text/html", "application/xhtml+xml"):
                raise RemoteError(WRONG_TYPE, f"a web page came instead of an answer ({self.excerpt})") from error
            if self.media_type and "json" not in self.media_type:
                raise RemoteError(
                    WRONG_TYPE, f"{self.media_type} came instead of JSON ({self.excerpt or 'empty'})"
                ) from error
            raise RemoteError(NOT_JSON, f"the answer is no JSON ({self.excerpt or 'it is empty'})") from error


def said_in(reply: HttpReply) -> str:
    """The message in an error's body, wherever services put it; else the body's beginning."""
    try:
        content = read_json(reply.body)
    except ValueError:
        kind = "a web page" if "html" in reply.media_type else ""
        return f"({kind or reply.excerpt})" if reply.body else ""
    return f"({_message_in(content) or reply.excerpt})"


def _message_in(content: Any) -> str:
    if isinstance(content, str):
        return content[:_EXCERPT]
    if not isinstance(content, Mapping):
        return ""
    for key in ("detail", "error", "message", "msg"):
        found = content.get(key)
        if found:
            text = found if isinstance(found, str) else _message_in(found) or json.dumps(found)
            code = content.get("code")
            return f"{code}: {text}"[:_EXCERPT] if isinstance(code, str) else text[:_EXCERPT]
    return ""


def retry_after_s(value: str | None) -> float | None:
    """The seconds of a Retry-After header (RFC 9110, 10.2.3: seconds or a date); None where it says nothing."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        moment = email.utils.parsedate_to_datetime(value)
        return max(0.0, moment.timestamp() - time.time())
    except (ValueError, OverflowError, OSError):
        return None


def multipart(
    fields: Iterable[tuple[str, str]], *, name: str, file: bytes, filename: str, media_type: str
) -> HttpMessage:
    """A form with one file (RFC 7578). Names and values are ours or the configuration's, without line breaks."""
    boundary = b"----sv-eval-7c1f0a52b3d94e68"
    while boundary in file:
        boundary += b"x"
    parts = [
        b'--%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
        % (boundary, key.encode(), value.encode())
        for key, value in fields
    ]
    head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: {media_type}'
    body = b"".join([*parts, b"--%b\r\n%b\r\n\r\n" % (boundary, head.encode()), file, b"\r\n--%b--\r\n" % boundary])
    return HttpMessage(body=body, headers={"Content-Type": f"multipart/form-data; boundary={boundary.decode()}"})
