"""Cards and tables of clips, read as a run reads them, where no audio need be there."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sv_eval.data.corpus.card import CARD_FILE, load_card
from sv_eval.data.corpus.census import Census
from sv_eval.data.corpus.config import DatasetConfig, ManifestOptions
from sv_eval.data.corpus.entry import OpenedCorpus
from sv_eval.data.corpus.reading import open_corpus
from sv_eval.data.corpus.schema import Card
from sv_eval.errors import CorpusError

TABLES = (".csv", ".tsv", ".tab", ".jsonl", ".ndjson")
_BY_TABLE: Final = "manifest"


def validate(path: Path) -> str:
    """What a card (`dataset.yaml`, or its folder) or a table of clips holds, in a few words; raises CorpusError.

    A card that lists its clips in a table beside it is read with it, and such a table with its card.
    """
    file = path / CARD_FILE if path.is_dir() else path
    if not file.is_file():
        raise CorpusError(f"{file}: there is no such file")
    if file.name == CARD_FILE:
        return _card(file)
    if file.suffix.lower() in TABLES:
        beside = file.with_name(CARD_FILE)
        card = load_card(beside) if beside.is_file() else None
        return _table(file, beside.parent if card is not None and _lists(card, file) else None)
    raise CorpusError(f"{file}: is neither a {CARD_FILE} nor a table of clips ({', '.join(TABLES)})")


def _card(file: Path) -> str:
    card = load_card(file)
    told = f"{len(card.words.map)} labels, {len(card.speakers)} speakers, {len(card.splits)} splits"
    table = file.parent / card.layout.file
    if card.layout.kind == _BY_TABLE and table.is_file():
        told += f"; {table.name}: {_table(table, file.parent)}"
    return told


def _lists(card: Card, file: Path) -> bool:
    """Whether the card's clips are those of this table."""
    return card.layout.kind == _BY_TABLE and card.layout.file == file.name


def _table(file: Path, card_folder: Path | None) -> str:
    """Rows and labels of a table, under its card or the words that are common to most corpora."""
    config = DatasetConfig(
        name=file.stem,
        card=None if card_folder is None else str(card_folder),
        kind=_BY_TABLE if card_folder is None else None,
        root=str(file.parent),
        manifest=ManifestOptions(file=str(file.resolve())),
    )
    card, found = open_corpus(config)
    census = _counted(card, found)
    clips = sum(census.found.values())
    return f"{clips} clips, {len(census.found)} labels"


def _counted(card: Card, found: OpenedCorpus) -> Census:
    """The entries, each looked at as a run would; raises CorpusError for the first that is wrong."""
    census = Census(card, None)
    seen: dict[str, str] = {}
    for entry in found.entries:
        census.count(entry)
        census.clip(entry)
        before = seen.setdefault(entry.id, entry.where)
        if before != entry.where:
            raise CorpusError(
                f"{entry.where}: the id '{entry.id}' is that of {before}, too; give each clip its own"
            )
    return census
