"""Configuration files as text with their comments, put together as Hydra would, but without it: for the help."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

from sv_eval.config.places import conf_dir

_HERE = "@_here_"
_SELF = "_self_"
_DEFAULTS = "defaults:"


def whole_text(file: Path, group: Path | None = None) -> str:
    """A configuration file with the files that its `defaults` include; choices among groups are left out.

    group: the folder that includes are relative to; None for the file's own.
    """
    group = file.parent if group is None else group
    text = file.read_text(encoding="utf-8").splitlines()
    if _DEFAULTS not in text:
        return "\n".join(text)
    begin = text.index(_DEFAULTS)
    listed = list(takewhile(lambda line: line.startswith("  - "), text[begin + 1 :]))
    included: list[str] = []
    for line in listed:
        name = line.strip().removeprefix("- ").removesuffix(_HERE)
        if name != _SELF and ":" not in name:
            # One that begins with a slash is of any group; Hydra has it below the configuration's own folder.
            place = conf_dir() / f"{name[1:]}.yaml" if name.startswith("/") else group / f"{name}.yaml"
            part = whole_text(place).splitlines()
            included = _overridden(included, part) + _only_in(part, included)
    own = text[begin + 1 + len(listed) :]
    return "\n".join([*text[:begin], *_only_in(own, included), *_overridden(included, own)])


def _only_in(own: list[str], included: list[str]) -> list[str]:
    theirs = _blocks(included)
    return [line for key, block in _blocks(own).items() if key not in theirs for line in block]


def _overridden(included: list[str], own: list[str]) -> list[str]:
    """What is included, with the values of `own` where it has others, and the comments of both."""
    ours = _blocks(own)
    blocks = (_one_key(block, ours[key]) if key in ours else block for key, block in _blocks(included).items())
    return [line for block in blocks for line in block]


def _one_key(included: list[str], own: list[str]) -> list[str]:
    """The lines of one key: its value is the own one, or both, where they are mappings."""
    at, our = _of_key(included), _of_key(own)
    head = own[:our] or included[:at]
    line, comment = own[our], included[at].partition(" #")
    if " #" not in line and comment[1]:
        line = f"{line:<{len(comment[0])}} #{comment[2]}"
    if _opens_mapping(own[our]) and _opens_mapping(included[at]):
        inner, outer = own[our + 1 :], included[at + 1 :]
        return [*head, line, *_only_in(inner, outer), *_overridden(outer, inner)]
    return [*head, line, *own[our + 1 :]]


def _blocks(lines: list[str]) -> dict[str, list[str]]:
    """The lines of each key of the outermost level, with comments and blank lines before it."""
    depth = min((_indent(line) for line in lines if _is_key(line)), default=0)
    blocks: dict[str, list[str]] = {}
    pending: list[str] = []
    for line in lines:
        if _is_key(line) and _indent(line) == depth:
            blocks[line.partition(":")[0].strip()] = block = [*pending, line]
            pending = []
        elif blocks and _indent(line) > depth and not pending:
            block.append(line)
        else:
            pending.append(line)
    if blocks:
        block += pending
    return blocks


def _of_key(block: list[str]) -> int:
    """Where a block's key is: after its comments."""
    return next(at for at, line in enumerate(block) if _is_key(line))


def _is_key(line: str) -> bool:
    return ":" in line and not line.lstrip().startswith("#")


def _opens_mapping(line: str) -> bool:
    return line.partition(" #")[0].rstrip().endswith(":")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
