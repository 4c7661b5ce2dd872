"""The words behind a command: names that stand by themselves, and KEY=VALUE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sv_eval.cli.commands import Command
from sv_eval.errors import UsageError, nearest
from sv_eval.foreign_text import is_number
from sv_eval.machine.terminal import complain


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What was typed behind a command."""

    names: tuple[str, ...]
    """Words without a setting's `=`, in their order."""
    settings: dict[str, str]
    """The others, by today's name; the last one of a name counts."""

    @property
    def overrides(self) -> list[str]:
        """The settings as they are typed."""
        return [f"{key}={value}" for key, value in self.settings.items()]


def parse(words: Sequence[str], command: Command) -> Words:
    """Names and settings of a command's words; raises UsageError for a setting that it doesn't have.

    `--key=value` and `--key value` are taken for `key=value`. A word with `=` that is a file or folder is a name.
    """
    names: list[str] = []
    settings: dict[str, str] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word.startswith("--") and len(word) > 2:
            word = word[2:]
            if "=" not in word:
                _check(word, command, f"--{word}")
                # A switch stands alone.
                word += (
                    f"={rest.pop(0)}" if rest and "=" not in rest[0] and not rest[0].startswith("-") else "=true"
                )
        elif word.startswith("-") and not is_number(word):
            raise UsageError(f"'{word}' is no flag of {command.name}; see sv-eval {command.name} --help")
        key, equals, value = word.partition("=")
        if not equals or (not _known(key, command) and Path(word).exists()):
            names.append(word)
            continue
        settings[_check(key, command, word)] = value
    return Words(names=tuple(names), settings=settings)


def _check(key: str, command: Command, word: str) -> str:
    """The setting's name of today; UsageError where there is none."""
    if key in command.former:
        now = command.former[key]
        complain(f"{key}= is called {now}= now; please change it")
        return now
    if _known(key, command):
        return key
    names = list(command.keys)
    ending = [name for name in names if name.endswith(f".{key}")]
    if ending:
        hint = f"did you mean {ending[0]}{word[word.index('=') :] if '=' in word else ''}?"
    else:
        hint = nearest(key, [*names, *(f"{group}.KEY" for group in command.groups)])
    raise UsageError(f"'{word}': {key} is no setting of {command.name}; {hint} (see sv-eval {command.name} --help)")


def _known(key: str, command: Command) -> bool:
    return key in command.keys or key in command.former or key.lstrip("+~").split(".")[0] in command.groups
