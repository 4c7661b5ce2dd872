"""What a clip's path says about it, and what the tables beside the audio say of a clip of that name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sv_eval.data.corpus.companions import Table
from sv_eval.data.corpus.layout_rule import FIELDS, Layout
from sv_eval.data.corpus.schema import Card
from sv_eval.data.corpus.template import filled, template_names
from sv_eval.errors import CorpusError

_NOTHING: Mapping[str, Mapping[str, str]] = {}


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
    """A layout without variants, together with its tables.

    spelled: group to the card's own words for it by their small letters, for copies whose names lost capitals.
    """

    def __init__(
        self,
        layout: Layout,
        tables: Sequence[Table] = (),
        spelled: Mapping[str, Mapping[str, str]] = _NOTHING,
    ) -> None:
        self._layout = layout
        self._tables = tables
        self._spelled = spelled
        shown = layout.regex.search(layout.example) if layout.regex and layout.example else None
        self._example = shown.groupdict(default="") if shown else {}
        self._values = {name: _folded(words) for name, words in layout.values.items()}
        self._templates = {name: (text, template_names(text)) for name, text in layout.fields.items()}

    def facts(self, path: str) -> PathFacts | None:
        """What is said of the clip at `path`; None when its name doesn't follow the rule."""
        layout = self._layout
        match: re.Match[str] | None = None
        loose = False
        if layout.regex is not None:
            match = layout.regex.search(path)
            if match is None and layout.loose_regex is not None:
                match = layout.loose_regex.search(path)
                loose = match is not None
            if match is None:
                return None
        folder, _, file = path.rpartition("/")
        parts = {"path": path, "file": file, "folder": folder, "stem": os.path.splitext(file)[0]}
        said = {name: text for name, text in match.groupdict().items() if text} if match else {}
        groups = self._read(self._respelled(said, loose=loose))
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
            fields[name] = self._meant(name, text, loose=loose)
        if layout.kind == "folder" and not fields.get("label"):
            if "/" not in path:
                return None
            fields["label"] = path.split("/", 1)[0]
        fields = self._respelled({name: text for name, text in fields.items() if text}, loose=False)
        return PathFacts(fields=fields, groups=groups, unlisted=unlisted, contradicted=contradicted)

    def _respelled(self, groups: Mapping[str, str], *, loose: bool) -> dict[str, str]:
        """Groups or fields in the card's own spelling where they differ from it in capitals alone.

        loose: whether the path follows the rule but for its capitals, so that `values` may be meant, too.
        """
        if self._layout.kind != "pattern":
            return dict(groups)
        return {name: self._word(name, text, loose=loose) for name, text in groups.items()}

    def _word(self, name: str, text: str, *, loose: bool) -> str:
        folded = text.casefold()
        found = self._values.get(name, {}).get(folded) if loose else None
        found = found or self._spelled.get(name, {}).get(folded)
        if found is None and loose:
            found = _like(self._example.get(name, ""), text)
        return text if found is None else found

    def _meant(self, field: str, text: str, *, loose: bool) -> str:
        """What a field's value stands for; any other stays."""
        words = self._layout.values.get(field, {})
        if text in words or not loose:
            return words.get(text, text)
        return words.get(self._values.get(field, {}).get(text.casefold(), text), text)

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


def _like(example: str, text: str) -> str:
    """The text in capitals or small letters, as the example is."""
    return text.upper() if example.isupper() else text.lower() if example.islower() else text


def _folded(words: Iterable[str]) -> dict[str, str]:
    """Words by their small letters; none for two that differ in capitals alone."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for word in words:
        folded = word.casefold()
        if found.setdefault(folded, word) != word:
            twice.add(folded)
    return {folded: word for folded, word in found.items() if folded not in twice}


def spellings(card: Card) -> dict[str, dict[str, str]]:
    """What a card calls labels, speakers, splits and sentences, by their small letters."""
    splits = [name for rule in card.splits.values() for name in rule.values or ()]
    known = {"label": _folded(card.words.map), "speaker": _folded(card.speakers), "split": _folded(splits)}
    if card.transcript_group is not None:
        known[card.transcript_group] = _folded(card.transcripts)
    return known
