"""Words of the command line that Hydra's grammar can't take as a shell hands them over."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

_PLAIN = re.compile(r"[A-Za-z0-9_/\\+.$%*@?|:, {}\[\]()'\"-]*")


def quoted(arguments: Sequence[str]) -> list[str]:
    """The arguments, with quotes around values that hold characters Hydra only takes in quotes.

    Such are any letters beyond ASCII, and `=`. Values that are quoted, lists, mappings or choices separated
    by commas are left as they are.

    >>> quoted(["dataset.root=/data/语音", "backend.threads=2", "-m"])
    ['dataset.root="/data/语音"', 'backend.threads=2', '-m']
    """
    return [_quoted(word) for word in arguments]


def as_word(value: Any) -> str:
    """A setting's value as the command line has it, for people: a float has six digits at most.

    >>> [as_word(value) for value in (None, True, 0.5, 3.0, "auto")]
    ['null', 'true', '0.5', '3', 'auto']
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def _quoted(word: str) -> str:
    key, equals, value = word.partition("=")
    if not equals or word.startswith("-") or _PLAIN.fullmatch(value) or "," in value or value[0] in "'\"[{":
        return word
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{key}="{escaped}"'
