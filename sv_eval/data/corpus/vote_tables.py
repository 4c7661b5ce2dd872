"""Reading what raters said from the tables beside the audio, and handing it to the clips."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from sv_eval.data.corpus.companions import Columns, csv_rows, json_rows, named_as
from sv_eval.data.corpus.config import DatasetConfig
from sv_eval.data.corpus.entry import Entry
from sv_eval.data.corpus.layouts import root_of
from sv_eval.data.corpus.schema import Card
from sv_eval.data.corpus.template import filled, without_capitals
from sv_eval.data.corpus.text_encoding import cell_text, decoded, readable
from sv_eval.data.corpus.tree import files_below, glob_regex, printable
from sv_eval.data.corpus.votes_rule import VotesRule
from sv_eval.data.storage.place import Place, StorageError
from sv_eval.errors import CorpusError, nearest

NONE = "none"
_Said = dict[str, tuple[str, ...]]
"""Rater to the words that he or she gave."""


def with_votes(entries: Iterable[Entry], card: Card, config: DatasetConfig) -> Iterator[Entry]:
    """The entries with what their raters said, of the votes that are chosen; raises CorpusError."""
    found = _chosen(card, config)
    if found is None:
        yield from entries
        return
    name, rule = found
    table = _read(root_of(config, card), name, rule, card, needed=config.votes_of is not None)
    for entry in entries:
        path = readable(entry.path)
        file = path.rpartition("/")[2]
        parts = {"path": path, "file": file, "stem": os.path.splitext(file)[0], "id": entry.id}
        raters = table.said.get(named_as(filled(rule.join, parts)).casefold())
        if raters and not entry.raters and not entry.votes:
            if table.nameless:
                entry.votes = _counted(raters)
            else:
                entry.raters = raters
        yield entry


def _chosen(card: Card, config: DatasetConfig) -> tuple[str, VotesRule] | None:
    rules = card.layout.votes
    if config.votes_of == NONE:
        return None
    if config.votes_of is None:
        return next(((name, rule) for name, rule in rules.items() if rule.default), None)
    rule = rules.get(config.votes_of)
    if rule is None:
        known = nearest(config.votes_of, [*rules, NONE]) if rules else "its card names none"
        raise CorpusError(f"dataset.votes_of={config.votes_of}: {card.name} has no such votes; {known}")
    return config.votes_of, rule


def _read(root: Path | Place, name: str, rule: VotesRule, card: Card, *, needed: bool) -> _VoteTable:
    """What was said by clip, in words of the card's label map."""
    lists: list[list[str]] = [[] for _ in rule.files]
    for on_disk, _ in files_below(root):
        path = readable(on_disk)
        for glob, paths in zip(rule.files, lists, strict=True):
            if glob_regex(glob).fullmatch(path):
                paths.append(on_disk)
    table = _VoteTable(rule, card)
    for path in sorted(next(filter(None, lists), [])):
        where = printable(os.path.join(str(root), path))
        for place, row in _rows(root / path, where, rule):
            table.add(place, row)
    if needed and not table.said:
        raise CorpusError(
            f"{root}: the votes '{name}' aren't there ({' or '.join(rule.files)}); they come with the corpus: put "
            "them below dataset.root, or read none (dataset.votes_of=none)"
        )
    return table


def _rows(file: Path | Place, where: str, rule: VotesRule) -> Iterator[tuple[str, Columns]]:
    try:
        text = decoded(file.read_bytes(), "cp1252")
    except StorageError as error:
        raise error.as_corpus_error() from error
    except OSError as error:
        raise CorpusError(f"{where} can't be read ({error.strerror}); check its permissions") from error
    except UnicodeDecodeError as error:
        raise CorpusError(f"{where} is neither UTF-8, UTF-16 nor Windows-1252; save it as UTF-8") from error
    if rule.line_regex is not None:
        yield from _lines(text, where, rule)
    elif where.lower().endswith(".json"):
        for row in json_rows(text, rule.rows or "{key}", where):
            yield where, row
    else:
        for line, row in csv_rows(text, where, where):
            yield f"{where}:{line}", row


def _lines(text: str, where: str, rule: VotesRule) -> Iterator[tuple[str, Columns]]:
    above: Columns = {}
    for number, line in enumerate(text.splitlines(), start=1):
        begins = None if rule.heading_regex is None else rule.heading_regex.search(line)
        if begins is not None:
            above = _groups(begins.groupdict())
            continue
        found = rule.line_regex.search(line) if rule.line_regex is not None else None
        if found is not None:
            yield f"{where}:{number}", {**above, **_groups(found.groupdict())}


def _groups(found: Mapping[str, str | None]) -> Columns:
    return {name.casefold(): value or "" for name, value in found.items()}


class _VoteTable:
    """What was said by clip; equal words and raters are kept once."""

    def __init__(self, rule: VotesRule, card: Card) -> None:
        self.said: dict[str, _Said] = {}
        self.nameless = False
        """Whether rows do not tell who said it, so that votes can only be counted."""
        self._rule, self._card = rule, card
        self._key, self._label = without_capitals(rule.key), rule.label.casefold()
        self._raters = tuple(name.casefold() for name in rule.rater)
        self._only = {name.casefold(): set(values) for name, values in rule.only.items()}
        self._values = {word.casefold(): label for word, label in rule.values.items()}
        self._once: dict[str, str] = {}
        self._words: dict[str, tuple[str, ...]] = {}

    def add(self, where: str, row: Columns) -> None:
        """Takes a row; of several rows of one rater the first holds."""
        for name in (self._label, *self._only):
            if name not in row:
                raise CorpusError(f"{where}: there is no column '{name}'; {nearest(name, row)}")
        if any(cell_text(row[name]) not in wanted for name, wanted in self._only.items()):
            return
        key = named_as(cell_text(filled(self._key, row)))
        words = self._meant(cell_text(row[self._label]), where)
        if not key or not words:
            return
        held = self.said.setdefault(key.casefold(), {})
        rater = next((cell_text(row[name]) for name in self._raters if row.get(name)), None)
        self.nameless |= rater is None
        name = f"{len(held) + 1}" if rater is None else rater
        held.setdefault(self._once.setdefault(name, name), words)

    def _meant(self, text: str, where: str) -> tuple[str, ...]:
        """The labels that a cell holds; each cell's text is looked at once."""
        known = self._words.get(text)
        if known is None:
            parts = [text] if self._rule.separator is None else text.split(self._rule.separator)
            found = (self._meaning(part.strip(), where) for part in parts if part.strip())
            known = self._words[text] = tuple(dict.fromkeys(found))
        return known

    def _meaning(self, word: str, where: str) -> str:
        label = self._values.get(word.casefold(), word)
        if self._card.labels.canonical(label) is None:
            if self._rule.rest is not None:
                return self._rule.rest
            raise CorpusError(
                f"{where}: a rater said '{word}', which the label map of {self._card.name} doesn't hold; "
                f"{nearest(word, self._card.words.map)}"
            )
        return label


def _counted(said: _Said) -> dict[str, float]:
    votes: dict[str, float] = {}
    for words in said.values():
        for word in words:
            votes[word] = votes.get(word, 0) + 1
    return votes
