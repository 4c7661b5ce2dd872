"""Results of work that several settings need, in memory and within a limit."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Any

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
