"""The reference of settings: every key of `conf/`, its default, and the comment that stands beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from types import MappingProxyType

import yaml
from types_of_code import fields_of

from sv_eval.config.commented import whole_text
from sv_eval.config.places import conf_dir

_CODE = MappingProxyType(
    {
        "backend": ("backends/remote/config.py",),
        "dataset": ("data/corpus/config.py",),
        "executor": ("run/executors/config.py",),
        "gate": ("studies/gate/config.py",),
        "labels": ("scoring/labels/config.py",),
        "load": ("run/load.py", "run/arrivals.py"),
        "scoring": ("scoring/config.py",),
        "serve": ("serve/config.py",),
        "sweep": ("studies/sweep/config.py",),
    }
)
"""Where the settings of a group are typed."""
_HIDDEN = ("_target_", "hydra", "defaults")
_COMMENT = re.compile(r"^\s*#\s?(.*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A key with what its file says of it."""

    name: str
    """Dotted, without its group."""
    default: str
    """As it stands in the file; empty for a key that holds others."""
    says: str
    """The comment above it, beside it, and below it."""


def settings_in(text: str, of_code: Mapping[str, str] = MappingProxyType({})) -> list[Setting]:
    """The settings of a YAML text, in its order; of_code: what the fields of that name say, for bare keys."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode):
        return []
    lines = text.splitlines()
    # What the text begins with is of the whole, and of no key below it.
    intro = next((index for index, line in enumerate(lines) if not _COMMENT.match(line)), 0)
    lines[:intro] = [""] * intro
    found = list(_walked(node, "", lines))
    return [row if row.says else replace(row, says=_said_by_code(row.name, of_code)) for row in found]


def _said_by_code(name: str, of_code: Mapping[str, str]) -> str:
    """What the field says that a key is read into; the nearer its name is to the key's, the better."""
    parts = name.split(".")
    return of_code.get(".".join(parts[-2:])) or of_code.get(parts[-1], "")


def _walked(node: yaml.MappingNode, prefix: str, lines: list[str]) -> Iterator[Setting]:
    shared, ended = "", -1
    for key, value in node.value:
        if key.value in _HIDDEN:
            continue
        nested = isinstance(value, yaml.MappingNode) and not value.flow_style
        if nested:
            beside = lines[key.start_mark.line][key.end_mark.column + 1 :]
            default, last = "", key.start_mark.line
        else:
            default = _as_written(lines, value)
            last = value.end_mark.line
            beside = lines[last][value.end_mark.column :] if last < len(lines) else ""
        above = _above(lines, key.start_mark.line, key.start_mark.column)
        says = " ".join((*above, *_beside(beside), *_below(lines, last, key.start_mark.column)))
        if not says and key.start_mark.line == ended + 1:
            says = shared  # one comment above several keys
        shared, ended = (" ".join(above) if above else shared if says == shared else ""), last
        yield Setting(name=f"{prefix}{key.value}", default=default, says=says)
        if nested:
            yield from _walked(value, f"{prefix}{key.value}.", lines)


def _as_written(lines: list[str], value: yaml.Node) -> str:
    start, end = value.start_mark, value.end_mark
    if start.line == end.line:
        return lines[start.line][start.column : end.column].strip()
    part = [lines[start.line][start.column :], *lines[start.line + 1 : end.line]]
    part += [lines[end.line][: end.column]] if end.line < len(lines) else []
    return " ".join(re.sub(r"\s#.*$", "", line).strip() for line in part).strip()


def _beside(rest: str) -> list[str]:
    found = re.search(r"(?:^|\s)#\s?(.*)$", rest)
    return [found[1].strip()] if found else []


def _above(lines: list[str], at: int, column: int) -> list[str]:
    """The lines of comment right above a key, at its own indentation."""
    found: list[str] = []
    for line in reversed(lines[:at]):
        match = _COMMENT.match(line)
        if match is None or line.index("#") != column:
            break
        found.insert(0, match[1].strip())
    return found


def _below(lines: list[str], at: int, column: int) -> list[str]:
    """Lines of comment that go on below a value, further in than its key."""
    found: list[str] = []
    for line in lines[at + 1 :]:
        match = _COMMENT.match(line)
        if match is None or line.index("#") <= column:
            break
        found.append(match[1].strip())
    return found


def group_page(group: str, options: list[str], default: str | None) -> str:
    """A page on a group of `conf/`: each choice with its settings."""
    folder = conf_dir() / group
    parts = [f"# `{group}=`\n"]
    of_code = fields_of(*_CODE.get(group, ()))
    chosen = f" `{default}` is the default." if default else ""
    parts.append(f"{_counted(len(options))} in `conf/{group}/`.{chosen}\n")
    for option in options:
        parts.append(f"## {group}={option}\n")
        parts += _section(folder / f"{option}.yaml", folder, f"{group}.", of_code)
    return "\n".join(parts)


def main_page(main_file: str, command: str) -> str:
    """A page on what a main file holds besides its groups."""
    path = conf_dir() / f"{main_file}.yaml"
    return "\n".join([f"# `sv-eval {command}`: settings of its own\n", *_section(path, None, "", {})])


def _section(path: Path, folder: Path | None, prefix: str, of_code: Mapping[str, str]) -> list[str]:
    text = whole_text(path, folder) if folder else whole_text(path)
    parts = []
    if intro := _intro(text):
        parts.append(f"{intro}\n")
    rows = settings_in(text, of_code)
    if rows:
        parts += ["| setting | default | says |", "|---|---|---|"]
        parts += [f"| `{prefix}{row.name}` | {_code(row.default)} | {_cell(row.says)} |" for row in rows]
        parts.append("")
    return parts


def _intro(text: str) -> str:
    """The comment that a file begins with, where a line without one follows or a key of another matter."""
    lines = []
    for line in text.strip().splitlines():
        match = _COMMENT.match(line)
        if match is None:
            break
        lines.append(match[1])
    return _words(" ".join(lines))


def _counted(n: int) -> str:
    return "One choice, a YAML file" if n == 1 else f"{n} choices, a YAML file each,"


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`" if text else ""


def _cell(text: str) -> str:
    return _words(text).replace("|", "\\|")


def _words(text: str) -> str:
    """A comment as Markdown: what looks like mark-up is none, but for words in backticks."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return re.sub(r"([`<>*_\[\]{}$])", r"\\\1", text)
    plain = [re.sub(r"([<>*_\[\]{}$])", r"\\\1", part) for part in parts[::2]]
    return "`".join(word for pair in zip_longest(plain, parts[1::2], fillvalue="") for word in pair).removesuffix(
        "`"
    )
