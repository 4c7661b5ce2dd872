"""Corpora whose paths say what a clip is: names that follow a rule, or a folder per emotion."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypedDict

from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.corpus.companions import Table, read_tables
from sv_eval.data.corpus.config import DatasetConfig
from sv_eval.data.corpus.copies import without_copies
from sv_eval.data.corpus.entry import Entry, OpenedCorpus
from sv_eval.data.corpus.fingerprint import Ends, EndsOfFiles
from sv_eval.data.corpus.layout_rule import Layout
from sv_eval.data.corpus.notes import (
    Note,
    note_on_absent,
    note_on_companion,
    note_on_contradictions,
    note_on_strays,
    note_on_unlisted,
)
from sv_eval.data.corpus.path_facts import PathFacts, PathRule, spellings
from sv_eval.data.corpus.remote_source import RemoteEnds, RemoteSource
from sv_eval.data.corpus.schema import Card
from sv_eval.data.corpus.source import EncodedSource, FileSource
from sv_eval.data.corpus.text_encoding import readable
from sv_eval.data.corpus.tree import AUDIO_SUFFIXES, files_below, glob_regex, is_clip, printable
from sv_eval.data.corpus.unread import UnreadFiles
from sv_eval.data.storage.place import Place, placed
from sv_eval.errors import CorpusError
from sv_eval.records import Clip

_KNOWN_OTHERS = frozenset(
    ".txt .csv .tsv .json .jsonl .yaml .yml .xml .html .htm .pdf .doc .docx .xls .xlsx .md .py .sh .mat .zip "  # noqa: SIM905
    ".gz .tar .tgz .rar .7z .jpg .jpeg .png .gif .lab .tag .peak .ort .textgrid .ini .db .data .npy .npz .pkl "
    ".rttm .stm .flv .cfg .log .bib .rtf .eaf .praat .f0 .pitch .phn .wrd".split()
)
"""Endings of what lies beside audio and is none."""


def open_tree(config: DatasetConfig, card: Card) -> OpenedCorpus:
    """The clips of a `pattern` or `folder` corpus."""
    root = root_of(config, card)
    layout, tables = surveyed(root, _chosen(card.layout, config))
    notes: list[Note] = []
    left = _LeftOver()
    entries = without_copies(_entries(root, layout, tables, card, notes, left), layout, notes)
    return OpenedCorpus(
        entries=entries,
        **audio_below(root, config.limits),
        notes=notes,
        variant=layout.variant,
        unread=left.unread(root),
    )


class _Audio(TypedDict):
    source: EncodedSource
    ends: Ends
    expect: Callable[[Sequence[Clip]], None] | None


def audio_below(root: Path | Place, limits: AudioLimits) -> _Audio:
    """Where the audio of an opened corpus comes from, and what tells it from another's."""
    if isinstance(root, Path):
        return {"source": FileSource(root, limits), "ends": EndsOfFiles(root), "expect": None}
    ends = RemoteEnds(root)
    return {"source": RemoteSource(root, limits), "ends": ends, "expect": ends.expect}


def root_of(config: DatasetConfig, card: Card) -> Path | Place:
    """The folder with the audio, on a disk or elsewhere; raises CorpusError when there is none."""
    if config.root is None:
        if card.layout.bundled and card.folder is not None:
            return card.folder
        raise CorpusError(
            f"dataset.root isn't set: give the folder of {card.title}, dataset.root=DIR. {card.source.how}"
        )
    root = placed(config.root)
    if isinstance(root, Path) and not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "doesn't exist"
        raise CorpusError(f"dataset.root={config.root} {what}: give the folder of {card.title}")
    return root


def _chosen(layout: Layout, config: DatasetConfig) -> Layout:
    """The layout with the user's own options for `kind: folder`."""
    if layout.kind != "folder":
        return layout
    glob, pattern = config.folder.glob or layout.glob, config.folder.pattern or layout.pattern
    return replace(layout, glob=glob, pattern=pattern)


def surveyed(root: Path | Place, layout: Layout) -> tuple[Layout, tuple[Table, ...]]:
    """The layout as the tree has it, and the tables in it; one of one form without tables isn't looked for.

    The first of the variants that any file follows is taken, so that it doesn't matter in which order a disk
    lists its files.
    """
    options, companions = layout.options, layout.companions
    if len(options) == 1 and not companions:
        return layout, ()
    best = loosely = len(options)
    found: list[list[list[str]]] = [[[] for _ in companion.files] for companion in companions]
    for on_disk, _ in files_below(root):
        path = readable(on_disk)
        for globs, lists in zip((companion.files for companion in companions), found, strict=True):
            for glob, paths in zip(globs, lists, strict=True):
                if glob_regex(glob).fullmatch(path):
                    paths.append(on_disk)
        for index, option in enumerate(options[:best]):
            if is_clip(path, option.glob, option.exclude) and option.follows(path):
                best = index
                break
        else:
            loosely = min(loosely, _loosely(options, path))
        if best == 0 and not companions:
            break
    # Names without their capitals count only where none has them.
    best = best if best < len(options) else loosely
    files = [sorted(next(filter(None, lists), []), key=lambda path: (path.count("/"), path)) for lists in found]
    tables = read_tables(root, companions, files) if best < len(options) else ()
    return options[best % len(options)], tables


def _loosely(options: Sequence[Layout], path: str) -> int:
    """The first of the variants that a path follows but for its capitals; their number for none."""
    fits = (
        index
        for index, option in enumerate(options)
        if is_clip(path, option.glob, option.exclude) and option.follows(path, loosely=True)
    )
    return next(fits, len(options))


@dataclass(slots=True)
class _LeftOver:
    """What a walk over the tree met besides clips."""

    strays: list[str] = field(default_factory=list)
    """Files of the right kind whose names don't follow the rule."""
    other: str = ""
    """A file of another kind."""
    audio: list[str] = field(default_factory=list)
    """Files of other kinds whose names say that they hold audio, or say nothing."""
    unlisted: list[str] = field(default_factory=list)
    """Files that the corpus's table doesn't list."""
    contradicted: int = 0
    """Clips whose number belongs elsewhere."""
    example: str = ""
    """The first of those by its name."""

    def pass_over(self, path: str) -> None:
        """Keeps in mind a file that is no clip."""
        self.other = self.other or path
        ending = os.path.splitext(path)[1].lower()
        if ending in AUDIO_SUFFIXES or ending not in _KNOWN_OTHERS:
            self.audio.append(path)

    def unread(self, root: Path | Place) -> UnreadFiles:
        """The files that hold audio, or should, and are no clips."""
        return UnreadFiles(root=root, strays=self.strays, unlisted=self.unlisted, others=self.audio)

    def contradict(self, path: str) -> None:
        """Counts a clip whose number belongs elsewhere."""
        self.contradicted += 1
        self.example = min(self.example or path, path)

    def notes(self, tables: tuple[Table, ...]) -> Iterator[Note]:
        """What a report should say about it."""
        if self.strays:
            yield note_on_strays(len(self.strays), printable(min(self.strays)))
        if self.unlisted:
            yield note_on_unlisted(len(self.unlisted))
        if self.contradicted:
            yield note_on_contradictions(self.contradicted, printable(self.example))
        for table in tables:
            if table.companion.lists and (absent := table.unasked()):
                yield note_on_absent(len(absent), len(table), absent)
            if not table.companion.lists and table.n_joined < table.n_clips:
                yield note_on_companion(table)


def _entries(
    root: Path | Place, layout: Layout, tables: tuple[Table, ...], card: Card, notes: list[Note], left: _LeftOver
) -> Iterator[Entry]:
    rule = PathRule(layout, tables, spellings(card))
    found = False
    for path, size in files_below(root):
        shown = readable(path)
        if not is_clip(shown, layout.glob, layout.exclude):
            left.pass_over(path)
            continue
        facts = rule.facts(shown)
        if facts is None:
            left.strays.append(path)
            continue
        found = True
        if facts.unlisted:
            left.unlisted.append(path)
            continue
        if facts.contradicted:
            left.contradict(path)
        yield entry_of(path, size, facts, card, shown)
    if not found:
        raise CorpusError(_nothing(root, card.layout, layout, left))
    notes.extend(left.notes(tables))


def _nothing(root: Path | Place, given: Layout, layout: Layout, left: _LeftOver) -> str:
    """Why the root holds no clip of this corpus."""
    glob = layout.glob or "every audio file"
    if left.strays:
        there = printable(readable(min(left.strays)))
        return (
            f"{root}: {len(left.strays)} files match {glob}, but none follows {_rule(given, layout)}; there is "
            f"{there}, for example. Check dataset.root"
        )
    seen = f"a file that is there: {printable(left.other)}" if left.other else "the folder is empty"
    like = f"; the corpus's names are like {layout.example}" if layout.example else ""
    return f"{root}: no file matches {glob} ({seen}){like}. Check dataset.root"


def _rule(given: Layout, layout: Layout) -> str:
    """What names follow, by an example where the card has one."""
    examples = [option.example for option in given.options if option.example is not None]
    if examples:
        return f"the corpus's names, {' or '.join(examples)}"
    if len(given.options) > 1:
        return f"any of the {len(given.options)} forms that the corpus comes in"
    return f"the pattern {layout.pattern}" if layout.pattern else "a folder per emotion, as in happy/a.wav"


def entry_of(path: str, size: int | None, facts: PathFacts, card: Card, shown: str | None = None) -> Entry:
    """The entry for a clip of which that is known; shown: its path in letters, where the disk's aren't."""
    fields = dict(facts.fields)
    key = facts.groups.get(card.transcript_group or "")
    if key is not None and key in card.transcripts and "transcript" not in fields:
        fields["transcript"] = card.transcripts[key]
    shown = path if shown is None else shown
    name = fields.pop("id", None) or os.path.splitext(shown)[0]
    entry = Entry(id=printable(name), path=path, where=printable(shown), size_bytes=size)
    for name, value in fields.items():
        setattr(entry, name, value)
    return entry
