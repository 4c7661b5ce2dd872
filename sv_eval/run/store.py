"""Results of work that several settings need, in memory and within a limit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any

from sv_eval.backend import Opened

MIB = 2**20
_OVERHEAD = 300
"""About what an entry takes beside its value, bytes."""


class MemoryStore:
    """Keeps values until they take `limit_bytes`; what comes later is not kept, and what is there stays.

    A sweep goes over the same clips in the same order again and again. Whatever forgot the value that was used
    longest ago would forget each one just before it is needed; if the first ones are kept, every pass finds them.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.used_bytes = 0
        self.found = self.missed = self.refused = 0
        """How often a value was there, was not, and did not fit."""
        self._values: dict[Hashable, Any] = {}
        self._open: tuple[Hashable, Any] | None = None
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Any | None:
        """The value under the key; None where there is none."""
        with self._lock:
            value = self._values.get(key)
            if value is None:
                self.missed += 1
            else:
                self.found += 1
            return value

    def put(self, key: Hashable, value: Any, size: int) -> None:
        """Keep a value of `size` bytes, if there still is room."""
        with self._lock:
            if key in self._values:
                return
            if self.used_bytes + size + _OVERHEAD > self.limit_bytes:
                self.refused += 1
                return
            self._values[key] = value
            self.used_bytes += size + _OVERHEAD

    def opened(self, identity: Hashable, open_it: Callable[[], Opened]) -> Opened:
        """What `open_it` gave when it was last called, if that was for the same identity; what it gives now else.

        It counts as nothing, and is let go before another is opened.
        """
        if self._open is None or self._open[0] != identity:
            self._open = None
            self._open = (identity, open_it())
        value: Opened = self._open[1]
        return value

    def let_go(self) -> None:
        """Keep nothing open any more: whatever comes next may need the memory."""
        self._open = None
