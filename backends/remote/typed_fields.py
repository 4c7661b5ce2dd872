"""The fields of a service's answer, each of the type that it must have.

A text in a number's place, an object in a text's, NaN, a confidence of 93: a guess at what was meant could be
wrong, and an answer that is half understood is none. Each of them is this clip's FAILURE, kind `not_understood`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sv_eval.backends.remote.errors import NOT_UNDERSTOOD, RemoteError

_ROUNDING = 1e-3
"""How far beyond 0 and 1 a share may lie that was worked out with few digits."""
_EXCERPT = 40


def text_in(value: Any, what: str) -> str | None:
    """The text; None for none."""
    if value is None or type(value) is str:
        return value
    raise _odd(value, what, "a text")


def number_in(value: Any, what: str) -> float | None:
    """The finite number; None for none."""
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    raise _odd(value, what, "a finite number")


def needed_number(value: Any, what: str) -> float:
    """The finite number."""
    number = number_in(value, what)
    if number is None:
        raise _odd(value, what, "a finite number")
    return number


def share_in(value: Any, what: str) -> float | None:
    """A number from 0 to 1; None for none."""
    number = number_in(value, what)
    if number is not None and not -_ROUNDING <= number <= 1 + _ROUNDING:
        raise RemoteError(NOT_UNDERSTOOD, f"the answer's {what} is {number:g}; a probability lies between 0 and 1")
    return number


def mapping_in(value: Any, what: str) -> Mapping[str, Any] | None:
    """The object; None for none."""
    if value is None or isinstance(value, Mapping):
        return value
    raise _odd(value, what, "an object")


def list_in(value: Any, what: str) -> Sequence[Any]:
    """The list, empty for none."""
    if value is None:
        return ()
    if isinstance(value, list | tuple):
        return value
    raise _odd(value, what, "a list")


def objects_in(value: Any, what: str) -> Sequence[Mapping[str, Any]]:
    """A list of objects, empty for none."""
    found = list_in(value, what)
    for place, one in enumerate(found):
        if not isinstance(one, Mapping):
            raise _odd(one, f"{what}[{place}]", "an object")
    return found


def numbers_in(value: Any, what: str) -> dict[str, float] | None:
    """An object of finite numbers by name; None for none."""
    found = mapping_in(value, what)
    if found is None:
        return None
    return {str(name): needed_number(one, f"{what}.{str(name)[:_EXCERPT]}") for name, one in found.items()}


def _odd(value: Any, what: str, expected: str) -> RemoteError:
    shown = repr(value)
    shown = shown if len(shown) <= _EXCERPT else shown[:_EXCERPT] + "…"
    return RemoteError(NOT_UNDERSTOOD, f"the answer's {what} is {shown}; {expected} is expected")
