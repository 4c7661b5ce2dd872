"""The OpenAPI document: what the routes can't say of themselves is added here."""

from __future__ import annotations

import base64
import io
import math
import struct
import wave
from collections.abc import Sequence
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from sv_eval.wire import messages
from sv_eval.wire.problems import CODES

_COMPONENTS = "#/components/schemas/{model}"
_PROBLEM = "application/problem+json"
_EVERYWHERE = ("rate_limited", "unauthorized", "overloaded", "not_ready", "internal")
OF_A_BODY = ("invalid_request", "unsupported_media_type", "too_large", "request_timeout", "invalid_parameter")
"""What can be wrong with any body."""
OF_AUDIO = (
    "empty", "not_audio", "truncated", "too_short", "too_long", "silence", "unsupported_format", "unknown_language",
    "unsupported_parameter", "deadline_exceeded", "inference_failed",
)  # fmt: skip
"""What can be wrong with any recording."""

_CODES_TABLE = "\n".join(
    f"| {code.status} | `{code.word}` | {code.title}. {code.advice} |"
    for code in sorted(CODES.values(), key=lambda code: code.status)
)
DESCRIPTION = f"""\
Emotion and transcript of a voice, by SenseVoice or any other backend of `sv_eval`.

An error is an `application/problem+json` document with a stable `code`:

| status | code | meaning |
|---|---|---|
{_CODES_TABLE}

`WS /v1/emotion/stream` takes the message `{{"type": "start", "encoding": "pcm_s16le", "sample_rate": 16000}}`, then
binary messages of samples, then `{{"type": "end"}}`. It answers `ready`, `partial` for every second of audio, and
`final`.
"""


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """The document for an application's routes."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas |= _schemas()
        document["components"]["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
        # Keys are needed only where the operator set some, hence the empty alternative.
        document["security"] = [{}, {"bearer": []}, {"key": []}]
        app.openapi_schema = document
    return app.openapi_schema


def json_body(kind: type[BaseModel], examples: dict[str, Any]) -> dict[str, Any]:
    """A route's body: JSON of this kind."""
    content = {"schema": _reference(kind), "examples": {name: {"value": value} for name, value in examples.items()}}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def form_body(options: dict[str, Any]) -> dict[str, Any]:
    """A route's body: a multipart form with a file and these further fields."""
    file = {"type": "string", "format": "binary", "description": "The recording, in any common format"}
    schema = {
        "type": "object",
        "required": ["file"],
        "properties": {"file": file, **options},
        "additionalProperties": False,
    }
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def form_fields(kind: type[BaseModel], *, without: Sequence[str] = ()) -> dict[str, Any]:
    """The fields of a message as those of a form: single values, each of one type."""
    out = {}
    for name, schema in kind.model_json_schema()["properties"].items():
        if name in without:
            continue
        choices = [choice for choice in schema.pop("anyOf", []) if choice.get("type") != "null"]
        flat = {**schema, **(choices[0] if choices else {})}
        if flat.get("default", 0) is None:
            del flat["default"]
        out[name] = flat
    return out


def answers(
    ok: type[BaseModel], *groups: Sequence[str], problem: type[BaseModel] = messages.Problem
) -> dict[int | str, Any]:
    """A route's answers: the good one, and a problem for every status that the codes of the groups have."""
    by_status: dict[int, list[str]] = {}
    for word in sorted({*_EVERYWHERE, *(word for group in groups for word in group)}):
        by_status.setdefault(CODES[word].status, []).append(word)
    out: dict[int | str, Any] = {200: {"description": "An answer", "content": _content("application/json", ok)}}
    for status, words in sorted(by_status.items()):
        out[status] = {
            "description": "; ".join(f"`{word}`: {CODES[word].title}" for word in words),
            "content": _content(_PROBLEM, problem),
        }
        if any(CODES[word].retry for word in words):
            header = {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 1}}
            out[status]["headers"] = {"Retry-After": header}
    return out


def also(status: int, description: str, kind: type[BaseModel]) -> dict[int | str, Any]:
    """A further good answer of a route."""
    return {status: {"description": description, "content": _content("application/json", kind)}}


def or_text(status: int, kind: type[BaseModel]) -> dict[int | str, Any]:
    """A good answer of a route that may also be plain text."""
    text = {"text/plain": {"schema": {"type": "string"}}}
    return {status: {"description": "An answer", "content": {**_content("application/json", kind), **text}}}


@cache
def example_audio() -> str:
    """A quarter of a second of a tone as a wav file in base64, so that the documentation's examples run."""
    samples = [round(8000 * math.sin(2 * math.pi * 220 * n / 8000)) for n in range(2000)]
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return base64.b64encode(file.getvalue()).decode()


def _content(media: str, kind: type[BaseModel]) -> dict[str, Any]:
    return {media: {"schema": _reference(kind)}}


def _reference(kind: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _COMPONENTS.format(model=kind.__name__)}


def _schemas() -> dict[str, Any]:
    """The schemas of all messages."""
    kinds = [
        kind
        for kind in vars(messages).values()
        if isinstance(kind, type) and issubclass(kind, BaseModel) and not kind.__name__.startswith("_")
    ]
    kinds = [kind for kind in kinds if kind is not BaseModel]
    _, document = models_json_schema([(kind, "validation") for kind in kinds], ref_template=_COMPONENTS)
    found: dict[str, Any] = document["$defs"]
    return found
