"""Corpora that Hugging Face `datasets` can load. It hands over bytes; decoding is ours, without torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.corpus.config import DatasetConfig, HuggingFaceOptions
from sv_eval.data.corpus.entry import Entry, OpenedCorpus
from sv_eval.data.corpus.row_arrays import RATE_COLUMNS, ArraySource, holds_samples
from sv_eval.data.corpus.row_source import RowSource, holds_files
from sv_eval.data.corpus.schema import Card
from sv_eval.data.corpus.tree import printable
from sv_eval.data.storage.place import placed
from sv_eval.dimensions import DIMENSIONS
from sv_eval.errors import CorpusError

_BUILDERS = {".parquet": "parquet", ".json": "json", ".jsonl": "json", ".csv": "csv", ".arrow": "arrow"}
_INSTALL = "reading from Hugging Face needs its package `datasets`: pip install 'sv-eval[hf]'"


def open_huggingface(config: DatasetConfig, card: Card) -> OpenedCorpus:
    """The clips of a data set on the hub or in local parquet, json or csv files; `split` is its own split."""
    options = config.huggingface
    if options.path is None and options.data_files is None:
        options = card.layout.huggingface
    library = _library()
    table = _loaded(library, options, config.split)
    _check_columns(table, options)
    for name in DIMENSIONS:
        if getattr(options, f"{name}_column") is not None and name not in card.ranges:
            raise CorpusError(
                f"dataset.huggingface.{name}_column: nobody said of which range its numbers are; declare it, e.g. "
                f"dataset.dimensions.{name}=[1,7]"
            )
    root = None if config.root is None else placed(config.root)
    if root is not None and not isinstance(root, Path):
        raise CorpusError(
            f"dataset.root={root}: files that rows name are read from a folder; list them in a table for "
            "dataset=manifest"
        )
    source = _source(library, table, options.audio_column, root, config.limits)
    return OpenedCorpus(entries=_entries(table, source, options), source=source, ends=source.ends)


def _source(library: Any, table: Any, column: str, root: Path | None, limits: AudioLimits) -> RowSource:
    """The audio of the column, whatever it holds: encoded files, their names, or samples."""
    feature = table.features[column]
    if holds_samples(feature):
        beside = [name for name in RATE_COLUMNS if name in table.column_names]
        return ArraySource(table.select_columns([column, *beside]), column, root, limits)
    if not holds_files(feature):
        raise CorpusError(
            f"the column '{column}' holds {feature}, which is no audio: give one with files' bytes or names, or "
            "with samples as {array, sampling_rate}, in dataset.huggingface.audio_column=COLUMN"
        )
    audio = table.select_columns([column]).cast_column(column, library.Audio(decode=False))
    return RowSource(audio, column, root, limits)


def _library() -> Any:
    """Hugging Face's package. A bare folder named `datasets` imports too, as an empty namespace."""
    try:
        import datasets
    except ImportError as error:
        raise CorpusError(_INSTALL) from error
    if not hasattr(datasets, "load_dataset"):
        raise CorpusError(f"{_INSTALL} (what `import datasets` found is a mere folder: {list(datasets.__path__)})")
    return datasets


def _loaded(library: Any, options: HuggingFaceOptions, split: str) -> Any:
    files = options.data_files
    name = options.path or _builder(files)
    try:
        return library.load_dataset(
            name,
            options.config_name,
            data_files=list(files) if isinstance(files, tuple) else files,
            split=split,
            revision=options.revision,
        )
    except (
        OSError,
        ValueError,
        TypeError,
        ImportError,
        RuntimeError,
        library.exceptions.DatasetsError,
    ) as error:
        reason = " ".join(str(error).split())[:300]
        raise CorpusError(
            f"Hugging Face can't load '{name}', split '{split}': {reason}. Check dataset.huggingface.* and "
            "dataset.split; for a folder of audio files use dataset=folder or dataset=manifest"
        ) from error


def _builder(files: object) -> str:
    if files is None:
        raise CorpusError(
            "dataset.huggingface.path isn't set: give a data set on the hub (owner/name), a folder of "
            "parquet files, or dataset.huggingface.data_files"
        )
    first = files
    if isinstance(files, Mapping):
        first = next(iter(files.values()), "")
    elif isinstance(files, tuple):
        first = files[0] if files else ""
    suffix = Path(str(first)).suffix.lower()
    if suffix not in _BUILDERS:
        raise CorpusError(
            f"dataset.huggingface.data_files={first}: its ending names no builder "
            f"({', '.join(sorted(_BUILDERS))}); set dataset.huggingface.path=parquet, json or csv"
        )
    return _BUILDERS[suffix]


def _chosen_columns(options: HuggingFaceOptions) -> dict[str, str]:
    """Field to column, for the columns that were given."""
    named = {item.name: getattr(options, item.name) for item in fields(options) if item.name.endswith("_column")}
    return {name.removesuffix("_column"): column for name, column in named.items() if column is not None}


def _check_columns(table: Any, options: HuggingFaceOptions) -> None:
    for name, column in _chosen_columns(options).items():
        if column not in table.column_names:
            null = " (null if there is none)" if name != "audio" else ""
            raise CorpusError(
                f"the data set has no column '{column}', but {', '.join(table.column_names)}; "
                f"name the right one with dataset.huggingface.{name}_column=COLUMN{null}"
            )


def _entries(table: Any, source: RowSource, options: HuggingFaceOptions) -> Iterator[Entry]:
    chosen = {name: column for name, column in _chosen_columns(options).items() if name != "audio"}
    words = {column: _names(table.features[column]) for column in chosen.values()}
    digits = len(str(max(len(table) - 1, 0)))
    if chosen:
        rows: Iterator[Mapping[str, Any]] = iter(table.select_columns(sorted(set(chosen.values()))))
    else:
        rows = iter({} for _ in range(len(table)))
    for index, (row, (size, path)) in enumerate(zip(rows, source.walk(), strict=True)):
        cells = {name: _text(row[column], words[column]) for name, column in chosen.items()}
        name = cells.pop("id", None) or f"row_{index:0{digits}d}"
        source.locate(name, index)
        entry = Entry(id=name, path=printable(path or f"row {index}"), where=f"row {index}", size_bytes=size)
        for field, value in cells.items():
            setattr(entry, field, value)
        yield entry


def _names(feature: Any) -> list[str] | None:
    """The words behind a ClassLabel's numbers."""
    return list(feature.names) if hasattr(feature, "int2str") else None


def _text(value: object, names: list[str] | None) -> str | None:
    if value is None:
        return None
    if names is not None and isinstance(value, int):
        return names[value] if 0 <= value < len(names) else None
    return str(value).strip() or None
