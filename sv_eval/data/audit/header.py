"""What a file's own header states, held against itself and against the file.

Decoders believe one place of a header and skip the others, so a header that was damaged or patched goes unseen: the
audio is then played too slowly, or a part of it never. The header of a wav says its rate and channels twice over
(`fmt `: bytes a second, bytes a frame), that of an aiff its length.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from sv_eval.data.audit.facts import Contradiction

_LINEAR = (1, 3, 0xFFFE)
"""PCM, float, and either in the extensible form: formats whose frames are of one size."""
_MOST_CHUNKS = 64
_STREAMED_FROM = 0x7FFFF000
"""A writer that doesn't know the length yet puts a size from here on."""
_SLIP_BYTES = 64
_BODY_BYTES = 22
"""No more is read of a chunk's body."""
_FAMILIES = {
    ".wav": "wav wavex rf64 w64",
    ".flac": "flac",
    ".mp3": "mp3 mpeg",
    ".ogg": "ogg",
    ".oga": "ogg",
    ".opus": "ogg",
    ".m4a": "mov",
    ".mp4": "mov",
    ".mov": "mov",
    ".aac": "aac",
    ".aif": "aiff",
    ".aiff": "aiff",
    ".aifc": "aiff",
    ".au": "au",
    ".caf": "caf",
    ".amr": "amr amrnb amrwb",
    ".sph": "nist nistsphere",
    ".w64": "w64",
    ".webm": "matroska webm",
    ".mkv": "matroska",
    ".avi": "avi",
    ".wma": "asf",
}
"""A name's ending to the containers that it stands for, as the decoders call them."""


def contradictions(source: Path | bytes) -> tuple[Contradiction, ...]:
    """Where a wav's or aiff's header contradicts itself or its file; empty for other formats."""
    if isinstance(source, bytes):
        return tuple(_contradictions(io.BytesIO(source), len(source)))
    with source.open("rb") as file:
        return tuple(_contradictions(file, os.fstat(file.fileno()).st_size))


def wrong_extension(path: str, container: str) -> bool:
    """Whether the name's ending stands for other containers than the one that is there.

    >>> wrong_extension("a/b.wav", "mp3/mpeg_layer_iii"), wrong_extension("b.wav", "wavex/pcm_16")
    (True, False)
    """
    families = _FAMILIES.get(os.path.splitext(path)[1].lower())
    return families is not None and container.partition("/")[0] not in families.split()


def _contradictions(file: BinaryIO, size: int) -> Iterator[Contradiction]:
    head = file.read(12)
    if head[:4] in (b"RIFF", b"RF64") and head[8:] == b"WAVE":
        yield from _of_wav(file, size)
    elif head[:4] == b"FORM" and head[8:] in (b"AIFF", b"AIFC"):
        yield from _of_aiff(file, size)


def _of_wav(file: BinaryIO, size: int) -> Iterator[Contradiction]:
    frame_bytes = 0
    stated_frames: int | None = None
    for name, at, length in _chunks(file, size, "<4sI"):
        if name == b"fmt " and length >= 16:
            file.seek(at)
            kind, channels, rate, byte_rate, align, bits = struct.unpack("<HHIIHH", file.read(16))
            if kind not in _LINEAR or not channels or not bits:
                return
            frame_bytes = channels * ((bits + 7) // 8)
            if align != frame_bytes:
                yield Contradiction(field="channels", stated=channels, other=align // max((bits + 7) // 8, 1))
            if align and byte_rate != rate * align:
                yield Contradiction(field="rate", stated=rate, other=byte_rate // align)
        elif name == b"fact" and length >= 4:
            file.seek(at)
            stated_frames = struct.unpack("<I", file.read(4))[0]
        elif name == b"data":
            if frame_bytes and 0 < length < _STREAMED_FROM:
                yield from _of_data(file, size, at, length, frame_bytes, stated_frames)
            return


def _of_data(
    file: BinaryIO, size: int, at: int, length: int, frame_bytes: int, stated: int | None
) -> Iterator[Contradiction]:
    """The length of the samples, by `fact` and by what lies behind them."""
    frames = length // frame_bytes
    if stated and stated < _STREAMED_FROM and stated != frames:
        yield Contradiction(field="frames", stated=stated, other=frames)
    end = at + length + (length & 1)
    file.seek(end)
    if size - end > _SLIP_BYTES and not _is_name(file.read(4)):
        # No chunk begins there: the samples go on beyond the length that is stated.
        yield Contradiction(field="frames", stated=frames, other=(size - at) // frame_bytes)


def _of_aiff(file: BinaryIO, size: int) -> Iterator[Contradiction]:
    frames, frame_bytes = 0, 0
    for name, at, length in _chunks(file, size, ">4sI"):
        file.seek(at)
        if name == b"COMM" and length >= 18:
            channels, frames, bits = struct.unpack(">hIh", file.read(8))
            frame_bytes = channels * ((bits + 7) // 8)
            compression = file.read(min(length, _BODY_BYTES) - 8)[10:]
            if compression not in (b"", b"NONE", b"sowt", b"twos"):
                return
        elif name == b"SSND" and frame_bytes and length > 8:
            held = (length - 8) // frame_bytes
            if held != frames:
                yield Contradiction(field="frames", stated=frames, other=held)
            return


def _chunks(file: BinaryIO, size: int, layout: str) -> Iterator[tuple[bytes, int, int]]:
    """Name, beginning and length of each chunk, as far as they can be followed."""
    header, position = struct.Struct(layout), 12
    for _ in range(_MOST_CHUNKS):
        file.seek(position)
        raw = file.read(header.size)
        if len(raw) < header.size:
            return
        name, length = header.unpack(raw)
        if size - position - header.size < min(length, _BODY_BYTES):
            return
        yield name, position + header.size, length
        position += header.size + length + (length & 1)
        if position > size:
            return


def _is_name(raw: bytes) -> bool:
    """Whether four bytes may be a chunk's name."""
    return len(raw) == 4 and all(32 <= byte < 127 for byte in raw)
