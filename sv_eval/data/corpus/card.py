"""Finding corpus cards: `datasets/<name>/dataset.yaml` by name, or any other folder by its path."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from sv_eval.config import foreign_yaml
from sv_eval.config.foreign_yaml import compose_yaml
from sv_eval.config.places import cards_dir
from sv_eval.config.structure import structure
from sv_eval.data.corpus.schema import Card
from sv_eval.errors import CorpusError, nearest

__all__ = ["CARD_FILE", "Card", "find_card", "list_cards", "load_card", "read_yaml"]

CARD_FILE = "dataset.yaml"


def list_cards() -> tuple[str, ...]:
    """The names of the cards that come with sv_eval."""
    return tuple(sorted(path.parent.name for path in cards_dir().glob(f"*/{CARD_FILE}")))


def find_card(name_or_path: str) -> Card:
    """The card of that name, or the one in that folder; raises CorpusError."""
    bundled = cards_dir() / name_or_path / CARD_FILE
    if bundled.is_file():
        return load_card(bundled)
    given = Path(name_or_path).expanduser()
    path = given / CARD_FILE if given.is_dir() else given
    if path.is_file():
        return load_card(path)
    if "/" in name_or_path:
        raise CorpusError(f"dataset.card={name_or_path}: there is no {CARD_FILE}; give the folder that holds one")
    raise CorpusError(
        f"dataset.card={name_or_path}: there is no such card; {nearest(name_or_path, list_cards())} "
        f"(or give the path of a folder with a {CARD_FILE})"
    )


def load_card(path: Path) -> Card:
    """The card in the file `path`; raises CorpusError that names the file and the key."""
    data = read_yaml(path)
    try:
        card = structure(Card, data, str(path), CorpusError)
    except CorpusError as error:
        if str(error).startswith(str(path)):
            raise
        raise CorpusError(f"{path}: {error}") from error
    return replace(card, folder=path.resolve().parent)


def read_yaml(path: Path) -> object:
    """The file's plain data; raises CorpusError. YAML lets a later key hide an earlier one; we don't."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8-sig")
        _refuse_repeats(path, compose_yaml(text))
        data: object = foreign_yaml.read_yaml(text)
    except (yaml.YAMLError, ValueError, OSError) as error:
        reason = " ".join(str(error).split())
        raise CorpusError(f"{path} can't be read as YAML: {reason}") from error
    return data


def _refuse_repeats(path: Path, node: Any) -> None:
    """Raises CorpusError for a key that stands twice in one mapping."""
    if node is None or node.id == "scalar":
        return
    if node.id == "sequence":
        for item in node.value:
            _refuse_repeats(path, item)
        return
    seen: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        first = seen.setdefault(str(key.value), line)
        if first != line:
            raise CorpusError(f"{path}:{line}: the key '{key.value}' stands in line {first} already; keep one")
        _refuse_repeats(path, value)
