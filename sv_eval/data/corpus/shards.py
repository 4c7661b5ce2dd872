"""Corpora in tar shards, as WebDataset has them: the files of one key are a clip, labels in json, cls or txt."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sv_eval.backend import Location
from sv_eval.data.corpus.config import DatasetConfig
from sv_eval.data.corpus.entry import Entry, OpenedCorpus
from sv_eval.data.corpus.location import location_in
from sv_eval.data.corpus.manifest import COLUMNS, entry_of_row
from sv_eval.data.corpus.schema import Card
from sv_eval.data.corpus.shard_index import Sample, samples_of
from sv_eval.data.corpus.shard_names import shards_of, short_names
from sv_eval.data.corpus.shard_source import ShardSource
from sv_eval.data.corpus.votes import most_voted, read_emotions, read_votes
from sv_eval.data.storage.place import Place, all_at_once
from sv_eval.data.storage.stretch import stretch_of
from sv_eval.errors import CorpusError, nearest
from sv_eval.records import Clip

_LABELS = ("emotion", "label")
"""Keys of the json that hold the label where nobody says which does."""


def open_shards(config: DatasetConfig, card: Card) -> OpenedCorpus:
    """The clips of the shards that the root names."""
    for name in config.webdataset.columns:
        if name not in COLUMNS:
            raise CorpusError(
                f"dataset.webdataset.columns: '{name}' is no field of a clip; {nearest(name, COLUMNS)}"
            )
    source = ShardSource(config.limits)
    return OpenedCorpus(entries=_entries(config, card, source), source=source, ends=source.ends)


@dataclass(frozen=True, slots=True)
class _Lies:
    """Where a clip's audio lies."""

    shard: Path | Place
    place: tuple[int, int]
    size: int
    ends: bytes

    def content(self) -> bytes:
        return stretch_of(self.shard, self.place[1], self.size)

    def location(self, clip: Clip, name: str) -> Location:
        return location_in(self.shard, clip, name, self.size, begin=self.place[1])


def _entries(config: DatasetConfig, card: Card, source: ShardSource) -> Iterator[Entry]:
    shards = shards_of(config.root, ".tar")
    options = config.webdataset
    columns = {name: options.columns.get(name, column) for name, column in COLUMNS.items()}
    found = False
    names = short_names(shards)
    walked = all_at_once(lambda one: samples_of(one, options.audio), shards)
    for number, (shard, name, samples) in enumerate(zip(shards, names, walked, strict=True)):
        for sample in samples:
            found = True
            entry = _entry(f"{shard}: {sample.key}", sample, columns, "emotion" in options.columns)
            if entry.label is None and (entry.votes or entry.raters):
                entry.label = most_voted(entry, card)
            entry.path = f"{name}/{sample.key}.{sample.audio}"
            source.locate(entry.path, _Lies(shard, (number, sample.begin), sample.size, sample.ends))
            yield entry
    if not found:
        ending = f".{options.audio}" if options.audio else "sound"
        raise CorpusError(f"dataset.root={config.root}: no file of {ending} is in the shards ({shards[0]}, ...)")


@dataclass(frozen=True, slots=True)
class _Known:
    """A size that the shard told."""

    size: int

    def found(self, path: str) -> tuple[str, int | None]:
        return path, self.size


def _entry(where: str, sample: Sample, columns: Mapping[str, str | None], label_chosen: bool) -> Entry:
    """The entry for a sample: what its json says, then its class and its words where the json doesn't."""
    row = _json(where, sample.side.get("json"))
    cells = {name: column for name, column in columns.items() if column is not None and column in row}
    if not label_chosen and "emotion" not in cells:
        cells |= [("emotion", name) for name in _LABELS if name in row][:1]
    # The sound is beside the json, whatever that says of the file that it once was.
    path = f"{sample.key}.{sample.audio}"
    entry = entry_of_row(where, {**row, "\0path": path}, {**cells, "path": "\0path"}, _Known(sample.size))
    if not cells.get("id"):
        entry.id = entry.id.replace(_without_ending(path), sample.key, 1)
    if (column := cells.get("votes")) is not None:
        entry.votes, entry.raters = read_votes(where, row[column], row, {})
    if (column := cells.get("emotions")) is not None:
        entry.emotions = read_emotions(where, row[column])
    entry.label = entry.label or sample.side.get("cls", "").strip() or None
    entry.transcript = entry.transcript or sample.side.get("txt", "").strip() or None
    return entry


def _without_ending(path: str) -> str:
    return path.rpartition(".")[0]


def _json(where: str, text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"{where}.json isn't JSON ({error}); write the shard anew") from error
    if not isinstance(row, dict):
        raise CorpusError(f'{where}.json is {type(row).__name__}, not an object; write {{"emotion": ...}}')
    return row
