"""The reference of the service's HTTP API, of its own OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


def document() -> dict[str, Any]:
    """The OpenAPI document, of the routes alone: no model is loaded."""
    from fastapi import FastAPI

    from sv_eval.serve import routes_emotion, routes_openai, routes_state, routes_stream
    from sv_eval.serve.openapi import openapi_document
    from sv_eval.version import __version__

    app = FastAPI(title="sv_eval", version=__version__)
    for routes in (routes_emotion, routes_openai, routes_stream, routes_state):
        app.include_router(routes.router)
    return openapi_document(app)


def http_page(found: dict[str, Any]) -> str:
    """A page on its paths, errors and messages."""
    parts = [
        "# HTTP API\n",
        "Made of the service's [openapi.json](openapi.json); a service shows the same at `/docs`. How it is used: "
        "[the service](../service.md).\n",
    ]
    for path, methods in found["paths"].items():
        for method, told in methods.items():
            parts += _operation(path, method, told)
    parts.append("## Messages\n")
    for name, schema in sorted(found["components"]["schemas"].items()):
        parts += _schema(name, schema)
    return "\n".join(parts)


def written(found: dict[str, Any]) -> str:
    """The document as a file."""
    return json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _operation(path: str, method: str, told: dict[str, Any]) -> Iterator[str]:
    yield f"## {method.upper()} `{path}`\n"
    yield f"{told.get('summary', '')}. {told.get('description', '')}".strip(". ") + ".\n"
    if parameters := told.get("parameters"):
        yield "| parameter | in | type | says |\n|---|---|---|---|"
        for each in parameters:
            schema = each.get("schema", {})
            yield f"| `{each['name']}` | {each['in']} | {_type(schema)} | {_cell(each.get('description', ''))} |"
        yield ""
    if kinds := told.get("requestBody", {}).get("content"):
        yield "Takes " + ", ".join(f"`{kind}`" for kind in kinds) + ".\n"
    yield "| status | gives |\n|---|---|"
    for status, answer in told.get("responses", {}).items():
        of = [_type(content.get("schema", {})) for content in answer.get("content", {}).values()]
        yield f"| {status} | {_cell(answer.get('description', ''))} {', '.join(dict.fromkeys(of))} |"
    yield ""


def _schema(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f"### {name}\n"
    if said := schema.get("description"):
        yield f"{_cell(said)}\n"
    if fields := schema.get("properties"):
        yield "| field | type | says |\n|---|---|---|"
        for key, each in fields.items():
            yield f"| `{key}` | {_type(each)} | {_cell(each.get('description', ''))} |"
        yield ""


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(_type(each) for each in schema[several])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    return str(schema.get("type", "any"))


def _cell(text: str) -> str:
    text = " ".join(text.split()).replace("|", "\\|")
    return text.replace("<", "&lt;").replace("{", "&#123;")
