"""Every setting that a command's configuration knows, by its full name: for `did you mean` and for a shell's Tab.

Read off the YAML files themselves: after a mistake nothing can be composed, and a Tab can't wait for Hydra.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from sv_eval.config.commented import whole_text
from sv_eval.config.places import conf_dir

_HIDDEN = ("_target_", "hydra", "defaults")


def groups_of(main_file: str) -> dict[str, str]:
    """The groups of a main file that have a folder of choices, each with its default."""
    conf = conf_dir()
    found: dict[str, str] = {}
    for line in (conf / f"{main_file}.yaml").read_text(encoding="utf-8").splitlines():
        group, colon, option = line.strip().removeprefix("- ").partition(": ")
        if line.strip().startswith("- ") and colon and "/" not in group and (conf / group).is_dir():
            found[group] = option.strip()
    return found


def options_of(group: str) -> list[str]:
    """The choices of a group; a file that begins with an underscore is a part of others."""
    folder = conf_dir() / group
    files = (path for path in folder.rglob("*.yaml") if not path.name.startswith("_"))
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in files)


def settings_of(main_file: str, choices: Mapping[str, str]) -> list[str]:
    """The full names of the settings under these choices, defaults for the groups that have none."""
    chosen = {**groups_of(main_file), **choices}
    found = [f"{group}.{key}" for group, option in chosen.items() for key in _keys_of(group, option)]
    return [*found, *_own(main_file)]


def choices_in(words: Sequence[str], main_file: str) -> dict[str, str]:
    """The choices that words make: `backend=onnx`."""
    groups = groups_of(main_file)
    pairs = (word.lstrip("+").partition("=") for word in words)
    return {key: value for key, equals, value in pairs if equals and key in groups}


def meant(key: str, main_file: str, words: Sequence[str] = ()) -> str:
    """What somebody who typed `key` may have meant: full names that end with it, or nearly do; empty for none.

    Settings of choices that were not made, and of other commands, are named with who has them.
    """
    choices = choices_in(words, main_file)
    here = settings_of(main_file, choices)
    ending = [name for name in here if name.endswith(f".{key}")]
    if ending:
        return f"did you mean {' or '.join(ending)}?"
    if elsewhere := _elsewhere(key, main_file):
        told = {"it" if name == key else name: ", ".join(options) for name, options in elsewhere.items()}
        return "; ".join(f"{name} is a setting of {options}" for name, options in told.items())
    if others := _of_others(key, main_file):
        return "; ".join(f"{name} is a setting of sv-eval {command}" for name, command in others.items())
    last = {name.rpartition(".")[2]: name for name in here}
    near = difflib.get_close_matches(key, here, n=3, cutoff=0.75)
    near += [last[one] for one in difflib.get_close_matches(key.rpartition(".")[2], list(last), n=3, cutoff=0.75)]
    return f"did you mean {', '.join(dict.fromkeys(near))}?" if near else ""


def _elsewhere(key: str, main_file: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for group in groups_of(main_file):
        for option in options_of(group):
            for name in _keys_of(group, option):
                if f"{group}.{name}" == key or name == key or name.endswith(f".{key}"):
                    found.setdefault(f"{group}.{name}", []).append(f"{group}={option}")
    return {name: options if len(options) <= 3 else [*options[:3], "…"] for name, options in found.items()}


def _of_others(key: str, main_file: str) -> dict[str, str]:
    """Settings of other commands' configurations that end with it, with the command."""
    mains = {"config": "run", "serve": "serve", "tune": "tune", "capacity": "capacity", "suite": "suite"}
    found: dict[str, str] = {}
    for other, command in mains.items():
        if other != main_file:
            for name in settings_of(other, {}):
                if name == key or name.endswith(f".{key}"):
                    found.setdefault(name, command)
    return found


@cache
def _keys_of(group: str, option: str) -> tuple[str, ...]:
    """Dotted keys of one choice, without the group in front."""
    path = conf_dir() / group / f"{option}.yaml"
    return _dotted(_parsed(whole_text(path, conf_dir() / group))) if path.is_file() else ()


@cache
def _own(main_file: str) -> tuple[str, ...]:
    """The main file's own settings."""
    return _dotted(_parsed(whole_text(conf_dir() / f"{main_file}.yaml")))


def _parsed(text: str) -> dict[str, Any]:
    import yaml

    data = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return data if isinstance(data, dict) else {}


def _dotted(settings: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(_names(settings, ""))


def _names(node: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for key, value in node.items():
        if key in _HIDDEN:
            continue
        yield f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _names(value, f"{prefix}{key}.")
