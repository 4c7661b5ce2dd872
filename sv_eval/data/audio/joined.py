"""Recordings that follow each other in one file, as `cat` and chained streams make them.

Decoders stop at the end of the first and say nothing. What tells of a second: a header where the first one's own
sizes end; in Ogg a page that begins a stream after others had begun to play; in FLAC and mp3, which state no size
in bytes, what the decoder left unread.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO

from sv_eval.data.audio.kinds import kind_by_header
from sv_eval.data.seekable import Seekable

if TYPE_CHECKING:
    from typing_extensions import Buffer

_LONGEST_SEARCH = 1 << 26
_BUFFERED = 1 << 14
"""libFLAC has read so much ahead, at most, when it gives its last sample."""
_FLAC_HEAD = b"fLaC\x00\x00\x00\x22"
_HEADS = re.compile(
    rb"RIFF....WAVE|OggS\x00\x02|FORM....AIF[FC]|ID3[\x02-\x04]\x00|\.snd\x00\x00\x00|caff\x00\x01", re.DOTALL
)
"""What else may follow a FLAC stream."""
_BEGINS_STREAM = 2
_FRAMES_IN_A_ROW = 3
_NEVER_JOINED = ("avi", "amr", "sph", "silk")
"""Neither decoder reads one behind another file."""
_LEAST_LEFT = 64
"""Fewer bytes are filling."""
_MONO = 3
_MPEG_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_KBPS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBPS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


def begins_recording(head: bytes) -> bool:
    """Whether these bytes, twelve or more, begin a file of their own."""
    return kind_by_header(head) not in (None, *_NEVER_JOINED)


def behind_tag(file: BinaryIO, position: int, size: int) -> int | None:
    """Where a recording that begins at `position` has its audio; None for a tag that nothing follows.

    Titles and pictures (ID3) stand before an mp3, and at the end of files of any kind, where they are no recording.
    """
    file.seek(position)
    head = file.read(10)
    if head[:3] != b"ID3" or len(head) < 10:
        return position
    length = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
    end = position + len(head) + length
    return end if size - end > _LEAST_LEFT else None


def second_link(file: BinaryIO, size: int) -> int | None:
    """Where the second link of a chained Ogg file begins, None without one; streams that begin together are one."""
    position, begun = 0, False
    while position + 27 <= size:
        file.seek(position)
        page = file.read(27 + 255)
        if page[:4] != b"OggS" or len(page) < 27 + page[26]:
            return position if begun and begins_recording(page) else None
        if not page[5] & _BEGINS_STREAM:
            begun = True
        elif begun:
            return position
        position += 27 + page[26] + sum(page[27 : 27 + page[26]])
    return None


def restart_in(file: BinaryIO, position: int, size: int) -> int | None:
    """Where another wav begins within audio whose length isn't stated; None where none does."""
    file.seek(position)
    found = file.read(min(size - position, _LONGEST_SEARCH))
    at = found.find(b"WAVEfmt ")
    while at >= 0:
        if at >= 8 and begins_recording(found[at - 8 : at + 4]):
            return position + at - 8
        at = found.find(b"WAVEfmt ", at + 1)
    return None


def unread_flac(file: BinaryIO, position: int, size: int) -> tuple[int | None, bool]:
    """What lies behind a FLAC stream whose decoder has read up to `position`.

    Where another stream begins, None for none; and whether frames go on beyond the length that the first states.
    """
    begin = max(position - _BUFFERED, len(_FLAC_HEAD))
    file.seek(begin)
    found = file.read(min(size - begin, _LONGEST_SEARCH))
    at = found.find(_FLAC_HEAD)
    if at >= 0:
        return begin + at, False
    if position < size and (other := _HEADS.search(found)):
        return begin + other.start(), False
    left = found[position - begin :]
    return None, len(left) > _BUFFERED // 16 and (b"\xff\xf8" in left or b"\xff\xf9" in left)


def unread_mp3(file: BinaryIO, position: int, size: int) -> int | None:
    """Where frames go on behind those that a decoder of mp3 has read; None where only tags or filling follow."""
    if size - position < 4 * _FRAMES_IN_A_ROW:
        return None
    file.seek(position)
    left = file.read(min(size - position, _LONGEST_SEARCH))
    if begins_recording(left[:16]) and not left.startswith(b"ID3"):
        return position
    at = left.find(b"\xff")
    while at >= 0:
        here, n = at, 0
        while n < _FRAMES_IN_A_ROW and (frame := _frame(left[here : here + 4])) is not None:
            here, n = here + frame[0], n + 1
        if n == _FRAMES_IN_A_ROW:
            return position + at
        at = left.find(b"\xff", at + 1)
    return None


def change_of_mp3(file: BinaryIO, size: int) -> int | None:
    """The first frame of another rate, or of one channel instead of two, than those before; None for none."""
    file.seek(0)
    data = file.read(min(size, _LONGEST_SEARCH))
    kind: tuple[int, bool] | None = None
    at = data.find(b"\xff")
    while at >= 0:
        frame = _frame(data[at : at + 4])
        if frame is None:
            at = data.find(b"\xff", at + 1)
            continue
        follows = _frame(data[at + frame[0] : at + frame[0] + 4])
        if follows is not None and kind not in (None, frame[1:]) and follows[1:] == frame[1:]:
            return at
        if follows is not None:
            kind = kind or frame[1:]
        at += frame[0]
        at = at if at < len(data) else -1
    return None


def states_length(file: BinaryIO) -> bool:
    """Whether an mp3 says how many frames it has; of others their number is guessed by the first one's size."""
    file.seek(0)
    head = file.read(4096)
    return any(word in head for word in (b"Xing", b"Info", b"VBRI"))


def _frame(raw: bytes) -> tuple[int, int, bool] | None:
    """Length in bytes, rate and whether it is mono of the layer III frame with this header; None for no header."""
    if len(raw) < 4 or raw[0] != 0xFF or raw[1] & 0xE6 != 0xE2:
        return None
    version, kbps, rate = raw[1] >> 3 & 3, raw[2] >> 4, raw[2] >> 2 & 3
    if version == 1 or rate == 3 or not 0 < kbps < 15:
        return None
    rate_hz = _MPEG_RATES[version][rate]
    bits = (144 if version == 3 else 72) * 1000 * (_KBPS_1 if version == 3 else _KBPS_2)[kbps]
    return bits // rate_hz + (raw[2] >> 1 & 1), rate_hz, raw[3] >> 6 == _MONO


class Window(Seekable):
    """A stretch of a file as a file of its own, without a copy."""

    def __init__(self, file: BinaryIO, begin: int, end: int) -> None:
        super().__init__(end - begin)
        self._file, self._begin = file, begin

    def readinto(self, buffer: Buffer) -> int:
        """Fills the buffer as far as the stretch reaches; how many bytes that were."""
        room = memoryview(buffer).cast("B")
        self._file.seek(self._begin + self._at)
        found = self._file.read(max(min(len(room), self._size - self._at), 0))
        room[: len(found)] = found
        self._at += len(found)
        return len(found)
