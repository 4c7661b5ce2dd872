"""A request's body: read with limits, and taken apart."""

from __future__ import annotations

import asyncio
import base64
import binascii
import codecs
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fastapi import Request as HttpRequest
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from sv_eval.serve.config import ServiceLimits
from sv_eval.serve.recognition import Upload
from sv_eval.serve.trace import Trace
from sv_eval.wire.messages import EmotionRequest
from sv_eval.wire.problems import ServiceError

Message = TypeVar("Message", bound=BaseModel)
Result = TypeVar("Result")

_INLINE_BYTES = 256 * 1024
"""Taking a larger body apart would hold up the other requests: it is done in a thread."""
_MOST_FIELDS = 32
_MARKS = (b'"', b",", b":", b"[", b"{")
_MARKS_OF_AN_ITEM = 1024
_MOST_ERRORS = 20
_FIELD_BYTES = 64 * 1024


@dataclass(slots=True)
class Buffered:
    """What the bodies of all requests in work hold together."""

    limit: int
    held: int = 0

    def take(self, size: int, trace: Trace) -> None:
        """Count bytes that came in; raises ServiceError `overloaded` when all requests together hold too much."""
        if self.held + size > self.limit:
            raise ServiceError("overloaded", "the uploads in work fill the memory that is kept for them")
        self.held += size
        trace.body_bytes += size

    def release(self, trace: Trace) -> None:
        """Count a finished request's body out."""
        self.held -= trace.body_bytes


@dataclass(slots=True)
class Marks:
    """Counts what JSON is made of while it comes: from its bytes alone, since parsing is what costs.

    items: how many recordings the body may hold. Base64 has none of these characters, so an honest body holds a few
    dozen for each recording and its options, and never comes near the limit.
    """

    items: int
    seen: int = 0

    def take(self, piece: bytes) -> None:
        """Count a piece; raises ServiceError `invalid_parameter` for a body of more parts than it can need."""
        self.seen += sum(piece.count(mark) for mark in _MARKS)
        if self.seen > _MARKS_OF_AN_ITEM * (self.items + 1):
            raise ServiceError(
                "invalid_parameter",
                f"the body has more parts than {self.items} recordings can need",
                errors=[{"parameter": "body", "message": f"at most {self.items} recordings and their options"}],
            )


async def read_body(
    request: HttpRequest, limits: ServiceLimits, buffered: Buffered, trace: Trace, marks: Marks | None = None
) -> bytes:
    """The body, counted while it comes; with `marks` its parts, too.

    Raises ServiceError `too_large`, `request_timeout`, `overloaded`, `invalid_parameter`, `unsupported_media_type`.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise ServiceError(
            "unsupported_media_type", f"Content-Encoding is {encoding[:32]}; the body is taken only as it is"
        )
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and int(stated) > limits.max_body_bytes:
        raise _too_large(limits)
    pieces = []
    try:
        async with asyncio.timeout(limits.body_timeout_s):
            async for piece in request.stream():
                buffered.take(len(piece), trace)
                if trace.body_bytes > limits.max_body_bytes:
                    raise _too_large(limits)
                if marks is not None:
                    marks.take(piece)
                pieces.append(piece)
    except TimeoutError as error:
        raise ServiceError(
            "request_timeout", f"the body was not there after {limits.body_timeout_s:g} s"
        ) from error
    except ClientDisconnect as error:
        raise ServiceError("invalid_request", "the caller went away before the body was complete") from error
    trace.received_s = time.perf_counter()
    trace.add({"receive": (trace.received_s - trace.begin_s) * 1000})
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def json_message(request: HttpRequest, body: bytes, kind: type[Message]) -> Message:
    """The body as a message of this kind; raises ServiceError."""
    media = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media != "application/json" and not media.endswith("+json"):
        raise ServiceError("unsupported_media_type", f"Content-Type is {media[:64]}, application/json is expected")
    return await _off_the_loop(len(body), lambda: parsed(kind, body))


def parsed(kind: type[Message], body: bytes | str) -> Message:
    """JSON as a message of this kind; raises ServiceError `invalid_request` or `invalid_parameter`."""
    if isinstance(body, bytes):
        # Some clients write one; RFC 8259 lets a reader pass over it.
        body = body.removeprefix(codecs.BOM_UTF8)
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise validation_error(error) from error


def checked(kind: type[Message], values: dict[str, Any]) -> Message:
    """Text fields, as a form has them, as a message of this kind; raises ServiceError `invalid_parameter`."""
    try:
        return kind.model_validate_strings(values)
    except ValidationError as error:
        raise validation_error(error) from error


async def upload_of(message: EmotionRequest, limits: ServiceLimits) -> Upload:
    """The recording that a JSON message carries; raises ServiceError."""
    data = await _off_the_loop(len(message.audio), lambda: from_base64(message.audio, limits.max_encoded_bytes))
    return Upload(data=data, format=message.format, sample_rate_hz=message.sample_rate)


def from_base64(text: str, most_bytes: int) -> bytes:
    """The bytes of standard base64; line breaks and a leading `data:...;base64,` are taken.

    A blank is refused: mostly it was a `+` that a form or an address has been decoded with, and without it the rest
    would be other sound. Raises ServiceError `invalid_base64`, `empty` or `too_large`.
    """
    if text.startswith("data:"):
        head, comma, text = text.partition(",")
        if not comma or not head.endswith(";base64"):
            raise ServiceError("invalid_base64", "`audio` is a data: URL without `;base64,`")
    if "\n" in text or "\r" in text:
        text = text.replace("\n", "").replace("\r", "")
    if len(text) // 4 * 3 - 2 > most_bytes:
        raise ServiceError("too_large", f"the file has more than {most_bytes} bytes")
    if " " in text:
        raise ServiceError("invalid_base64", "`audio` holds blanks; was a + read as one on its way?")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ServiceError("invalid_base64", f"`audio` can't be decoded ({error})") from error
    if not data:
        raise ServiceError("empty", "`audio` holds no bytes")
    return data


@dataclass(slots=True, kw_only=True)
class Form:
    """A multipart form with one file."""

    file: bytes
    fields: dict[str, str] = field(default_factory=dict)


async def read_form(request: HttpRequest, body: bytes) -> Form:
    """The form in a body: its field `file` and the others. What the client calls the file is not looked at.

    The file stays in memory. Raises ServiceError `unsupported_media_type` or `invalid_request`.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "multipart/form-data":
        raise ServiceError(
            "unsupported_media_type", f"Content-Type is {media[:64] or 'absent'}, multipart/form-data is expected"
        )
    parser = MultiPartParser(
        request.headers, _once(body), max_files=1, max_fields=_MOST_FIELDS, max_part_size=_FIELD_BYTES
    )
    # Nothing is ever written to disk.
    parser.spool_max_size = len(body) + 1
    try:
        parts = await parser.parse()
    except (MultiPartException, ValueError, KeyError, LookupError) as error:
        message = getattr(error, "message", "it is damaged")
        raise ServiceError("invalid_request", f"the form can't be read: {message}") from error
    try:
        named = parts.get("file")
        if not isinstance(named, UploadFile):
            raise ServiceError(
                "invalid_request",
                "the form holds no file called 'file'; e.g. curl -F file=@speech.wav",
            )
        fields = {name: value for name, value in parts.multi_items() if isinstance(value, str)}
        data = await named.read()
    finally:
        await parts.close()
    if not data:
        raise ServiceError("empty", "the file holds no bytes")
    return Form(file=data, fields=fields)


async def _once(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body


async def _off_the_loop(size: int, work: Callable[[], Result]) -> Result:
    return work() if size <= _INLINE_BYTES else await asyncio.to_thread(work)


def _too_large(limits: ServiceLimits) -> ServiceError:
    return ServiceError("too_large", f"the body has more than {limits.max_body_bytes} bytes")


def validation_error(error: ValidationError) -> ServiceError:
    """What pydantic found wrong, without the values that were sent."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    if any(item["type"] == "json_invalid" for item in found):
        return ServiceError("invalid_request", f"the body is not JSON: {found[0]['msg']}")
    errors = [
        {"parameter": ".".join(str(part) for part in item["loc"])[:200] or "body", "message": item["msg"][:200]}
        for item in found[:_MOST_ERRORS]
    ]
    first = errors[0]
    return ServiceError("invalid_parameter", f"{first['parameter']}: {first['message']}", errors=errors)
