"""`calibration=FILE` and `thresholds=FILE` on a command line: short for the keys of a group that take such
files."""

from __future__ import annotations

from collections.abc import Sequence

from sv_eval.config.overrides import as_override

FILES = ("calibration", "thresholds")
"""The keys."""


def with_named_files(words: Sequence[str], group: str) -> list[str]:
    """The words with the group before each of the keys; `none` is null.

    >>> with_named_files(["thresholds=none", "dataset=esd"], "scoring")
    ['scoring.thresholds=null', 'dataset=esd']
    """
    found = []
    for word in words:
        key, given, name = word.partition("=")
        if given and key in FILES:
            found.append(as_override(f"{group}.{key}", None if name in ("none", "null") else name, literal=True))
        else:
            found.append(word)
    return found
