"""Corpora in tar shards, as WebDataset has them: the files of one key are a clip, labels in json, cls or txt."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from sv_eval.backend import Location
from sv_eval.data.audio.decoding import OpenFile, decode
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.corpus.config import DatasetConfig
from sv_eval.data.corpus.entry import Entry, OpenedCorpus
from sv_eval.data.corpus.location import stretch_of
from sv_eval.data.corpus.manifest import COLUMNS, entry_of_row
from sv_eval.data.corpus.remote_source import Ahead
from sv_eval.data.corpus.schema import Card
from sv_eval.data.corpus.shard_index import Sample, samples_of
from sv_eval.data.corpus.tree import files_below, glob_regex
from sv_eval.data.corpus.votes import most_voted, read_emotions, read_votes
from sv_eval.data.storage.place import Place, all_at_once, placed
from sv_eval.errors import CorpusError, nearest
from sv_eval.records import Clip, Waveform

_BRACES = re.compile(r"\{(\d+)\.\.(\d+)\}|\{([^{}]*,[^{}]*)\}")
_LABELS = ("emotion", "label")
"""Keys of the json that hold the label where nobody says which does."""
_MOST_SHARDS = 1_000_000


def open_shards(config: DatasetConfig, card: Card) -> OpenedCorpus:
    """The clips of the shards that the root names."""
    for name in config.webdataset.columns:
        if name not in COLUMNS:
            raise CorpusError(
                f"dataset.webdataset.columns: '{name}' is no field of a clip; {nearest(name, COLUMNS)}"
            )
    source = ShardSource(config.limits)
    return OpenedCorpus(entries=_entries(config, card, source), source=source, ends=source.ends)


def shard_names(pattern: str) -> list[str]:
    """The names that braces stand for, in order; raises CorpusError.

    >>> shard_names("s3://b/{train,test}-{08..10}.tar")[:3]
    ['s3://b/train-08.tar', 's3://b/train-09.tar', 's3://b/train-10.tar']
    """
    pieces: list[list[str]] = []
    at, many = 0, 1
    for found in _BRACES.finditer(pattern):
        first, last, words = found.groups()
        if words is None:
            if int(last) < int(first) or (int(last) - int(first) + 1) * many > _MOST_SHARDS:
                raise CorpusError(f"dataset.root={pattern}: {found[0]} stands for no number, or for far too many")
            chosen = [f"{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)]
        else:
            chosen = words.split(",")
        many *= len(chosen)
        pieces += [[pattern[at : found.start()]], chosen]
        at = found.end()
    return ["".join(parts) for parts in product(*pieces, [pattern[at:]])]


def _shards(root: str | None) -> list[Path | Place]:
    """The shards that the root names, in order; raises CorpusError."""
    if root is None:
        raise CorpusError(
            "dataset.root isn't set: give the shards, dataset.root=DIR/shard-{000..009}.tar, or a folder of them"
        )
    found: list[Path | Place] = []
    for name in shard_names(root):
        if name.lower().endswith(".tar") and "*" not in name:
            found.append(placed(name))
            continue
        folder, glob = name, "**/*.tar"
        if "*" in name:
            folder, _, glob = name.rpartition("/") if "*" not in name.rpartition("/")[0] else (name, "", "")
            if not glob:
                raise CorpusError(f"dataset.root={root}: `*` may stand in a shard's own name, not in its folder's")
        below = placed(folder or ".")
        if isinstance(below, Path) and not below.is_dir():
            raise CorpusError(f"dataset.root={root}: {below} is no folder and no .tar; give shards or their folder")
        paths = sorted(path for path, _ in files_below(below) if glob_regex(glob).fullmatch(path))
        found += [below / path for path in paths]
    if not found:
        raise CorpusError(f"dataset.root={root}: there is no .tar")
    return found


@dataclass(frozen=True, slots=True)
class _Lies:
    """Where a clip's audio lies."""

    shard: Path | Place
    begin: int
    size: int
    ends: bytes

    def content(self) -> bytes:
        return stretch_of(self.shard, self.begin, self.size)


class ShardSource:
    """Audio in shards; it learns on walking them where each clip lies."""

    def __init__(self, limits: AudioLimits) -> None:
        self._limits = limits
        self._lies: dict[str, _Lies] = {}
        self._ahead = Ahead()

    def locate(self, path: str, shard: Path | Place, sample: Sample) -> None:
        """Remembers where the audio of that path lies."""
        self._lies[path] = _Lies(shard, sample.begin, sample.size, sample.ends)

    def ends(self, clip: Clip) -> bytes:
        """A digest of the ends of the clip's encoded audio."""
        return self._lies[clip.path].ends

    def fetch(self, clip: Clip) -> None:
        """Begins to fetch a clip that will be asked for soon."""
        lies = self._lies[clip.path]
        if isinstance(lies.shard, Place) and lies.size <= self._limits.max_encoded_bytes:
            self._ahead.begin(clip.path, lies.content)

    def load(self, clip: Clip, *, keep_encoded: bool = False) -> Waveform:
        """The clip's audio, decoded from its bytes in the shard."""
        size = self._lies[clip.path].size
        content = b"" if size > self._limits.max_encoded_bytes else self.encoded(clip)
        return decode(
            OpenFile(file=io.BytesIO(content), name=clip.path.rpartition("/")[2], size=size),
            limits=self._limits,
            start_s=clip.start_s,
            end_s=clip.end_s,
            channel=clip.channel,
            keep_encoded=keep_encoded,
        )

    def location(self, clip: Clip) -> Location:
        """Where the clip's audio lies, for who reads it elsewhere."""
        lies = self._lies[clip.path]
        return Location(
            address=str(lies.shard) if isinstance(lies.shard, Place) else os.path.abspath(lies.shard),
            name=clip.path.rpartition("/")[2],
            begin=lies.begin,
            size=lies.size,
            start_s=clip.start_s,
            end_s=clip.end_s,
            channel=clip.channel,
        )

    def encoded(self, clip: Clip) -> bytes:
        """The clip's bytes; raises AudioError."""
        return self._ahead.take(clip.path, self._lies[clip.path].content)


def _entries(config: DatasetConfig, card: Card, source: ShardSource) -> Iterator[Entry]:
    shards = _shards(config.root)
    options = config.webdataset
    columns = {name: options.columns.get(name, column) for name, column in COLUMNS.items()}
    found = False
    names = _short_names(shards)
    for shard, name, samples in zip(
        shards, names, all_at_once(lambda one: samples_of(one, options.audio), shards), strict=True
    ):
        for sample in samples:
            found = True
            entry = _entry(f"{shard}: {sample.key}", sample, columns, "emotion" in options.columns)
            if entry.label is None and (entry.votes or entry.raters):
                entry.label = most_voted(entry, card)
            entry.path = f"{name}/{sample.key}.{sample.audio}"
            source.locate(entry.path, shard, sample)
            yield entry
    if not found:
        ending = f".{options.audio}" if options.audio else "sound"
        raise CorpusError(f"dataset.root={config.root}: no file of {ending} is in the shards ({shards[0]}, ...)")


def _short_names(shards: list[Path | Place]) -> list[str]:
    """What each shard is called in paths of clips: its file's name, with folders where two share it."""
    names = [shard.name for shard in shards]
    return names if len(set(names)) == len(names) else [str(shard) for shard in shards]


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
