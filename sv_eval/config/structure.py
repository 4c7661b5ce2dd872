"""Plain data, as YAML gives it, into frozen dataclasses: strictly, and with errors that name the key."""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, Unpack, get_args, get_origin

from sv_eval.errors import UsageError, nearest

T = TypeVar("T")
_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def structure(kind: type[T], data: object, where: str, error: type[UsageError]) -> T:
    """`data` as a `kind`. Unknown and missing keys and wrong types raise `error`; `where` begins its message.

    A field's metadata may give the `key` it is read from (None: it is never read).
    """
    if not isinstance(data, Mapping):
        raise error(f"{where} should hold keys with values, not {_shown(data)}")
    plain: Any = kind
    known = _keys(plain)
    for key in data:
        if key not in known:
            raise error(f"{where}: unknown key {_quoted(key)}; {nearest(str(key), known)}")
    hints = _hints(plain)
    values: dict[str, Any] = {}
    for key, item in known.items():
        # A null stands for an option that was not taken, where the option has a default of its own.
        if key in data and not (data[key] is None and item.default_factory is not MISSING):
            values[item.name] = _converted(hints[item.name], data[key], f"{where}: {key}", error)
        elif item.default is MISSING and item.default_factory is MISSING:
            raise error(f"{where}: the key '{key}' is missing; add it")
    return kind(**values)


def check_scalars(
    build: Callable[..., object], settings: Mapping[str, object], where: str, error: type[UsageError]
) -> None:
    """Raise `error` where a setting is not of the plain type that the constructor `build` asks for.

    Only text, numbers and switches are checked; richer types are for the constructor to judge. Where it
    gathers the keywords of a TypedDict, a setting that it doesn't know raises `error`, too: Python itself would let
    it through to whatever they are handed on to.
    """
    function: Any = getattr(build, "__init__") if isinstance(build, type) else build  # noqa: B009 - mypy refuses it written out
    hints = typing.get_type_hints(function)
    for name, hint in tuple(hints.items()):
        if get_origin(hint) is Unpack:
            del hints[name]
            hints |= typing.get_type_hints(get_args(hint)[0])
            _refuse_unknown(settings, set(hints) - {"return"}, where, error)
    for key, hint in hints.items():
        union = get_origin(hint) in (Union, types.UnionType)
        choices = [choice for choice in (get_args(hint) if union else (hint,)) if choice is not type(None)]
        if key in settings and len(choices) == 1 and choices[0] in _WORDS:
            _converted(hint, settings[key], f"{where}: {key}", error)


def _refuse_unknown(settings: Mapping[str, object], known: set[str], where: str, error: type[UsageError]) -> None:
    for key in settings:
        # The other keys, such as `_target_`, are for who calls the constructor.
        if key not in known and not key.startswith("_"):
            raise error(f"{where}.{key} is not a setting; {nearest(key, sorted(known))}")


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


@cache
def _keys(kind: Any) -> dict[str, Field[Any]]:
    named = {item.metadata.get("key", item.name): item for item in fields(kind)}
    return {key: item for key, item in named.items() if key is not None}


def _converted(hint: Any, value: object, where: str, error: type[UsageError]) -> Any:
    if isinstance(hint, type) and is_dataclass(hint):
        return structure(hint, value, where, error)
    if hint is Any:
        return value
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _one_of(arguments, value, where, error)
    if origin is Literal:
        if value not in arguments:
            raise error(f"{where} is {_shown(value)}; {nearest(str(value), arguments)}")
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise error(f"{where} should be a list, not {_shown(value)}")
        return tuple(_converted(arguments[0], item, f"{where}[{index}]", error) for index, item in enumerate(value))
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(arguments[1], value, where, error)
    return _scalar(hint, value, where, error)


def _one_of(arguments: tuple[Any, ...], value: object, where: str, error: type[UsageError]) -> Any:
    if value is None and type(None) in arguments:
        return None
    choices = [choice for choice in arguments if choice is not type(None)]
    for choice in choices[:-1]:
        try:
            return _converted(choice, value, where, error)
        except error:
            continue
    return _converted(choices[-1], value, where, error)


def _mapping(hint: Any, value: object, where: str, error: type[UsageError]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise error(f"{where} should hold keys with values, not {_shown(value)}")
    out: dict[str, Any] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise error(f"{where}: the key {key!r} isn't text; put it in quotes")
        out[key] = _converted(hint, item, f"{where}.{key}", error)
    return out


def _scalar(hint: Any, value: object, where: str, error: type[UsageError]) -> Any:
    if hint is float and type(value) in (int, float):
        return _number(value, where, error)
    if type(value) is not hint:
        raise error(f"{where} should be {_WORDS.get(hint, hint)}, not {_shown(value)}")
    return value


def _number(value: Any, where: str, error: type[UsageError]) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise error(f"{where} is {_shown(value)}; give a finite number (a large one, such as 1e9, for no bound)")
    return number


def _shown(value: object) -> str:
    if value is None:
        return "empty"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _quoted(key: object) -> str:
    return f"'{key}'" if isinstance(key, str) else repr(key)
