"""Words of the command line that Hydra's grammar can't take as a shell hands them over."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PLAIN = re.compile(r"[A-Za-z0-9_/\\+.$%*@?|:, {}\[\]()'\"-]*")


def quoted(arguments: Sequence[str]) -> list[str]:
    """The arguments, with quotes around values that hold characters Hydra only takes in quotes.

    Such are any letters beyond ASCII, and `=`. Values that are quoted, lists, mappings or choices separated
    by commas are left as they are.

    >>> quoted(["dataset.root=/data/语音", "backend.threads=2", "-m"])
    ['dataset.root="/data/语音"', 'backend.threads=2', '-m']
    """
    return [_quoted(word) for word in arguments]


def _quoted(word: str) -> str:
    key, equals, value = word.partition("=")
    if not equals or word.startswith("-") or _PLAIN.fullmatch(value) or "," in value or value[0] in "'\"[{":
        return word
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{key}="{escaped}"'
