"""A measurement without the garbage collector's long and frequent pauses."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_RARELY = (50_000, 10, 100)
"""By how many objects more there must be for young ones to be collected, and after how many collections older ones.

Python's 700 are what a few dozen requests under way consist of, which leave no garbage that needs collecting."""


@contextmanager
def short_collections() -> Iterator[None]:
    """Within it, what exists already is not searched for garbage again.

    A full collection walks through everything that was ever imported, a model's and a corpus's objects included:
    tens of milliseconds in which no request is sent. What comes to be within the block is collected, but rarely.
    Within another such block it changes nothing.
    """
    # What is frozen is counted one by one, which takes milliseconds.
    if gc.get_threshold() == _RARELY or gc.get_freeze_count():
        yield
        return
    usual = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_RARELY)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


def settle() -> None:
    """Within a block of `short_collections`, collect what came to be since it began, and leave the rest alone, too.

    For one measurement after another: milliseconds, where walking through everything takes a tenth of a second.
    """
    gc.collect()
    gc.freeze()
