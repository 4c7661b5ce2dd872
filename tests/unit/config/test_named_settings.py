"""Error messages, reports and notes name settings that exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from sv_eval.config.places import house
from sv_eval.data.audit.settings import CheckSettings
from sv_eval.data.corpus.config import DatasetConfig
from sv_eval.data.corpus.sample import SampleSettings

KNOWN: Mapping[str, type] = {"dataset": DatasetConfig, "check": CheckSettings, "sample": SampleSettings}
_NAMED = re.compile(r"(?<![\w./{])(dataset|check|sample)\.([a-z_]+(?:\.[a-z_]+)*)(?![\w(/])")
_OTHER = {"dataset": {"yaml", "name_"}, "check": set(), "sample": set()}


def texts() -> Iterator[tuple[str, str]]:
    """Every text in the code that a user may read, and the words of reports."""
    for root in ("sv_eval", "backends", "reports"):
        for path in sorted((house() / root).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield path.name, node.value
    for path in sorted((house() / "reports" / "words").glob("*.yaml")):
        yield path.name, path.read_text("utf-8")


def exists(kind: Any, names: list[str]) -> bool:
    """Whether the settings of a kind hold the nested name."""
    if not names:
        return True
    if get_origin(kind) is UnionType:
        return any(exists(part, names) for part in get_args(kind))
    if not is_dataclass(kind):
        return (get_origin(kind) or kind) is Mapping
    hints = get_type_hints(kind)
    return names[0] in {item.name for item in fields(kind)} and exists(hints[names[0]], names[1:])


@pytest.mark.parametrize("group", list(KNOWN))
def test_settings_that_are_named_exist(group: str) -> None:
    strange = {
        f"{where}: {group}.{name}"
        for where, text in texts()
        for found, name in _NAMED.findall(text)
        if found == group and name not in _OTHER[group] and not exists(KNOWN[group], name.rstrip(".").split("."))
    }

    assert strange == set()


def test_a_name_that_does_not_exist_would_be_found() -> None:
    assert not exists(DatasetConfig, ["limits", "max_seconds"])
    assert exists(DatasetConfig, ["limits", "max_duration_s"])
    assert exists(DatasetConfig, ["manifest", "columns", "emotion"])
    assert Path(house()).is_dir()
