"""What a Parquet file holds: where the sound of each row lies in it, and what its other columns say."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from sv_eval.backend import Page
from sv_eval.data.corpus.fingerprint import END_BYTES, digest_of_ends
from sv_eval.data.corpus.parquet_pages import UNCOMPRESSED, Chunk, Room, chunks_of, pages_of, values_of
from sv_eval.data.corpus.shard_cache import ShardCache
from sv_eval.data.storage.place import Place, StorageError
from sv_eval.data.storage.ranged_file import RangedFile
from sv_eval.data.storage.stretch import opened_for_walking, stretch_of
from sv_eval.errors import AudioError, CorpusError, MissingPackageError

_VERSION = 1
_BLOCK_BYTES = 1 << 22
_FOOTER_BYTES = 1 << 18
_ROWS_AT_A_TIME = 4096
_LENGTH_BYTES = 4
_LFS = b"version https://git-lfs"


class Sound(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """The sound of one row."""

    size: int
    """Its bytes."""
    ends: bytes | None
    """Digest of what it begins and ends with; None for a row without any."""
    page: int
    """The number of the page that holds it."""
    row: int
    """Its row in that."""
    begin: int | None
    """Where it begins in the file; None where it is compressed, or lies in a dictionary."""


class Sounds(msgspec.Struct, frozen=True, kw_only=True):
    """The sound of all rows of a file."""

    pages: list[Page]
    """The pages of its column."""
    rows: list[Sound]
    """In the file's order."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A Parquet file that was opened: its columns, and how to read them."""

    shard: Path | Place
    """The file."""
    columns: Mapping[str, Any]
    """Each column's name and its Arrow type."""
    words: Mapping[str, Sequence[str]]
    """Columns of numbers that stand for words, as `datasets` writes them (ClassLabel)."""
    heard: tuple[str, ...]
    """Columns that `datasets` says hold audio."""
    file: Any
    """pyarrow's ParquetFile."""
    raw: BinaryIO
    """What that reads from."""

    def rows(self, columns: Sequence[str]) -> list[dict[str, Any]]:
        """Each row's values in these columns, and no others are read; raises CorpusError."""
        if not columns:
            return [{} for _ in range(self.file.metadata.num_rows)]
        found: list[dict[str, Any]] = []
        with _told(self.shard), _troubles(self.raw):
            for batch in self.file.iter_batches(_ROWS_AT_A_TIME, columns=list(columns)):
                found += batch.to_pylist()
        self.refuse_other_length(columns, len(found))
        return found

    def refuse_other_length(self, columns: Sequence[str], rows: int) -> None:
        """Raises CorpusError where columns hold more or fewer rows than the file says that it has."""
        if rows != self.file.metadata.num_rows:
            raise CorpusError(
                f"{self.shard} has {self.file.metadata.num_rows} rows by its footer, and {rows} in "
                f"{', '.join(map(repr, columns))}; fetch it again"
            )

    def leaf(self, path: str) -> int | None:
        """The number of the column that lies there among those that hold values; None for none."""
        schema = self.file.metadata.schema
        return next((place for place in range(len(schema)) if schema.column(place).path == path), None)

    def holds_bytes(self, path: str) -> bool:
        """Whether there is a column at the path with one value of bytes a row."""
        if (leaf := self.leaf(path)) is None:
            return False
        column = self.file.metadata.schema.column(leaf)
        return column.physical_type == "BYTE_ARRAY" and not column.max_repetition_level


@contextmanager
def opened(shard: Path | Place) -> Iterator[Table]:
    """The file's columns; raises CorpusError, MissingPackageError."""
    try:
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingPackageError(
            f"reading {shard} needs another package; pip install 'sv-eval[parquet]'"
        ) from error
    with ExitStack() as stack:
        with _told(shard):
            raw = stack.enter_context(opened_for_walking(shard, _FOOTER_BYTES))
            with _troubles(raw):
                file = stack.enter_context(pq.ParquetFile(raw))
                schema = file.schema_arrow
        words, heard = _of_features(schema.metadata or {})
        columns = dict(zip(schema.names, schema.types, strict=True))
        yield Table(shard=shard, columns=columns, words=words, heard=heard, file=file, raw=raw)


def sounds_of(table: Table, path: str, room: Room) -> Sounds:
    """The sound of all rows, in the column that lies there; raises CorpusError.

    It is read once, page by page, and what was found is kept in the user's cache.
    """
    cache = ShardCache(table.shard, f"parquet:{_VERSION}:{path}")
    if (kept := cache.kept(Sounds)) is not None:
        return kept
    found = Sounds(pages=[], rows=[])
    leaf = table.leaf(path)
    levels = table.file.metadata.schema.column(leaf).max_definition_level
    group = 0
    with _told(table.shard), _troubles(table.raw):
        try:
            for chunk in chunks_of(table.raw, leaf or 0, levels):
                if chunk.rows:
                    _walk(table.shard, chunk, found, room)
                group += 1
        except (ValueError, EOFError) as error:
            raise CorpusError(
                f"{table.shard}: the column '{path}' can't be decoded from row {len(found.rows)} on, in row "
                f"group {group} ({error}); fetch the file again, or leave it out"
            ) from error
    cache.keep(found)
    return found


def _walk(shard: Path | Place, chunk: Chunk, found: Sounds, room: Room) -> None:
    """Takes up the pages of a chunk, and what is in them."""
    origin = chunk.begin if isinstance(shard, Place) else 0
    with _chunk_file(shard, chunk) as raw, _troubles(raw):
        # Headers are read byte by byte.
        file = raw if isinstance(shard, Path) else cast("BinaryIO", io.BufferedReader(cast("io.RawIOBase", raw)))
        for page in pages_of(file, chunk, origin):
            with room.taken(page):
                content, dictionary = (
                    _read(file, begin - origin, size)
                    for begin, size in ((page.begin, page.size), (page.dictionary_begin, page.dictionary_size))
                )
                found.rows.extend(_sounds(page, len(found.pages), content, values_of(page, content, dictionary)))
            found.pages.append(page)


def _chunk_file(shard: Path | Place, chunk: Chunk) -> BinaryIO:
    """The file; of one elsewhere the chunk alone, so that nothing of its neighbours is fetched."""
    if isinstance(shard, Path):
        return shard.open("rb")
    within = partial(_stretch, shard, chunk.begin)
    return cast("BinaryIO", RangedFile(within, chunk.size, _BLOCK_BYTES, most_blocks=2))


def _stretch(shard: Place, origin: int, begin: int, end: int) -> bytes:
    return shard.stretch(origin + begin, origin + end)


def _sounds(page: Page, number: int, content: bytes, values: Any) -> Iterator[Sound]:
    """What is in a page; content: its bytes as they lie in the file."""
    import pyarrow.compute as compute

    sizes = compute.binary_length(values).to_pylist()
    heads = compute.binary_slice(values, 0, END_BYTES).to_pylist()
    tails = compute.binary_slice(values, -END_BYTES).to_pylist()
    at = len(content) - sum(size + _LENGTH_BYTES for size in sizes if size is not None)
    for row, (size, head, tail) in enumerate(zip(sizes, heads, tails, strict=True)):
        begin = None
        if size is not None and page.codec == UNCOMPRESSED and not page.dictionary_size:
            at += _LENGTH_BYTES
            # Only what is seen to lie there is ever read from there.
            if at >= _LENGTH_BYTES and values[row].as_buffer().equals(_view(content, at, size)):
                begin = page.begin + at
            at += size
        yield Sound(
            size=size or 0,
            ends=None if size is None else digest_of_ends(head, tail),
            page=number,
            row=row,
            begin=begin,
        )


def _view(content: bytes, begin: int, size: int) -> Any:
    import pyarrow as pa

    return pa.py_buffer(content).slice(begin, size)


def _read(file: BinaryIO, begin: int, size: int) -> bytes:
    if not size:
        return b""
    file.seek(begin)
    found = file.read(size)
    if len(found) < size:
        raise EOFError("the file ends within a page")
    return found


def _of_features(metadata: Mapping[bytes, bytes]) -> tuple[dict[str, list[str]], tuple[str, ...]]:
    """The words of columns of numbers, and the columns of audio, where `datasets` left word of them."""
    features: object = None
    with suppress(ValueError, KeyError, TypeError, RecursionError):
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
    if not isinstance(features, dict):
        return {}, ()
    words = {name: found for name, feature in features.items() if (found := _names(feature)) is not None}
    return words, tuple(name for name, feature in features.items() if _type(feature) == "Audio")


def _names(feature: object) -> list[str] | None:
    """The words of a ClassLabel, or of a list of them."""
    if isinstance(feature, list) and len(feature) == 1:
        return _names(feature[0])
    if not isinstance(feature, dict):
        return None
    if _type(feature) == "ClassLabel" and isinstance(names := feature.get("names"), list):
        return [str(name) for name in names]
    return _names(feature["feature"]) if "feature" in feature else None


def _type(feature: object) -> object:
    return feature.get("_type") if isinstance(feature, dict) else None


@contextmanager
def _troubles(file: object) -> Iterator[None]:
    """Raises why a store failed where pyarrow or a reader says that the file did."""
    try:
        yield
    except (OSError, ValueError) as error:
        trouble = getattr(file, "trouble", None)
        if trouble is None:
            raise
        raise trouble from error


@contextmanager
def _told(shard: Path | Place) -> Iterator[None]:
    """What is wrong with a file, as a CorpusError."""
    try:
        yield
    except StorageError as error:
        raise error.as_corpus_error() from error
    except OSError as error:
        if error.errno is not None:
            raise CorpusError(f"{shard} can't be read ({error.strerror or error}); check dataset.root") from error
        raise _no_parquet(shard, error) from error
    except _errors_of_arrow() as error:
        raise _no_parquet(shard, error) from error


def _errors_of_arrow() -> tuple[type[Exception], ...]:
    """What pyarrow raises, whatever of Python's own errors each of them is, too."""
    import pyarrow as pa

    return (ValueError, pa.ArrowException)


def _no_parquet(shard: Path | Place, error: Exception) -> CorpusError:
    head = b""
    with suppress(AudioError):
        head = stretch_of(shard, 0, len(_LFS))
    if head == _LFS:
        return CorpusError(f"{shard} is a mere pointer of Git LFS; fetch the file itself: git lfs pull")
    said = " ".join(str(error).split())[:200]
    return CorpusError(f"{shard} is no whole Parquet file ({said}); fetch it again, or check dataset.root")
