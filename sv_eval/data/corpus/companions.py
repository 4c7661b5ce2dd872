"""Reading the tables beside the audio: rows by the name of the clip they speak of."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sv_eval.data.corpus.companion_rule import Companion
from sv_eval.data.corpus.template import filled, template_names, without_capitals
from sv_eval.data.corpus.text_encoding import cell_text, composed, decoded
from sv_eval.data.corpus.tree import AUDIO_SUFFIXES, glob_regex, printable
from sv_eval.data.storage.place import Place, StorageError
from sv_eval.errors import CorpusError, nearest

Columns = dict[str, str]
"""Column to cell; columns are known without their capitals."""


class Table:
    """The rows of a companion. Equal cells are kept once, so that a row costs a few hundred bytes."""

    def __init__(self, companion: Companion) -> None:
        self.companion = companion
        """The rule that it was read by."""
        self._names = tuple(companion.columns)
        self._columns = tuple(without_capitals(column) for column in companion.columns.values())
        self._key = without_capitals(companion.key)
        self._in_key = template_names(self._key)
        self._label = without_capitals(companion.columns.get("label", ""))
        self._rows: dict[str, tuple[str, ...]] = {}
        self._cells: dict[str, str] = {}
        self._asked: set[str] = set()
        self.n_clips = 0
        """How many clips were asked about."""
        self.n_joined = 0
        """Of how many of them it speaks."""

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, columns: Columns, where: str) -> None:
        """Takes a row; of several for one clip the first holds."""
        label = filled(self._label, columns).casefold()
        for name in (*self._in_key, label):
            if name and name not in columns:
                raise CorpusError(f"{where}: there is no column '{name}'; {nearest(name, columns)}")
        key = named_as(cell_text(filled(self._key, columns)))
        if not key:
            return
        cells = [cell_text(columns.get(filled(column, columns).casefold(), "")) for column in self._columns]
        self._rows.setdefault(key.casefold(), (key, *(self._cells.setdefault(cell, cell) for cell in cells)))

    def row(self, key: str) -> dict[str, str] | None:
        """What the table says of a clip; None where it doesn't mention it."""
        key = named_as(key).casefold()
        self.n_clips += 1
        found = self._rows.get(key)
        if found is None:
            return None
        self.n_joined += 1
        if self.companion.lists:
            self._asked.add(key)
        return {name: cell for name, cell in zip(self._names, found[1:], strict=True) if cell}

    def unasked(self) -> list[str]:
        """The clips that the table lists and no file was there for, sorted."""
        return sorted(row[0] for key, row in self._rows.items() if key not in self._asked)


def named_as(key: str) -> str:
    """A clip's name as tables and files agree on it: in composed letters, and without an ending that says audio."""
    stem, dot, ending = key.rpartition(".")
    return composed(stem if dot and f".{ending.lower()}" in AUDIO_SUFFIXES else key)


def read_tables(
    root: Path | Place, companions: Iterable[Companion], files: Iterable[list[str]]
) -> tuple[Table, ...]:
    """Every companion's table, read from the `files` that were found for it; raises CorpusError."""
    tables = []
    for companion, paths in zip(companions, files, strict=True):
        table = Table(companion)
        for path in paths:
            _read(root, path, table)
        if companion.needed and not len(table):
            raise CorpusError(_nothing(root, companion, paths))
        tables.append(table)
    return tuple(tables)


def _nothing(root: Path | Place, companion: Companion, paths: list[str]) -> str:
    globs = " or ".join(companion.files)
    what = " and ".join(companion.columns)
    if paths:
        return f"{root}: {printable(paths[0])} gives no row with {what}; check that it is whole"
    return (
        f"{root}: the table with {what} isn't there ({globs}); it comes with the corpus: put it below dataset.root"
    )


def _read(root: Path | Place, path: str, table: Table) -> None:
    where = printable(os.path.join(str(root), path))
    companion = table.companion
    text = _text(root, path, companion, where)
    own = {"stem": os.path.splitext(path.rpartition("/")[2])[0], "path": path}
    match = companion.path_regex.search(path) if companion.path_regex else None
    own |= {name.casefold(): value or "" for name, value in match.groupdict().items()} if match else {}
    if companion.form == "text":
        table.add({**own, "text": text}, where)
    elif companion.form == "table" and path.lower().endswith(".json"):
        for row in json_rows(text, companion.rows or "{key}", where):
            table.add({**own, **row}, where)
    elif companion.form == "table":
        for line, row in csv_rows(text, path, where):
            table.add({**own, **row}, f"{where}:{line}")
    else:
        for found in filter(None, map(companion.line_regex.search, text.splitlines())):  # type: ignore[union-attr]
            groups = {name.casefold(): value or "" for name, value in found.groupdict().items()}
            table.add({**own, **groups}, where)


def _text(root: Path | Place, path: str, companion: Companion, where: str) -> str:
    fallback = next((name for glob, name in companion.encodings.items() if glob_regex(glob).fullmatch(path)), None)
    try:
        return decoded((root / path).read_bytes(), fallback)
    except StorageError as error:
        raise error.as_corpus_error() from error
    except OSError as error:
        raise CorpusError(f"{where} can't be read ({error.strerror}); check its permissions") from error
    except UnicodeDecodeError as error:
        raise CorpusError(f"{where} is neither UTF-8, UTF-16 nor {fallback or 'what its card names'}") from error


def csv_rows(text: str, path: str, where: str) -> Iterator[tuple[int, Columns]]:
    """The rows of a table with a header, each with its line; tabs divide it where its path ends in .tsv."""
    tabs = path.lower().endswith((".tsv", ".tab"))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if tabs else ",")
    try:
        header = [name.strip().casefold() for name in next(reader, [])]
        for cells in reader:
            if cells:
                yield reader.line_num, dict(zip(header, cells, strict=False))
    except csv.Error as error:
        raise CorpusError(
            f"{where}:{reader.line_num} can't be read as a table row: {error}; mend the row"
        ) from error


def json_rows(text: str, pattern: str, where: str) -> Iterator[Columns]:
    """The rows of a JSON file, each with the names on the way to it."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"{where} isn't JSON ({error}); get the file anew") from error
    yield from _walk(data, pattern.split("/"), {})


def _walk(data: Any, steps: list[str], above: Columns) -> Iterator[Columns]:
    """The rows below `data`, each with the names on the way to it and with what lies beside fixed steps."""
    if not steps:
        yield {**above, **_flat(data, "")}
        return
    named = template_names(steps[0])
    if named and isinstance(data, Mapping | list):
        items = data.items() if isinstance(data, Mapping) else enumerate(data)
        for name, value in items:
            yield from _walk(value, steps[1:], {**above, named[0].casefold(): str(name)})
    elif isinstance(data, Mapping) and steps[0] in data:
        beside = {name: value for name, value in data.items() if name != steps[0]}
        yield from _walk(data[steps[0]], steps[1:], {**above, **_flat(beside, "")})


def _flat(data: Any, prefix: str) -> Columns:
    """Plain values by their path, joined by dots, without capitals."""
    if isinstance(data, Mapping):
        parts = (_flat(value, f"{prefix}{str(name).casefold()}.") for name, value in data.items())
        return {name: value for part in parts for name, value in part.items()}
    if data is None or isinstance(data, list):
        return {}
    return {prefix.removesuffix("."): str(data)}
