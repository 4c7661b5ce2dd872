"""Single pages of a Parquet file's column: pyarrow reads row groups, and those may be hundreds of megabytes.

A page is put into a Parquet file of its own, and pyarrow decodes that: all compressions and encodings are its own.
"""

from __future__ import annotations

import io
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from sv_eval.backend import Page
from sv_eval.data.corpus.thrift import (
    BINARY,
    I32,
    I64,
    LIST,
    STRUCT,
    list_in,
    number_in,
    read_struct,
    struct_in,
    written,
)
from sv_eval.data.storage.place import Place
from sv_eval.data.storage.stretch import stretch_of
from sv_eval.errors import AudioError

_MAGIC = b"PAR1"
_BYTE_ARRAY, _REQUIRED, _OPTIONAL = 6, 0, 1
_CODECS = range(8)
_TAIL_BYTES = 8
"""The footer's length, and the magic number behind it."""
_DATA, _INDEX, _DICTIONARY, _DATA_V2 = range(4)
_BY_DICTIONARY = (2, 8)
_LARGEST_PAGE = 1 << 31
_KEPT_BYTES = _DECODING_BYTES = 1 << 26
UNCOMPRESSED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A column's part in a row group."""

    begin: int
    """Where it begins in the file."""
    size: int
    """Its bytes."""
    rows: int
    """Its values, empty ones included."""
    codec: int
    """The number of its compression."""
    levels: int
    """As in Page."""


def chunks_of(file: BinaryIO, leaf: int, levels: int) -> list[Chunk]:
    """A column's part in each row group, by the footer of the whole file; raises ValueError, EOFError.

    pyarrow tells the same, and ends the process over a footer that is damaged.
    """
    end = file.seek(-_TAIL_BYTES, os.SEEK_END)
    size = int.from_bytes(file.read(4), "little")
    file.seek(max(end - size, 0))
    footer = read_struct(io.BytesIO(file.read(size)))
    chunks = []
    for group in list_in(footer, 4):
        column = dict(enumerate(list_in(group, 1))) if isinstance(group, dict) else {}
        chunks.append(_chunk(struct_in(struct_in(column, leaf), 3), levels))
    return chunks


def _chunk(column: Mapping[int, Any], levels: int) -> Chunk:
    codec, rows, size, begin = (number_in(column, number) for number in (4, 5, 7, 9))
    begin = min(begin, number_in(column, 11, 0) or begin)
    if codec not in _CODECS or rows < 0 or size < 0 or (rows and begin < len(_MAGIC)):
        raise ValueError("its footer is damaged")
    return Chunk(begin=begin, size=size, rows=rows, codec=codec, levels=levels)


def pages_of(file: BinaryIO, chunk: Chunk, origin: int) -> Iterator[Page]:
    """The pages of a chunk with its values, in order, by their headers alone; raises ValueError, EOFError.

    file: the one that holds it, from the byte `origin` on.
    """
    at, rows = chunk.begin, 0
    dictionary = (0, 0, 0)
    while rows < chunk.rows:
        file.seek(at - origin)
        head = read_struct(file)
        kind, decoded, packed = (number_in(head, number) for number in (1, 2, 3))
        size = file.tell() + origin - at + packed
        if not 0 <= packed < _LARGEST_PAGE or not 0 <= decoded < _LARGEST_PAGE:
            raise ValueError("a page's header tells no size")
        if at + size > chunk.begin + chunk.size:
            raise ValueError("a page is larger than what holds it")
        if kind == _DICTIONARY:
            dictionary = (at, size, decoded)
        elif kind in (_DATA, _DATA_V2):
            about = struct_in(head, 5 if kind == _DATA else 8)
            held, encoding = number_in(about, 1), number_in(about, 2 if kind == _DATA else 4)
            if held < 0 or rows + held > chunk.rows:
                raise ValueError("a page's header tells of too many values")
            # Once a dictionary is full, pages hold their values themselves.
            of_page = dictionary if encoding in _BY_DICTIONARY else (0, 0, 0)
            if held:
                yield Page(
                    begin=at,
                    size=size,
                    rows=held,
                    decoded_bytes=decoded + of_page[2],
                    codec=chunk.codec,
                    levels=chunk.levels,
                    dictionary_begin=of_page[0],
                    dictionary_size=of_page[1],
                )
            rows += held
        elif kind != _INDEX:
            raise ValueError(f"there is no page of type {kind}")
        at += size


def values_of(page: Page, content: bytes, dictionary: bytes) -> Any:
    """The page's values, an Arrow array of binary; raises ValueError where they can't be decoded."""
    import pyarrow as pa
    import pyarrow.compute as compute
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(_file_of(page, content, dictionary)), page_checksum_verification=True)
        (found,) = file.read(use_threads=False).columns
        for _ in range(page.levels - 1):
            found = compute.struct_field(found, [0])
        array = found.combine_chunks()
    except (pa.ArrowException, OSError) as error:
        raise ValueError(" ".join(str(error).split())[:200]) from error
    if len(array) != page.rows:
        raise ValueError(f"a page holds {len(array)} values where its header tells of {page.rows}")
    return array


def _file_of(page: Page, content: bytes, dictionary: bytes) -> bytes:
    """A Parquet file whose only column has that page alone."""
    dictionary_at = len(_MAGIC) if dictionary else None
    page_at = len(_MAGIC) + len(dictionary)
    groups = max(page.levels - 1, 0)
    schema = [written((4, BINARY, b"file"), (5, I32, 1))]
    schema += [written((3, I32, _OPTIONAL), (4, BINARY, b"group"), (5, I32, 1))] * groups
    schema.append(
        written((1, I32, _BYTE_ARRAY), (3, I32, _OPTIONAL if page.levels else _REQUIRED), (4, BINARY, b"value"))
    )
    packed = len(dictionary) + len(content)
    column = written(
        (1, I32, _BYTE_ARRAY),
        (2, LIST, (I32, [0])),
        (3, LIST, (BINARY, [b"group"] * groups + [b"value"])),
        (4, I32, page.codec),
        (5, I64, page.rows),
        (6, I64, page.decoded_bytes),
        (7, I64, packed),
        (9, I64, page_at),
        *(() if dictionary_at is None else ((11, I64, dictionary_at),)),
    )
    group = written(
        (1, LIST, (STRUCT, [written((2, I64, 0), (3, STRUCT, column))])), (2, I64, packed), (3, I64, page.rows)
    )
    footer = written((1, I32, 2), (2, LIST, (STRUCT, schema)), (3, I64, page.rows), (4, LIST, (STRUCT, [group])))
    return b"".join([_MAGIC, dictionary, content, footer, len(footer).to_bytes(4, "little"), _MAGIC])


class Room:
    """Memory for pages that are being decoded: threads wait for each other before they take more than there is.

    A page that is larger than all of it has it to itself.
    """

    def __init__(self, free_bytes: int = _DECODING_BYTES) -> None:
        self._all = self._free = free_bytes
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, page: Page) -> Iterator[None]:
        """While the page is read and decoded."""
        size = min(page.decoded_bytes, self._all)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= size)
            self._free -= size
        try:
            yield
        finally:
            with self._changed:
                self._free += size
                self._changed.notify_all()


class Pages:
    """Pages that were decoded a moment ago, and those that are being decoded; threads may share it."""

    def __init__(self, room: Room | None = None) -> None:
        self._kept_bytes, self._room = _KEPT_BYTES, room or Room()
        self._held: OrderedDict[tuple[str, int], tuple[int, Future[Any]]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def content(self, file: Path | Place, page: Page, row: int) -> bytes | None:
        """The value of a row of the page; None for an empty one. Raises AudioError."""
        key = (str(file), page.begin)
        with self._lock:
            held = self._held.get(key)
            if held is not None:
                self._held.move_to_end(key)
            else:
                coming: Future[Any] = Future()
                self._held[key] = (page.decoded_bytes, coming)
                self._bytes += page.decoded_bytes
                while self._bytes > self._kept_bytes and len(self._held) > 1:
                    self._bytes -= self._held.popitem(last=False)[1][0]
        if held is not None:
            return _value(held[1].result(), row)
        try:
            with self._room.taken(page):
                values = _decoded(file, page)
        except BaseException as error:
            coming.set_exception(error)
            with self._lock:
                # Whoever asks again may be luckier.
                if self._held.get(key, (0, None))[1] is coming:
                    self._bytes -= self._held.pop(key)[0]
            raise
        coming.set_result(values)
        return _value(values, row)


def _value(values: Any, row: int) -> bytes | None:
    found: bytes | None = values[row].as_py()
    return found


def _decoded(file: Path | Place, page: Page) -> Any:
    content, dictionary = (
        stretch_of(file, begin, size) if size else b""
        for begin, size in ((page.begin, page.size), (page.dictionary_begin, page.dictionary_size))
    )
    try:
        return values_of(page, content, dictionary)
    except ValueError as error:
        raise AudioError(
            "truncated", f"{file}: the page at byte {page.begin} can't be decoded ({error}); fetch the file again"
        ) from error
