"""Corpora in Parquet files with audio in a column, as Hugging Face has them: no more is read than is asked for."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sv_eval.backend import Location, Page
from sv_eval.data.corpus.config import DatasetConfig
from sv_eval.data.corpus.entry import Entry, OpenedCorpus
from sv_eval.data.corpus.location import location_in
from sv_eval.data.corpus.manifest import VOTES_OF, columns_of, entry_of_row, no_column, unranged
from sv_eval.data.corpus.notes import Note
from sv_eval.data.corpus.parquet_columns import audio_column, plain
from sv_eval.data.corpus.parquet_index import Sound, Sounds, Table, opened, sounds_of
from sv_eval.data.corpus.parquet_pages import Pages, Room
from sv_eval.data.corpus.schema import Card
from sv_eval.data.corpus.shard_names import shards_of, short_names
from sv_eval.data.corpus.shard_source import OrderedShardSource, missing
from sv_eval.data.corpus.tree import printable
from sv_eval.data.corpus.votes import most_voted, read_emotions, read_votes
from sv_eval.data.storage.place import Place, all_at_once
from sv_eval.data.storage.stretch import stretch_of
from sv_eval.errors import CorpusError
from sv_eval.records import Clip

_KEY = "dataset.parquet.columns"
_LABELS = ("emotion", "label")
"""Columns that hold the label where nobody says which does."""
_PATH = "\0path"


def open_parquet(config: DatasetConfig, card: Card) -> OpenedCorpus:
    """The clips of the Parquet files that the root names."""
    reader = _Reader(config, card)
    source = OrderedShardSource(config.limits)
    notes: list[Note] = []
    return OpenedCorpus(
        entries=_entries(config, card, reader, source, notes), source=source, ends=source.ends, notes=notes
    )


@dataclass(frozen=True, slots=True)
class _Lies:
    """Where a clip's audio lies."""

    shard: Path | Place
    place: tuple[int, int]
    sound: Sound
    page: Page
    pages: Pages
    name: str

    @property
    def size(self) -> int:
        return self.sound.size

    @property
    def ends(self) -> bytes | None:
        return self.sound.ends

    def content(self) -> bytes:
        if self.sound.begin is not None:
            return stretch_of(self.shard, self.sound.begin, self.size)
        found = None if self.ends is None else self.pages.content(self.shard, self.page, self.sound.row)
        if found is None:
            raise missing(self.name)
        return found

    def location(self, clip: Clip, name: str) -> Location:
        page = self.page if self.sound.begin is None else None
        return location_in(self.shard, clip, name, self.size, begin=self.sound.begin, page=page, row=self.sound.row)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What was read of a file before any of its clips is asked for."""

    sounds: Sounds
    rows: list[dict[str, Any]]
    """What its columns say, row by row; the audio's own name as `path` behind a NUL."""
    cells: Mapping[str, str]
    """Field to column."""
    counted: Mapping[str, str]
    """Emotion to the column that counts its votes."""
    held: tuple[str, ...]
    """All of its columns."""


class _Reader:
    """Reads files by the same columns."""

    def __init__(self, config: DatasetConfig, card: Card) -> None:
        self._audio = config.parquet.audio
        self._chosen = config.parquet.columns
        self.room = Room()
        self.columns = columns_of(_KEY, {}, {"path": None, **config.parquet.columns}, card.ranges)

    def read(self, shard: Path | Place) -> _Read:
        """What the file says, and where its sound lies; raises CorpusError."""
        with opened(shard) as table:
            audio = audio_column(table, self._audio)
            cells = self._cells(table)
            if (field := next((name for name, column in cells.items() if column == audio.name), None)) is not None:
                raise CorpusError(f"{shard}: the column '{audio.name}' is the audio; give {_KEY}.{field} another")
            counted = {
                name[len(VOTES_OF) :]: name
                for name in table.columns
                if name.startswith(VOTES_OF) and name not in cells.values()
            }
            self._refuse_missing(table, cells, voted="votes" in cells or bool(counted))
            sounds = sounds_of(table, audio.values, self.room)
            table.refuse_other_length([audio.values], len(sounds.rows))
            wanted = dict.fromkeys([*cells.values(), *counted.values()])
            # Its own name lies in a column beside the sound.
            names = table.rows([audio.names]) if audio.names is not None else None
            rows = table.rows(list(wanted))
            for number, row in enumerate(rows):
                for column in wanted:
                    row[column] = plain(f"{shard}: row {number}", column, row[column], table.words.get(column))
                row[_PATH] = None if names is None else (names[number][audio.name] or {}).get("path")
            self._refuse_silent(table, audio.name, sounds, rows)
        return _Read(sounds=sounds, rows=rows, cells=cells, counted=counted, held=tuple(table.columns))

    def _cells(self, table: Table) -> dict[str, str]:
        cells = {name: column for name, (column, _) in self.columns.items() if column in table.columns}
        if "emotion" not in self._chosen and "emotion" not in cells:
            cells |= [("emotion", name) for name in _LABELS if name in table.columns][:1]
        return cells

    def _refuse_missing(self, table: Table, cells: Mapping[str, str], *, voted: bool) -> None:
        for name, (column, needed) in self.columns.items():
            # What most raters say is the label where nobody gives another.
            if needed and name not in cells and not (name == "emotion" and voted and "emotion" not in self._chosen):
                raise no_column(_KEY, str(table.shard), name, column, table.columns)

    def _refuse_silent(self, table: Table, column: str, sounds: Sounds, rows: list[dict[str, Any]]) -> None:
        """Raises CorpusError for a file without any sound, such as one whose rows name files."""
        if not rows or any(sound.ends is not None for sound in sounds.rows):
            return
        named = next((number for number, row in enumerate(rows) if row[_PATH]), None)
        if named is None:
            raise CorpusError(f"{table.shard}: all rows of the column '{column}' are empty; write the file anew")
        raise CorpusError(
            f"{table.shard}: the column '{column}' names files ({printable(rows[named][_PATH])} in row {named}) "
            "and holds none; read them with dataset=huggingface dataset.root=DIR, or write them into it, as "
            "`to_parquet` and `push_to_hub` of `datasets` do"
        )


def _entries(
    config: DatasetConfig, card: Card, reader: _Reader, source: OrderedShardSource, notes: list[Note]
) -> Iterator[Entry]:
    shards = shards_of(config.root, ".parquet")
    pages = Pages(reader.room)
    held: dict[str, None] = {}
    found = False
    for number, (shard, name, read) in enumerate(
        zip(shards, short_names(shards), all_at_once(reader.read, shards), strict=True)
    ):
        held.update(dict.fromkeys(read.held))
        for place, (sound, row) in enumerate(zip(read.sounds.rows, read.rows, strict=True)):
            found = True
            where = f"{shard}: row {place}"
            entry = _entry(where, f"{name}/row {place}", len(read.rows), row, read, sound)
            if entry.label is None and (entry.votes or entry.raters):
                entry.label = most_voted(entry, card)
            page = read.sounds.pages[sound.page]
            source.locate(entry.path, _Lies(shard, (number, place), sound, page, pages, where))
            yield entry
    if not found:
        raise CorpusError(f"dataset.root={config.root}: no row is in the files ({shards[0]}, ...)")
    notes.extend(unranged(held, reader.columns))


@dataclass(frozen=True, slots=True)
class _Known:
    """A size that the file told."""

    size: int | None

    def found(self, path: str) -> tuple[str, int | None]:
        return path, self.size


def _entry(where: str, path: str, rows: int, row: Mapping[str, Any], read: _Read, sound: Sound) -> Entry:
    """The entry for a row, named after the file that its audio once was, or else after the row."""
    name = row[_PATH]
    # Where somebody's own disk had it is nobody's business.
    own = None if not name else posixpath.basename(name) if name.startswith("/") else name
    shard, _, number = path.rpartition("/row ")
    fallback = f"{shard.removesuffix('.parquet')}/{int(number):0{len(str(max(rows - 1, 0)))}d}"
    size = None if sound.ends is None else sound.size
    entry = entry_of_row(where, {**row, _PATH: own or fallback}, {**read.cells, "path": _PATH}, _Known(size))
    entry.path = path if own is None else f"{path}/{printable(own)}"
    if (column := read.cells.get("votes")) is not None or read.counted:
        entry.votes, entry.raters = read_votes(where, None if column is None else row[column], row, read.counted)
    if (column := read.cells.get("emotions")) is not None:
        entry.emotions = read_emotions(where, row[column])
    return entry
