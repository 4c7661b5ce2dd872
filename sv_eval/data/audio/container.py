"""What a file's first and last bytes say: not audio after all, or cut short.

libsndfile reads what is left of a file that was cut short and says nothing, so its headers are checked here.
"""

from __future__ import annotations

import re
import struct
from typing import BinaryIO

HEAD_BYTES = 4096
_STREAMED_FROM = 0x7FFFF000
"""A writer that doesn't know the length yet puts a size from here on: it promises nothing."""
_SLIP_BYTES = 64
"""Some writers count the header in the size; that little missing is no damage."""
_MOST_CHUNKS = 4096
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_OGG_PAGE_MOST = 27 + 255 + 255 * 255


def foreign_hint(head: bytes) -> str | None:
    """What the file is, and what to do, where its first bytes show that it is no audio."""
    if head.startswith(_LFS_POINTER):
        return "is a git-lfs pointer, not the audio itself; run `git lfs pull` where it came from"
    if re.match(rb"\s*<(!doctype|html|\?xml)", head, re.IGNORECASE):
        return "is a web page, not audio; the download went wrong, fetch it again"
    if head.startswith(b"PK\x03\x04"):
        return "is a zip archive, not audio; unpack it first"
    return None


def missing_bytes(file: BinaryIO, size: int) -> int:
    """How many bytes of audio the header promises beyond the file's end; 0 when whole or not to be told."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if head[:4] == b"OggS":
        end = _ogg_end(file, size)
        return max(end - size, 0)
    end = _chunks_end(file, head, size)
    return end - size if end - size > _SLIP_BYTES else 0


def _chunks_end(file: BinaryIO, head: bytes, size: int) -> int:
    """Where the audio should end by the header of a chunked file; 0 when the header makes no promise."""
    magic, form = head[:4], head[8:12]
    if head[4:8] == b"ftyp":
        return _boxes_end(file, size)
    if magic in (b"RIFF", b"RF64") and form == b"WAVE":
        return _walk(file, 12, size, "<4sI", b"data")
    if magic == b"RIFX" and form == b"WAVE":
        return _walk(file, 12, size, ">4sI", b"data")
    if magic == b"FORM" and form in (b"AIFF", b"AIFC"):
        return _walk(file, 12, size, ">4sI", b"SSND")
    if magic == b"caff":
        return _walk(file, 8, size, ">4sq", b"data")
    if magic == b".snd" and len(head) >= 12:
        start, length = struct.unpack(">II", head[4:12])
        return 0 if length >= _STREAMED_FROM else start + length
    return 0


def _walk(file: BinaryIO, position: int, size: int, layout: str, wanted: bytes) -> int:
    """The end of the first chunk named `wanted`, by the sizes that the chunks state."""
    header = struct.Struct(layout)
    long_length = 0
    for _ in range(_MOST_CHUNKS):
        file.seek(position)
        raw = file.read(header.size)
        if len(raw) < header.size:
            return 0
        name, length = header.unpack(raw)
        position += header.size
        if name == b"ds64":
            long_length = int.from_bytes(file.read(16)[8:16], "little")
        if name == wanted:
            if length == 0xFFFFFFFF and long_length:
                return position + long_length
            streamed = length <= 0 or (length >= _STREAMED_FROM and layout[-1] == "I")
            return 0 if streamed else position + length
        if length < 0 or position + length > size:
            return 0
        position += length + (length & 1 if layout[-1] == "I" else 0)
    return 0


def _boxes_end(file: BinaryIO, size: int) -> int:
    """The end of the last box of an mp4 or m4a file, by the sizes that the boxes state."""
    position = 0
    for _ in range(_MOST_CHUNKS):
        file.seek(position)
        raw = file.read(16)
        if len(raw) < 8:
            break
        length = int.from_bytes(raw[:4], "big")
        if length == 1 and len(raw) == 16:
            length = int.from_bytes(raw[8:], "big")
        if length < 8 or not raw[4:8].isalnum():
            return 0
        position += length
        if position > size:
            break
    return position


def _ogg_end(file: BinaryIO, size: int) -> int:
    """Where the last page of an Ogg file should end by its own segment table."""
    begin = max(size - _OGG_PAGE_MOST, 0)
    file.seek(begin)
    tail = file.read(_OGG_PAGE_MOST)
    page = tail.rfind(b"OggS")
    if page < 0:
        return 0
    table_at = page + 27
    if table_at > len(tail) or table_at + tail[page + 26] > len(tail):
        return size + 1
    table = tail[table_at : table_at + tail[page + 26]]
    return begin + table_at + len(table) + sum(table)
