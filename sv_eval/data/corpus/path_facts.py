"""What a clip's path says about it, and what the tables beside the audio say of a clip of that name."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sv_eval.data.corpus.companions import Table
from sv_eval.data.corpus.layout_rule import FIELDS, Layout
from sv_eval.data.corpus.template import filled, template_names
from sv_eval.errors import CorpusError


@dataclass(frozen=True, slots=True, kw_only=True)
class PathFacts:
    """What is known of one clip before its card has had its say."""

    fields: dict[str, str]
    """Field to its value, in the corpus's words, mapped by the layout's `values`."""
    groups: Mapping[str, str]
    """All groups, of the path and of the tables."""
    unlisted: bool
    """Whether a table that says which clips there are doesn't list it."""
    contradicted: bool
    """Whether its number belongs to another name than its path gives."""


class PathRule:
    """A layout without variants, together with its tables."""

    def __init__(self, layout: Layout, tables: Sequence[Table] = ()) -> None:
        self._layout = layout
        self._tables = tables
        self._templates = {name: (text, template_names(text)) for name, text in layout.fields.items()}

    def facts(self, path: str) -> PathFacts | None:
        """What is said of the clip at `path`; None when its name doesn't follow the rule."""
        layout = self._layout
        match: re.Match[str] | None = None
        if layout.regex is not None:
            match = layout.regex.search(path)
            if match is None:
                return None
        folder, _, file = path.rpartition("/")
        parts = {"path": path, "file": file, "folder": folder, "stem": os.path.splitext(file)[0]}
        groups = self._read({name: text for name, text in match.groupdict().items() if text} if match else {})
        unlisted = False
        for table in self._tables:
            row = table.row(filled(table.companion.join, {**parts, **groups}))
            unlisted |= row is None and table.companion.lists
            groups = {**self._read(row), **groups} if row else groups
        contradicted = self._numbered(groups, path)
        fields = {name: groups[name] for name in FIELDS if groups.get(name)}
        for name, (template, named) in self._templates.items():
            if any(group in layout.table_groups and group not in groups for group in named):
                continue
            text = filled(template, {**parts, **groups})
            fields[name] = layout.values.get(name, {}).get(text, text)
        if layout.kind == "folder" and not fields.get("label"):
            if "/" not in path:
                return None
            fields["label"] = path.split("/", 1)[0]
        fields = {name: text for name, text in fields.items() if text}
        return PathFacts(fields=fields, groups=groups, unlisted=unlisted, contradicted=contradicted)

    def _read(self, groups: Mapping[str, str]) -> dict[str, str]:
        """The groups, in small letters where that is asked for, and replaced by what their values mean."""
        layout = self._layout
        if not layout.lowercase and not layout.values:
            return dict(groups)
        read = {name: text.lower() if name in layout.lowercase else text for name, text in groups.items()}
        return {name: layout.values.get(name, {}).get(text, text) for name, text in read.items()}

    def _numbered(self, groups: dict[str, str], path: str) -> bool:
        """Adds the groups that a number decides; true where the path says otherwise."""
        contradicted = False
        for name, rule in self._layout.ranges.items():
            text = groups.get(rule.group)
            if text is None:
                continue
            if not text.isdecimal():
                what = f"{path}: the group '{rule.group}' is '{text}', which is no number"
                raise CorpusError(f"{what}; let the pattern take digits only")
            part = rule.name(int(text))
            if part is not None and groups.setdefault(name, part).casefold() != part.casefold():
                contradicted = True
        return contradicted
