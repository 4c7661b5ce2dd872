"""A position within a file of a known size, for files that are put together of something else."""

from __future__ import annotations

import io
import os


class Seekable(io.RawIOBase):
    """What such a file has beside reading: a position that may be moved."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size, self._at = size, 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """The position."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """The position after seeking; raises ValueError for one before the beginning."""
        at = offset + (0, self._at, self._size)[whence]
        if at < 0:
            raise ValueError(f"there is no position {at}")
        self._at = at
        return at
