"""What a file's first and last bytes say: not audio after all, cut short, or more than its header tells.

libsndfile reads what is left of a file that was cut short, stops where a header says so, and says nothing of
either, so headers are held against the file here.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import BinaryIO

from sv_eval.data.audio.joined import begins_recording, restart_in, second_link

HEAD_BYTES = 4096
STREAMED_FROM = 0x7FFFF000
"""A writer that doesn't know the length yet puts a size from here on: it promises nothing."""
SLIP_BYTES = 64
"""Some writers count the header in the size; that little missing, or more, is no damage."""
_MOST_CHUNKS = 4096
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_SILK = b"#!SILK_V3"
"""WeChat puts a byte before it."""
_OGG_PAGE_MOST = 27 + 255 + 255 * 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How a file's length compares with what its header says."""

    missing: int = 0
    """Bytes of audio that the header promises beyond the file's end; 0 when whole or not to be told."""
    next_at: int | None = None
    """Where another recording begins behind the first; None where there is none."""
    mended: tuple[int, bytes] | None = None
    """For a size that was never filled in: the place, and the bytes that make a decoder read to the file's end."""
    tells_less: bool = False
    """Whether audio goes on beyond the length that the header states."""


_WHOLE = Extent()


def foreign_hint(head: bytes) -> str | None:
    """What the file is, and what to do, where its first bytes show that it is no audio."""
    if head.startswith(_LFS_POINTER):
        return "is a git-lfs pointer, not the audio itself; run `git lfs pull` where it came from"
    if re.match(rb"\s*<(!doctype|html|\?xml)", head, re.IGNORECASE):
        return "is a web page, not audio; the download went wrong, fetch it again"
    if head.startswith(b"PK\x03\x04"):
        return "is a zip archive, not audio; unpack it first"
    if _SILK in head[:16]:
        return (
            "is a voice message in SILK (WeChat, QQ), which neither libsndfile nor FFmpeg reads; decode it first, "
            "with silk-v3-decoder or the Python package pilk, then `ffmpeg -f s16le -ar 24000 -ac 1 -i A.pcm A.wav`"
        )
    if head.startswith(b"\x1f\x8b"):
        return "is compressed with gzip, not audio; unpack it first"
    if head.startswith(b"MThd"):
        return "holds notes (MIDI), not audio; leave it out"
    return None


def extent_of(file: BinaryIO, size: int) -> Extent:
    """What there is of the file beyond or short of its header; nothing to say of formats that state no length."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    magic, form = head[:4], head[8:12]
    if magic == b"OggS":
        return Extent(missing=max(_ogg_end(file, size) - size, 0), next_at=second_link(file, size))
    if head[4:8] == b"ftyp":
        return _of_boxes(file, size)
    if magic in (b"RIFF", b"RF64") and form == b"WAVE":
        return _of_chunks(file, 12, size, "<4sI", b"data")
    if magic == b"RIFX" and form == b"WAVE":
        return _of_chunks(file, 12, size, ">4sI", b"data")
    if magic == b"FORM" and form in (b"AIFF", b"AIFC"):
        return _of_chunks(file, 12, size, ">4sI", b"SSND")
    if magic == b"caff":
        return _of_chunks(file, 8, size, ">4sq", b"data")
    if magic == b".snd" and len(head) >= 12:
        start, length = struct.unpack(">II", head[4:12])
        if length == 0 and size > start:
            return Extent(mended=(8, b"\xff\xff\xff\xff"))
        return _WHOLE if length >= STREAMED_FROM else _behind(file, start + length, size, ">4sI")
    if magic == b"riff" and len(head) >= 24:
        end = int.from_bytes(head[16:24], "little")
        return Extent(next_at=end) if 0 < end < size and begins_recording(_read_at(file, end)) else _WHOLE
    return _WHOLE


def _of_chunks(file: BinaryIO, position: int, size: int, layout: str, wanted: bytes) -> Extent:
    """What the sizes of the chunks say, up to the first one named `wanted`, and what lies behind that."""
    header = struct.Struct(layout)
    short_sizes = layout[-1] == "I"
    long_length, long_at = -1, 0
    for _ in range(_MOST_CHUNKS):
        file.seek(position)
        raw = file.read(header.size)
        if len(raw) < header.size:
            return _WHOLE
        name, length = header.unpack(raw)
        position += header.size
        if name == b"ds64":
            long_at = position + 8
            long_length = int.from_bytes(file.read(16)[8:16], "little")
        if name == wanted:
            if length == 0xFFFFFFFF and long_length > 0:
                length = long_length
            elif length <= 0 or (length >= STREAMED_FROM and short_sizes):
                unfilled = (long_at, max(size - position, 0).to_bytes(8, "little")) if long_length == 0 else None
                return _of_unfilled(file, position, size, layout, length, unfilled)
            return _behind(file, position + length, size, layout)
        if length < 0 or position + length > size:
            return _WHOLE
        position += length + (length & 1 if short_sizes else 0)
    return _WHOLE


def _of_unfilled(
    file: BinaryIO, position: int, size: int, layout: str, length: int, unfilled: tuple[int, bytes] | None
) -> Extent:
    """A recording whose length was never filled in: it reaches to the file's end, or to the next recording."""
    next_at = restart_in(file, position, size)
    empty = length == 0 and layout[-1] == "I" and size > position
    # Without samples after all, where other chunks alone follow.
    if unfilled is None and empty and not _chunks_only(file, position, size, layout):
        unfilled = (position - 4, b"\xff\xff\xff\xff")
    return Extent(next_at=next_at, mended=unfilled)


def _behind(file: BinaryIO, end: int, size: int, layout: str) -> Extent:
    """What lies behind audio that ends at `end` by its header."""
    if end - size > SLIP_BYTES:
        return Extent(missing=end - size)
    header = struct.Struct(layout)
    position = end + (end & 1 if layout[-1] == "I" else 0)
    for _ in range(_MOST_CHUNKS):
        if size - position <= SLIP_BYTES:
            return _WHOLE
        raw = _read_at(file, position)
        if begins_recording(raw):
            return Extent(next_at=position)
        if begins_recording(_read_at(file, end)):
            return Extent(next_at=end)
        name, length = header.unpack(raw[: header.size])
        if not is_chunk_name(name):
            return Extent(tells_less=True)
        if length < 0:
            return _WHOLE
        position += header.size + length + (length & 1 if layout[-1] == "I" else 0)
    return _WHOLE


def _chunks_only(file: BinaryIO, position: int, size: int, layout: str) -> bool:
    """Whether chunks lead from `position` to the file's end and nowhere else."""
    header = struct.Struct(layout)
    for _ in range(_MOST_CHUNKS):
        if position in (size, size + 1):
            return True
        raw = _read_at(file, position)[: header.size]
        if len(raw) < header.size or not is_chunk_name(raw[:4]):
            return False
        length = header.unpack(raw)[1]
        position += header.size + length + (length & 1)
    return False


def is_chunk_name(raw: bytes) -> bool:
    """Whether four bytes may be a chunk's name."""
    return len(raw) == 4 and all(32 <= byte < 127 for byte in raw)


def _of_boxes(file: BinaryIO, size: int) -> Extent:
    """What the sizes of an mp4's or m4a's boxes say; a second `ftyp` begins another recording."""
    position = 0
    for _ in range(_MOST_CHUNKS):
        file.seek(position)
        raw = file.read(16)
        if len(raw) < 8:
            break
        if position and begins_recording(raw):
            return Extent(next_at=position)
        length = int.from_bytes(raw[:4], "big")
        if length == 1 and len(raw) == 16:
            length = int.from_bytes(raw[8:], "big")
        if length < 8 or not raw[4:8].isalnum():
            return _WHOLE
        position += length
        if position > size:
            break
    return Extent(missing=position - size) if position - size > SLIP_BYTES else _WHOLE


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


def _read_at(file: BinaryIO, position: int) -> bytes:
    file.seek(position)
    return file.read(16)
