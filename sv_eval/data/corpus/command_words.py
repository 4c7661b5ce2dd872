"""The command line of `python -m sv_eval.corpus`: which command, which corpus, which settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from sv_eval.config.places import conf_dir
from sv_eval.config.settings_index import options_of
from sv_eval.data.corpus.card import CARD_FILE, find_card, list_cards
from sv_eval.data.corpus.config import DatasetConfig
from sv_eval.errors import ConfigError, UsageError, nearest

COMMANDS = ("list", "show", "check", "sample", "manifest", "validate")
_OWN: Mapping[str, tuple[str, ...]] = {
    "list": (),
    "show": (),
    "check": ("check", "report", "out"),
    "sample": ("sample", "out"),
    "manifest": ("table",),
    "validate": (),
}
"""Which parts of `conf/corpus.yaml` a command has a use for."""
_SHORT: Mapping[str, Mapping[str, str]] = {
    "check": {"workers": "check.workers"},
    "sample": {name: f"sample.{name}" for name in ("per_emotion", "seed", "link")},
    "manifest": {"file": "table.file", "croissant": "table.croissant"},
}
"""Settings that may be given without their group."""
_OF_DATASET = tuple(item.name for item in fields(DatasetConfig))


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a command line asks for."""

    command: str
    """One of COMMANDS."""
    corpus: str | None
    """The choice of `conf/dataset/`, a card's name, or the path of a card; None for `list`."""
    overrides: tuple[str, ...]
    """For Hydra: `dataset` chosen, and settings with their groups."""
    located: bool
    """Whether the command line says where the corpus lies."""
    files: tuple[str, ...] = ()
    """Of `validate`: what is read."""


def parse(arguments: Sequence[str]) -> Request:
    """What the arguments ask for; raises UsageError that names the word and the nearest."""
    command, *words = arguments
    if command not in COMMANDS:
        raise UsageError(f"'{command}' is no command; {nearest(command, COMMANDS)} (see --help)")
    if command == "list":
        if words:
            raise UsageError(f"list takes nothing more, but '{words[0]}' was given; did you mean show {words[0]}?")
        return Request(command=command, corpus=None, overrides=(), located=False)
    if command == "validate":
        if not words:
            raise UsageError("validate needs files: cards (dataset.yaml) or tables of clips (.csv, .tsv, .jsonl)")
        return Request(command=command, corpus=None, overrides=(), located=False, files=tuple(words))
    if not words or "=" in words[0]:
        raise UsageError(f"{command} needs a corpus: python -m sv_eval.corpus {command} NAME ...; see `list`")
    corpus, *settings = words
    given = [_override(command, word) for word in settings]
    keys = {word.partition("=")[0] for word in given}
    return Request(
        command=command,
        corpus=corpus,
        overrides=(*_chosen(corpus), *given),
        located=any(key.startswith("dataset.") for key in keys),
    )


def dataset_choices() -> tuple[str, ...]:
    """The names of `conf/dataset/`."""
    return tuple(options_of("dataset"))


def choices_by_card() -> dict[str | None, list[str]]:
    """The choices of `conf/dataset/` by the card that they read; None for those without one."""
    import yaml

    by_card: dict[str | None, list[str]] = {}
    for choice in dataset_choices():
        settings = yaml.safe_load((conf_dir() / "dataset" / f"{choice}.yaml").read_text(encoding="utf-8"))
        by_card.setdefault(settings.get("card"), []).append(choice)
    return by_card


def _chosen(corpus: str) -> tuple[str, ...]:
    """The overrides that choose a corpus by its name, or by the place of its card."""
    choices = dataset_choices()
    if corpus in choices:
        return (f"dataset={corpus}",)
    if corpus not in list_cards() and not (Path(corpus).expanduser() / CARD_FILE).is_file():
        if "/" in corpus:
            raise ConfigError(f"{corpus}: there is no {CARD_FILE}; give a corpus's name or the folder of its card")
        names = {*choices, *list_cards()}
        raise ConfigError(f"'{corpus}' is no corpus; {nearest(corpus, names)} (or give the folder of a card)")
    # Any choice with a card has the settings that all of them share.
    # Quoted: a card may be called by a number.
    name = find_card(corpus).name.replace("\\", "\\\\").replace('"', '\\"')
    return ("dataset=demo", f"dataset.card={corpus}", f'dataset.name="{name}"')


def _override(command: str, word: str) -> str:
    """A setting with its group in front."""
    key, equals, value = word.partition("=")
    if not equals:
        raise UsageError(f"'{word}' is not understood; settings are KEY=VALUE (see --help)")
    if not value and key in ("root", "dataset.root"):
        raise ConfigError(f"{word}: the folder's name is empty; give the folder with the corpus")
    short = _SHORT.get(command, {})
    first = key.split(".")[0]
    if key in short:
        return f"{short[key]}={value}"
    if first == "dataset" or key in _OWN[command] or (first in _OWN[command] and "." in key):
        return word
    if first in _OF_DATASET:
        return f"dataset.{word}"
    known = (*short, *_OWN[command], *_OF_DATASET)
    raise ConfigError(f"{key} is not a setting of {command}; {nearest(key, known)} (see --help)")
