"""Between the types of our files and plain data, in both directions, strictly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from sv_eval.errors import RunDirectoryError
from sv_eval.report.reasons import Coded, Why

T = TypeVar("T")


def as_json(thing: Any) -> dict[str, Any]:
    """A dataclass as plain data, keys in the order of its fields; what is not set is left out."""
    data: dict[str, Any] = _listed(msgspec.to_builtins(thing, enc_hook=_encoded))
    return data


def from_json(kind: type[T], data: object, where: str) -> T:
    """Plain data as a `kind`. Unknown keys are ignored: older readers read newer files.

    Raises RunDirectoryError, which names the place, for what is missing or of another type; `where` begins it.
    """
    try:
        return msgspec.convert(data, kind, dec_hook=_decoded)
    except (msgspec.ValidationError, RecursionError, UnicodeEncodeError) as error:
        raise RunDirectoryError(f"{where}: not as sv_eval writes it: {error}") from error


def _encoded(thing: object) -> object:
    if isinstance(thing, Why):
        return str(thing)
    if isinstance(thing, Coded):
        return {"code": thing.code, **thing.values}
    raise NotImplementedError(f"{type(thing).__name__} is no part of a file")


def _decoded(kind: type, data: Any) -> Any:
    if kind is Why:
        if not isinstance(data, str):
            raise ValueError(f"Expected `str`, got `{type(data).__name__}`")
        return Why.read(data)
    if kind is Coded:
        if not isinstance(data, Mapping) or not isinstance(data.get("code"), str):
            raise ValueError("Expected an object with a `code`")
        return Coded(data["code"], {key: value for key, value in data.items() if key != "code"})
    raise NotImplementedError(f"{kind.__name__} is no part of a file")


def _listed(node: Any) -> Any:
    """The same with lists for tuples, as JSON has them when it is read back."""
    if isinstance(node, dict):
        return {key: _listed(value) for key, value in node.items()}
    return [_listed(item) for item in node] if isinstance(node, list | tuple) else node
