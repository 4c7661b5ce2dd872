"""Writing a corpus as a manifest that `dataset=manifest` reads back to the same clips."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from sv_eval.data.corpus.card import list_cards
from sv_eval.data.corpus.census import Census
from sv_eval.data.corpus.config import DatasetConfig
from sv_eval.data.corpus.entry import Entry
from sv_eval.data.corpus.manifest import COLUMNS
from sv_eval.data.corpus.reading import open_corpus
from sv_eval.data.corpus.schema import Card
from sv_eval.data.corpus.selection import ChosenSplit, no_clip
from sv_eval.data.corpus.split_tests import restriction_test, split_tests, splits_of
from sv_eval.data.storage.place import placed
from sv_eval.dimensions import DIMENSIONS
from sv_eval.errors import CorpusError, RunDirectoryError
from sv_eval.records import Clip
from sv_eval.written_files import not_written

RAW_LABEL = "raw_label"
"""A column besides: the corpus's own word for the emotion."""
_IN_FILES = ("pattern", "folder", "manifest", "emobox")


def write_manifest(config: DatasetConfig, file: Path) -> str:
    """Writes the clips of the corpus to `file`, one by one as they are found; how to read them comes back.

    The column `emotion` holds the canonical name, so that no label map is needed to read it. Raises CorpusError for
    a corpus whose audio doesn't lie in files, RunDirectoryError where the file is there already.
    """
    if file.exists():
        raise RunDirectoryError(f"{file}: is there already; remove it, or give another file=FILE")
    card, found = open_corpus(config)
    if card.layout.kind not in _IN_FILES:
        raise CorpusError(f"{config.name}: its audio doesn't lie in files of its own, so a manifest can't list it")
    if config.limit is not None:
        raise CorpusError("limit: a manifest lists all clips; give the limit when it is read")
    root = os.path.abspath(_root(config, card))
    census = Census(card, config.language)
    belongs, wanted, tests = ChosenSplit(card, config.split), restriction_test(config, card), split_tests(card)
    partial = file.with_name(f".{file.name}.partial")
    ids: set[int] = set()
    named: dict[str, None] = {}
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            columns = [name for name in COLUMNS if name not in DIMENSIONS or name in card.ranges]
            writer.writerow([*columns, RAW_LABEL])
            for entry in found.entries:
                census.count(entry)
                if entry.split is not None:
                    named[entry.split] = None
                if belongs(entry) and wanted(entry):
                    _check_id(entry, ids)
                    writer.writerow(_row(census.clip(entry), next(iter(splits_of(entry, tests)), None), columns))
        belongs.refuse_empty_other_side()
        if not ids:
            raise no_clip(config, card, named, restricted=bool(config.only))
        os.replace(partial, file)
    except UnicodeEncodeError as error:
        raise CorpusError(
            f"{file}: a clip's name isn't UTF-8, so a table can't hold it; rename the clip"
        ) from error
    except OSError as error:
        raise not_written(file, error) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
    words = [
        "dataset=manifest",
        *([f"dataset.name={card.identity}"] if card.identity in list_cards() else []),
        f"dataset.manifest.file={file}",
        f"dataset.root={root}",
        *(f"dataset.dimensions.{name}=[{low:g},{high:g}]" for name, (low, high) in card.ranges.items()),
    ]
    return f"{len(ids)} clips: {file}\nread it: python -m sv_eval {shlex.join(words)}"


def _root(config: DatasetConfig, card: Card) -> str:
    """What the paths of the clips are relative to."""
    if config.root is not None:
        return str(placed(config.root))
    if card.folder is not None:
        return str((card.folder / card.layout.file).parent if card.layout.kind == "manifest" else card.folder)
    return str(placed(config.manifest.file or ".").parent)


def _check_id(entry: Entry, ids: set[int]) -> None:
    """Refuses an id that was there before; 64-bit hashes stand for them, so that a million take little memory."""
    key = hash(entry.id)
    if key in ids:
        raise CorpusError(
            f"{entry.where}: another clip has the id '{entry.id}' too; see python -m sv_eval.corpus check"
        )
    ids.add(key)


def _votes(clip: Clip) -> str:
    return json.dumps(clip.votes if clip.raters is None else clip.raters, ensure_ascii=False)


def _row(clip: Clip, split: str | None, columns: Sequence[str]) -> Iterator[object]:
    cells = {
        "id": clip.id,
        "path": clip.path,
        "emotion": clip.reference,
        "speaker": clip.speaker,
        "sex": clip.sex,
        "age": clip.age,
        "accent": clip.accent,
        "language": clip.language,
        "transcript": clip.transcript,
        # repr gives every digit
        "start": None if clip.start_s is None else repr(clip.start_s),
        "end": None if clip.end_s is None else repr(clip.end_s),
        "split": split,
        "channel": clip.channel,
        **{name: repr(value) for name, value in (clip.dimensions or {}).items()},
        "votes": None if clip.votes is None and clip.raters is None else _votes(clip),
        "emotions": None if clip.emotions is None else json.dumps(clip.emotions, ensure_ascii=False),
    }
    return iter([*(cells.get(name) for name in columns), clip.raw_label])
