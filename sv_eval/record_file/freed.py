"""What a large file's rows took, given back to the system."""

from __future__ import annotations

import ctypes
from contextlib import suppress


def give_back() -> None:
    """Has glibc hand freed memory back; other libraries do so by themselves, or can't be asked.

    Columns of parts are small enough to lie in its heap, whose holes it keeps: as much as all columns take.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
