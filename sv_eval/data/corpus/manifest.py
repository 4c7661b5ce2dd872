"""Corpora listed in a table: CSV, TSV or JSON lines, read row by row."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TextIO

from sv_eval.data.audio.channels import EACH, channel_word
from sv_eval.data.corpus.config import DatasetConfig
from sv_eval.data.corpus.entry import Entry, OpenedCorpus
from sv_eval.data.corpus.layouts import audio_below, root_of
from sv_eval.data.corpus.notes import Note, note_on_unranged
from sv_eval.data.corpus.remote_source import RemoteSizes
from sv_eval.data.corpus.schema import Card
from sv_eval.data.corpus.tree import FileSizes, printable
from sv_eval.data.corpus.votes import most_voted, read_emotions, read_votes
from sv_eval.data.storage.address import is_address
from sv_eval.data.storage.place import Place, placed
from sv_eval.data.storage.text import is_file, opened_text
from sv_eval.dimensions import AROUSAL, DIMENSIONS, DOMINANCE, VALENCE, Range
from sv_eval.errors import CorpusError, nearest

COLUMNS = {name: name for name in ("id", "path", "emotion", "speaker", "sex", "language", "age", "accent")} | {
    name: name for name in ("transcript", "start", "end", "split", "channel", "votes", "emotions", *DIMENSIONS)
}
"""Field to the column it is read from unless the card or the user says otherwise."""
_KEY = "dataset.manifest.columns"
_REQUIRED = ("path", "emotion")
_STRUCTURED = ("votes", "emotions")
VOTES_OF = "votes_"
"""Begins the columns that hold the votes, or the share, of one emotion each: `votes_angry`."""
_JSON_LINES = (".jsonl", ".ndjson")
_SENSEVOICE = {
    "id": "key",
    "path": "source",
    "emotion": "emo_target",
    "language": "text_language",
    "transcript": "target",
}
"""Field to key of the lines that SenseVoice is trained with."""
_MOST_NAMED = 20
_NO_FILE_LASTS_S = 1e9
"""Thirty years."""
Row = tuple[int, Mapping[str, Any]]


class Sizes(Protocol):
    """Files by the names that a table gives them."""

    def found(self, path: str) -> tuple[str, int | None]:
        """The path as it is spelled where it lies, and the size in bytes; None for a file that isn't there."""
        ...


def open_manifest(config: DatasetConfig, card: Card) -> OpenedCorpus:
    """The clips of a manifest; its audio paths are relative to the root, or else to the manifest's folder."""
    path = _manifest_path(config, card)
    root = root_of(config, card) if config.root is not None else path.parent
    columns = columns_of(_KEY, card.layout.columns, config.manifest.columns, card.ranges)
    notes: list[Note] = []
    return OpenedCorpus(
        entries=_entries(path, root, columns, config.manifest.delimiter, card, notes),
        notes=notes,
        **audio_below(root, config.limits),
    )


def _manifest_path(config: DatasetConfig, card: Card) -> Path | Place:
    if config.manifest.file is not None:
        places = [placed(config.manifest.file)]
        if config.root is not None and not is_address(config.manifest.file):
            places.append(placed(config.root) / config.manifest.file)
    elif card.folder is None:
        raise CorpusError(
            "dataset.manifest.file isn't set: give the table that lists the clips (.csv, .tsv, .jsonl)"
        )
    else:
        places = [placed(config.root) / card.layout.file] if config.root is not None else []
        places.append(card.folder / card.layout.file)
        if config.root is None and not card.layout.bundled:
            root_of(config, card)
    for place in places:
        if is_file(place):
            return place
    hint = f"; {card.source.how}" if card.folder is not None else "; check dataset.manifest.file"
    raise CorpusError(f"{' and '.join(map(str, places))}: there is no such manifest{hint}")


def columns_of(
    key: str, of_card: Mapping[str, str | None], of_user: Mapping[str, str | None], ranges: Mapping[str, Range]
) -> dict[str, tuple[str, bool]]:
    """Field to column, and whether the column must be there. key: the setting; raises CorpusError."""
    chosen: dict[str, str | None] = {**of_card, **of_user}
    for name in chosen:
        if name not in COLUMNS:
            raise CorpusError(f"{key}: '{name}' is no field of a clip; {nearest(name, COLUMNS)}")
    for name in DIMENSIONS:
        if chosen.get(name) is not None and name not in ranges:
            raise CorpusError(
                f"{key}.{name}: nobody said of which range its numbers are; declare it, e.g. "
                f"dataset.dimensions.{name}=[1,7]"
            )
    merged = {name: chosen.get(name, column) for name, column in COLUMNS.items()}
    # A number of an undeclared range says nothing: such a column is left, and told of.
    return {
        name: (column, name in chosen or name in _REQUIRED or name in ranges)
        for name, column in merged.items()
        if column is not None and (name not in DIMENSIONS or name in ranges)
    }


def _entries(
    path: Path | Place,
    root: Path | Place,
    columns: Mapping[str, tuple[str, bool]],
    delimiter: str | None,
    card: Card,
    notes: list[Note],
) -> Iterator[Entry]:
    by_row = path.suffix.lower() in _JSON_LINES
    cells: dict[str, str] = {}
    counted: dict[str, str] = {}
    unseen = {name: column for name, (column, needed) in columns.items() if needed}
    held: dict[str, None] = {}
    sizes = _sizes(path, root, columns, delimiter)
    with opened_text(path, encoding="utf-8-sig", newline="") as file:
        for line, row in _rows(path, file, delimiter):
            where = f"{path}:{line}"
            if by_row or not cells:
                # Each JSON object has keys of its own; a table's rows share the header.
                cells = {name: column for name, (column, _) in columns.items() if column in row}
                if by_row and "path" not in cells and {"source", "emo_target"} <= row.keys():
                    # A key that was named otherwise goes before SenseVoice's own.
                    cells = {**{name: key for name, key in _SENSEVOICE.items() if key in row}, **cells}
                held.update(dict.fromkeys(row))
                counted = {
                    name[len(VOTES_OF) :]: name
                    for name in row
                    if name.startswith(VOTES_OF) and name not in cells.values()
                }
                voted = "votes" in cells or bool(counted)
                if voted and "emotion" not in cells:
                    # What most raters say is the label where nobody gives another.
                    unseen.pop("emotion", None)
                for name in _REQUIRED if by_row else unseen:
                    if name in columns and name not in cells and not (name == "emotion" and voted):
                        raise no_column(_KEY, where if by_row else str(path), name, columns[name][0], row)
                unseen = {name: column for name, column in unseen.items() if name not in cells}
            entry = entry_of_row(where, row, cells, sizes)
            entry.votes, entry.raters = read_votes(where, row.get(cells.get("votes", "")), row, counted)
            entry.emotions = read_emotions(where, row.get(cells.get("emotions", "")))
            if "emotion" not in cells:
                entry.label = most_voted(entry, card)
            yield entry
    if not cells:
        raise CorpusError(f"{path}: the manifest lists no clip; give it a row per clip below its header")
    for name, column in unseen.items():
        raise no_column(_KEY, str(path), name, column, held)
    notes.extend(unranged(held, columns))


def _sizes(
    path: Path | Place, root: Path | Place, columns: Mapping[str, tuple[str, bool]], delimiter: str | None
) -> Sizes:
    """The sizes of the files that the table names; where they must be asked for one by one, that is done now."""
    if isinstance(root, Path):
        return FileSizes(root)
    sizes = RemoteSizes(root)
    column = columns["path"][0]
    if not root.lists:
        with opened_text(path, encoding="utf-8-sig", newline="") as file:
            sizes.look_up(
                name for _, row in _rows(path, file, delimiter) if isinstance(name := row.get(column), str) and name
            )
    return sizes


def unranged(held: Iterable[str], columns: Mapping[str, tuple[str, bool]]) -> list[Note]:
    """A note on dimensions that are in the file and whose range nobody declared."""
    there = set(held)
    left = [name for name in DIMENSIONS if name in there and name not in columns]
    return [note_on_unranged(left)] if left else []


def no_column(key: str, where: str, name: str, column: str, held: Iterable[str]) -> CorpusError:
    """The error for a table without the column of a field, with those that it holds. key: the setting."""
    null = " (null if there is none)" if name == "emotion" else ""
    return CorpusError(
        f"{where}: there is no column '{column}', but {', '.join(islice(held, _MOST_NAMED))}; "
        f"name the right one: {key}.{name}=COLUMN{null}"
    )


def _rows(path: Path | Place, file: TextIO, delimiter: str | None) -> Iterator[Row]:
    """The rows with their line numbers; what can't be read is a CorpusError with file and line."""
    line = 0
    reader = None
    try:
        if path.suffix.lower() in _JSON_LINES:
            for line, text in enumerate(file, start=1):
                if text.strip():
                    yield line, _json_row(f"{path}:{line}", text)
            return
        tabs = path.suffix.lower() in (".tsv", ".tab")
        reader = csv.reader(file, delimiter=delimiter or ("\t" if tabs else ","), strict=True)
        header = [name.strip() for name in next(reader, [])]
        for cells in reader:
            line = reader.line_num
            if len(cells) != len(header):
                if not cells:
                    continue
                raise CorpusError(
                    f"{path}:{line} has {len(cells)} columns, but the header has {len(header)}; "
                    "mend the row (a comma inside a text needs quotes)"
                )
            yield line, dict(zip(header, cells, strict=True))
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path} after line {line} isn't UTF-8 ({error.reason}); save it as UTF-8") from error
    except (csv.Error, TypeError) as error:
        line = reader.line_num if reader is not None else 1
        raise CorpusError(f"{path}:{line} can't be read as a table row: {error}; mend the row") from error


def _json_row(where: str, text: str) -> dict[str, Any]:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"{where} isn't JSON ({error}); a .jsonl file holds one object a line") from error
    if not isinstance(row, dict):
        raise CorpusError(f'{where} is {type(row).__name__}, not an object; write {{"path": ..., "emotion": ...}}')
    return row


def entry_of_row(where: str, row: Mapping[str, Any], cells: Mapping[str, str], sizes: Sizes) -> Entry:
    """The entry for a row. cells: field to column, for those that it has; raises CorpusError."""
    fields = {
        name: _text(where, column, row.get(column)) for name, column in cells.items() if name not in _STRUCTURED
    }
    path = fields.get("path")
    if path is None:
        raise CorpusError(f"{where}: the column '{cells['path']}' is empty; every row needs its audio's path")
    start_s, end_s = (_seconds(where, name, fields.get(name)) for name in ("start", "end"))
    if end_s is not None and end_s <= (start_s or 0.0):
        raise CorpusError(
            f"{where}: the clip ends at {end_s:g} s, not after its start; mend start and end (seconds)"
        )
    stretch = (
        "" if start_s is None and end_s is None else f"@{start_s or 0:g}-{'' if end_s is None else f'{end_s:g}'}"
    )
    channel = fields.get("channel")
    if (number := _channel_number(channel)) is not None:
        # Two channels of a file are two clips, which may differ in nothing else.
        stretch += f"#{number}"
    found, size = sizes.found(path)
    language = fields.get("language")
    return Entry(
        id=fields.get("id") or printable(os.path.splitext(path)[0]) + stretch,
        path=found,
        where=where,
        label=fields.get("emotion"),
        speaker=fields.get("speaker"),
        sex=fields.get("sex"),
        age=fields.get("age"),
        accent=fields.get("accent"),
        language=None if language is None else _language(language),
        transcript=fields.get("transcript"),
        arousal=fields.get(AROUSAL),
        valence=fields.get(VALENCE),
        dominance=fields.get(DOMINANCE),
        split=fields.get("split"),
        start_s=start_s,
        end_s=end_s,
        size_bytes=size,
        channel=channel,
    )


def _channel_number(channel: str | None) -> str | None:
    """The number of the channel that a row asks for; None for none in particular, and for what is refused later."""
    try:
        number = channel_word(channel)
    except ValueError:
        return None
    return None if number == EACH else number


def _language(text: str) -> str | None:
    """A tag, also out of a token; None for the tokens that stand for no language."""
    tag = text.removeprefix("<|").removesuffix("|>")
    return None if tag in ("nospeech", "auto") else tag


def _text(where: str, column: str, value: object) -> str | None:
    """A cell as text without blanks around it; None when it is empty."""
    if value is None:
        return None
    if isinstance(value, bool | list | dict):
        raise CorpusError(f"{where}: the column '{column}' holds {value!r}; it should be text or a number")
    return str(value).strip() or None


def _seconds(where: str, name: str, text: str | None) -> float | None:
    """A cell's seconds from the beginning of the file; None when it is empty."""
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < _NO_FILE_LASTS_S:
        raise CorpusError(f"{where}: {name} is '{text}'; give seconds from the file's beginning, 0 or more")
    return value
