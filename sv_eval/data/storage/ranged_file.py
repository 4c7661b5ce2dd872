"""A file elsewhere of which only what is read is fetched, block by block."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

from sv_eval.data.seekable import Seekable
from sv_eval.errors import AudioError

if TYPE_CHECKING:
    from typing_extensions import Buffer

_BLOCK_BYTES = 1 << 18
_MOST_BLOCKS = 8


class RangedFile(Seekable):
    """A file that is read in stretches; the last few blocks are kept.

    stretch: gives the bytes from one position to before another; raises AudioError. An error that a decoder's
    callback swallows is kept in `trouble`.
    """

    def __init__(
        self,
        stretch: Callable[[int, int], bytes],
        size: int,
        block_bytes: int = _BLOCK_BYTES,
        *,
        most_blocks: int = _MOST_BLOCKS,
    ) -> None:
        super().__init__(size)
        self._most_blocks = most_blocks
        self._stretch, self._block_bytes = stretch, block_bytes
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self.trouble: AudioError | None = None
        """Why a read failed; None where none did."""

    def readinto(self, buffer: Buffer) -> int:
        """Fills the buffer as far as the file reaches; how many bytes that were."""
        room = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(room) and self._at < self._size:
            number, begin = divmod(self._at, self._block_bytes)
            part = self._block(number)[begin : begin + len(room) - filled]
            if not part:
                break
            room[filled : filled + len(part)] = part
            filled += len(part)
            self._at += len(part)
        return filled

    def _block(self, number: int) -> bytes:
        kept = self._blocks.get(number)
        if kept is None:
            begin = number * self._block_bytes
            try:
                kept = self._stretch(begin, min(begin + self._block_bytes, self._size))
            except AudioError as error:
                self.trouble = error
                raise OSError(str(error)) from error
            self._blocks[number] = kept
            if len(self._blocks) > self._most_blocks:
                self._blocks.popitem(last=False)
        else:
            self._blocks.move_to_end(number)
        return kept
