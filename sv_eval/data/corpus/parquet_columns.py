"""Which column of a Parquet file is the audio, and what the values of the others mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sv_eval.data.corpus.parquet_index import Table
from sv_eval.errors import CorpusError

_BYTES, _PATH = "bytes", "path"
_USUAL = "audio"
_BINARY = ("binary", "large_binary", "binary_view")
_MOST_NAMED = 20


@dataclass(frozen=True, kw_only=True)
class AudioColumn:
    """The column with the audio."""

    name: str
    """As the file calls it."""
    values: str
    """Where the bytes lie in it: `audio.bytes`, or its name."""
    names: str | None
    """Where their names lie; None for none."""


def audio_column(table: Table, chosen: str | None) -> AudioColumn:
    """The column that is chosen, or the only one with audio; raises CorpusError."""
    if chosen is None:
        fit = [name for name in table.columns if _holds(table.columns[name]) is not None]
        heard = [name for name in fit if name in table.heard]
        several = heard or fit
        if not several:
            raise _none(table)
        if len(several) > 1 and _USUAL not in several:
            raise CorpusError(
                f"{table.shard}: several columns hold audio or bytes ({', '.join(several)}); say which one is the "
                f"clip, dataset.parquet.audio={several[0]}"
            )
        chosen = _USUAL if _USUAL in several else several[0]
    if chosen not in table.columns:
        raise CorpusError(
            f"{table.shard}: there is no column '{chosen}', but {_listed(table)}; name the one with the audio: "
            "dataset.parquet.audio=COLUMN"
        )
    kind = table.columns[chosen]
    parts = _holds(kind)
    values = f"{chosen}.{_BYTES}" if parts else chosen
    if parts is None or not table.holds_bytes(values):
        raise CorpusError(
            f"{table.shard}: the column '{chosen}' holds {_short(kind)}, which is no audio; {_instead(kind)}"
        )
    return AudioColumn(
        name=chosen, values=values, names=f"{chosen}.{_PATH}" if _PATH in parts and _is_text(kind) else None
    )


def plain(where: str, column: str, value: Any, words: Sequence[str] | None) -> Any:
    """A value as a table in text would hold it; raises CorpusError. words: what its numbers stand for."""
    if isinstance(value, list):
        if value and all(isinstance(item, tuple) and len(item) == 2 for item in value):
            return plain(where, column, dict(value), words)
        return [plain(where, column, item, words) for item in value]
    if isinstance(value, Mapping):
        # All rows of a struct have all its keys.
        return {name: item for name, item in value.items() if item is not None}
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if words is None or not isinstance(value, int) or isinstance(value, bool):
        return value
    if value == -1:
        # How `datasets` writes that there is no label.
        return None
    if not 0 <= value < len(words):
        raise CorpusError(
            f"{where}: the column '{column}' holds {value}, and the file names the classes 0 to {len(words) - 1} "
            f"({', '.join(islice(words, _MOST_NAMED))}); mend the row, or the names"
        )
    return words[value]


def _holds(kind: Any) -> tuple[str, ...] | None:
    """The parts of a type that may hold audio: none for bytes alone; None for another type."""
    if str(kind) in _BINARY:
        return ()
    names = _fields(kind)
    return names if _BYTES in names and str(kind.field(_BYTES).type) in _BINARY else None


def _fields(kind: Any) -> tuple[str, ...]:
    return (
        tuple(kind.field(place).name for place in range(kind.num_fields)) if str(kind).startswith("struct<") else ()
    )


def _is_text(kind: Any) -> bool:
    return "string" in str(kind.field(_PATH).type)


def _none(table: Table) -> CorpusError:
    named = [name for name in table.heard if name in table.columns]
    if named:
        kind = table.columns[named[0]]
        return CorpusError(f"{table.shard}: the column '{named[0]}' holds {_short(kind)}; {_instead(kind)}")
    return CorpusError(
        f"{table.shard}: no column holds audio ({{bytes, path}} or bytes), but there are {_listed(table)}; "
        "where one names files, read them with dataset=manifest"
    )


def _instead(kind: Any) -> str:
    if {"array", "sampling_rate"} <= set(_fields(kind)) or "list<" in str(kind):
        return "samples are read by dataset=huggingface dataset.huggingface.data_files=FILE"
    return "give one with files' bytes: dataset.parquet.audio=COLUMN"


def _listed(table: Table) -> str:
    return ", ".join(islice(table.columns, _MOST_NAMED))


def _short(kind: Any) -> str:
    return str(kind)[:80]
