"""Corpora whose paths say what a clip is: names that follow a rule, or a folder per emotion."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from sv_eval.corpus.config import DatasetConfig
from sv_eval.corpus.entry import Entry, Found
from sv_eval.corpus.fingerprint import EndsOfFiles
from sv_eval.corpus.layout_rule import FIELDS, Layout
from sv_eval.corpus.notes import Note, note_on_strays
from sv_eval.corpus.schema import Card
from sv_eval.corpus.source import FileSource
from sv_eval.corpus.tree import files_below, is_clip, printable
from sv_eval.errors import CorpusError


def open_tree(config: DatasetConfig, card: Card) -> Found:
    """The clips of a `pattern` or `folder` corpus."""
    root = root_of(config, card)
    layout = _chosen(card.layout, config)
    notes: list[Note] = []
    entries = _entries(root, layout, card, notes)
    source = FileSource(root, config.limits)
    return Found(entries=entries, source=source, ends=EndsOfFiles(root), notes=notes)


def root_of(config: DatasetConfig, card: Card) -> Path:
    """The folder with the audio; raises CorpusError when there is none."""
    if config.root is None:
        if card.layout.bundled and card.folder is not None:
            return card.folder
        raise CorpusError(
            f"dataset.root isn't set: give the folder of {card.title}, dataset.root=DIR. {card.source.how}"
        )
    root = Path(config.root).expanduser()
    if not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "doesn't exist"
        raise CorpusError(f"dataset.root={config.root} {what}: give the folder of {card.title}")
    return root


def _chosen(layout: Layout, config: DatasetConfig) -> Layout:
    """The layout with the user's own options for `kind: folder`."""
    if layout.kind != "folder":
        return layout
    glob, pattern = config.folder.glob or layout.glob, config.folder.pattern or layout.pattern
    return replace(layout, glob=glob, pattern=pattern)


def _entries(root: Path, layout: Layout, card: Card, notes: list[Note]) -> Iterator[Entry]:
    found = 0
    strays: list[str] = []
    other = ""
    for path, size in files_below(root):
        if not is_clip(path, layout.glob, layout.exclude):
            other = other or path
            continue
        entry = _entry(path, size, layout, card)
        if entry is None:
            strays.append(path)
            continue
        found += 1
        yield entry
    if not found:
        raise CorpusError(_nothing(root, layout, strays, other))
    if strays:
        notes.append(note_on_strays(len(strays), printable(min(strays))))


def _nothing(root: Path, layout: Layout, strays: list[str], other: str) -> str:
    """Why the root holds no clip of this corpus."""
    glob = layout.glob or "every audio file"
    if strays:
        rule = f"the pattern {layout.pattern}" if layout.pattern else "a folder per emotion"
        return (
            f"{root}: {len(strays)} files match {glob}, but none follows {rule}, "
            f"e.g. {printable(min(strays))}; check dataset.root"
        )
    seen = f"a file that is there: {printable(other)}" if other else "the folder is empty"
    return f"{root}: no file matches {glob} ({seen}); check dataset.root"


def _entry(path: str, size: int, layout: Layout, card: Card) -> Entry | None:
    """What the path says about the clip; None when it doesn't follow the rule."""
    match = layout.regex.search(path) if layout.regex else None
    if layout.regex and match is None:
        return None
    fields = _fields(path, match, layout)
    if layout.kind == "folder" and "label" not in fields:
        if "/" not in path:
            return None
        fields["label"] = path.split("/", 1)[0]
    if match is not None and card.transcript_group is not None:
        key = match.group(card.transcript_group)
        if key in card.transcripts:
            fields["transcript"] = card.transcripts[key]
    name = fields.pop("id", None) or os.path.splitext(path)[0]
    entry = Entry(id=printable(name), path=path, where=printable(path), size_bytes=size)
    for field, value in fields.items():
        setattr(entry, field, value)
    return entry


def _fields(path: str, match: re.Match[str] | None, layout: Layout) -> dict[str, str]:
    groups: Mapping[str, str | None] = match.groupdict() if match else {}
    fields = {name: groups[name] for name in FIELDS if groups.get(name)}
    if layout.fields:
        folder, _, file = path.rpartition("/")
        parts = {key: value or "" for key, value in groups.items()}
        parts |= {"path": path, "folder": folder, "stem": os.path.splitext(file)[0]}
        fields |= {name: template.format_map(parts) for name, template in layout.fields.items()}
    return {name: layout.values.get(name, {}).get(value, value) for name, value in fields.items() if value}
