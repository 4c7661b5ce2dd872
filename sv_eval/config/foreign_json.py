"""JSON that somebody else has written: never nested deeper, or of more values, than its reader can bear."""

from __future__ import annotations

import json
import re
from typing import Any

MOST_DEPTH = 64
MOST_VALUES = 1_000_000

# To the end where a string is not closed: each character is looked at once, whatever stands there.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_OTHER = re.compile(r"[^\[\]{}]+")


def read_json(text: str | bytes) -> Any:
    """The value of a text. Raises ValueError for what is none, or is too much, before anything is built of it.

    >>> read_json('{"a": [1]}')
    {'a': [1]}
    """
    said = text.decode(json.detect_encoding(text), "surrogatepass") if isinstance(text, bytes) else text
    check_json(said)
    return json.loads(said)


def check_json(text: str) -> None:
    """Raise ValueError for a text that nests too deep or holds too many values."""
    opened = text.count("[") + text.count("{")
    if opened + text.count(",") > MOST_VALUES:
        raise ValueError(f"it holds more than {MOST_VALUES} values")
    if opened <= MOST_DEPTH:
        return
    rest = _OTHER.sub("", _STRING.sub("", text))
    for _ in range(MOST_DEPTH):
        if not rest:
            return
        less = rest.replace("[]", "").replace("{}", "")
        if len(less) == len(rest):
            break
        rest = less
    if rest:
        raise ValueError(f"it nests more than {MOST_DEPTH} deep, or its brackets don't match")
