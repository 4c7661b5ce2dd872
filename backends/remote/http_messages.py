"""What goes over HTTP: requests that are ready to be sent, whole answers, and what they say of themselves."""

from __future__ import annotations

import codecs
import email.message
import email.utils
import json
import math
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

    def _text(self) -> str | bytes:
        """The body for a reader of JSON, which finds out UTF-8, 16 and 32 by itself; raises ValueError."""
        charset = _declared_charset(self.headers)
        if charset is None or self.body.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return self.body
        try:
            return self.body.decode(charset)
        except LookupError as error:
            raise ValueError(f"the charset {charset[:40]} is not known") from error

    @property
    def excerpt(self) -> str:
        """Its beginning, for messages."""
        return " ".join(self.body[:2000].decode("utf-8", "replace").split())[:_EXCERPT]

    def json(self) -> Any:
        """The body as JSON; raises RemoteError for anything else."""
        if self.media_type == "text/event-stream":
            raise RemoteError(
                WRONG_TYPE,
                f"a stream of events came where one answer is read; ask for a whole answer ({self.excerpt})",
            )
        try:
            return read_json(self._text())
        except ValueError as error:
            if self.media_type in ("text/html", "application/xhtml+xml"):
                raise RemoteError(WRONG_TYPE, f"a web page came instead of an answer ({self.excerpt})") from error
            if self.media_type and "json" not in self.media_type:
                raise RemoteError(
                    WRONG_TYPE, f"{self.media_type} came instead of JSON ({self.excerpt or 'empty'})"
                ) from error
            raise RemoteError(NOT_JSON, f"the answer is no JSON ({self.excerpt or 'it is empty'})") from error


def _declared_charset(headers: Mapping[str, str]) -> str | None:
    """The charset of a Content-Type; None where none is named, or one that JSON has anyway."""
    message = email.message.Message()
    message["Content-Type"] = headers.get("Content-Type", "")
    charset = message.get_content_charset()
    return None if charset is None or charset.startswith(("utf-8", "utf8")) else charset


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


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """The seconds of a Retry-After header (RFC 9110, 10.2.3: seconds or a date); None where it says nothing.

    A date is held against the answer's own Date, where there is one: the two clocks need not agree.
    """
    value = headers.get("Retry-After")
    if value is None:
        return None
    try:
        seconds = float(value)
        return max(0.0, seconds) if math.isfinite(seconds) else None
    except ValueError:
        pass
    moment = _moment(value)
    if moment is None:
        return None
    now = _moment(headers.get("Date", ""))
    return max(0.0, moment - (time.time() if now is None else now))


def _moment(date: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError, OSError):
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
