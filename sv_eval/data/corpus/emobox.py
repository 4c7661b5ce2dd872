"""Corpora as EmoBox's manifests list them: its labels and folds, with what our own cards know of the paths.

The manifests give no speaker; `data.seg.wrd.stm` does. They call every language English and every file mono:
neither is taken from them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from sv_eval.data.corpus.card import find_card
from sv_eval.data.corpus.config import DatasetConfig
from sv_eval.data.corpus.emobox_files import FOLD_PREFIX, Row, fold_files, rows_of, speakers_of, whole_files
from sv_eval.data.corpus.entry import Entry, OpenedCorpus
from sv_eval.data.corpus.layouts import audio_below, entry_of, root_of
from sv_eval.data.corpus.manifest import Sizes
from sv_eval.data.corpus.notes import note_on_overlap
from sv_eval.data.corpus.path_facts import PathFacts, PathRule, spellings
from sv_eval.data.corpus.remote_source import RemoteSizes
from sv_eval.data.corpus.schema import Card, Member
from sv_eval.data.corpus.selection import ALL, unknown_split
from sv_eval.data.corpus.tree import FileSizes, printable
from sv_eval.data.storage.place import Place, placed
from sv_eval.errors import CorpusError, nearest

_DOWNLOADS = "downloads/"
_NO_FACTS = PathFacts(fields={}, groups={}, unlisted=False, contradicted=False)


def member_card(collection: Card, name: str) -> Card:
    """The card of one of a collection's corpora; raises CorpusError for a name that it hasn't got."""
    member = collection.members.get(name)
    if member is None:
        raise CorpusError(
            f"dataset.name={name}: {collection.title} has no such corpus; {nearest(name, collection.members)}"
        )
    own = find_card(member.card) if member.card is not None else None
    words = member.words or (own.words if own is not None else collection.words)
    speakers = {} if own is None else {key: replace(speaker, clips=None) for key, speaker in own.speakers.items()}
    return replace(
        collection,
        name=f"{collection.name}_{name}",
        title=f"{member.title} as {collection.title} lists it",
        licence=own.licence if own is not None else collection.licence,
        citation=own.citation if own is not None else collection.citation,
        language=member.language,
        words=words,
        label_order=(),
        expected=member.expected,
        speakers=speakers,
        notes=own.notes if own is not None else (),
        members={},
        member=member,
        known_as=member.card or name,
    )


def open_emobox(config: DatasetConfig, card: Card) -> OpenedCorpus:
    """The clips of one of EmoBox's manifests; `split` is one of its folds, or all."""
    member = card.member
    if member is None:
        raise CorpusError(f"the card {card.name} lists no members, so that EmoBox's reader has nothing to read")
    root = root_of(config, card)
    if isinstance(root, Place) and not root.lists:
        raise CorpusError(
            f"dataset.root={root}: a web server can't say which files it has, and EmoBox's lists don't say what "
            "they are called there; read them from a store that can, or from a disk"
        )
    folder = _folder(config, root)
    if config.split == ALL:
        files = whole_files(folder, config.name)
    else:
        folds = fold_files(folder, config.name)
        file = folds.get(config.split) or folds.get(config.split.removesuffix("_test"))
        if file is None:
            raise unknown_split(card, config.split, folds)
        files = [file]
    notes = []
    if member.folds == "random" and config.split.startswith(FOLD_PREFIX):
        notes.append(note_on_overlap(member.title))
    return OpenedCorpus(
        entries=_Reader(config.name, root, folder, member).entries(files),
        notes=notes,
        whole=config.split == ALL,
        **audio_below(root, config.limits),
    )


def _folder(config: DatasetConfig, root: Path | Place) -> Path | Place:
    data = placed(config.emobox.data) if config.emobox.data is not None else root / "data"
    folder = data / config.name
    # A store has no folders, but files below them.
    if folder.is_dir() if isinstance(folder, Path) else any(folder.files()):
        return folder
    raise CorpusError(
        f"{folder}: EmoBox's manifests aren't there; give the folder `data` of a copy of "
        "https://github.com/emo-box/EmoBox: dataset.emobox.data=DIR"
    )


class _Reader:
    """Makes entries of a manifest's rows."""

    def __init__(self, name: str, root: Path | Place, folder: Path | Place, member: Member) -> None:
        self._name = name
        self._root = root
        self._speakers = speakers_of(folder)
        self._own = find_card(member.card) if member.card is not None else None
        known = {} if self._own is None else spellings(self._own)
        self._rules = [PathRule(option, spelled=known) for option in self._own.layout.options] if self._own else []
        self._sizes: Sizes = FileSizes(root) if isinstance(root, Path) else RemoteSizes(root)
        self._prefix: str | None = None
        """What the manifest's paths begin with and the root lacks; None until a file was found."""

    def entries(self, files: Sequence[Path | Place]) -> Iterator[Entry]:
        """The clips that the files list, each once; raises CorpusError when none of them is there."""
        seen: set[str] = set()
        example = ""
        for file in files:
            for row in rows_of(file):
                if row.key in seen:
                    continue
                seen.add(row.key)
                example = example or row.path
                yield self._entry(row)
        if self._prefix is None:
            listing = ", ".join(map(str, files))
            if not seen:
                raise CorpusError(f"{listing}: it lists no clip; get EmoBox's manifests anew")
            raise CorpusError(
                f"{self._root}: none of the {len(seen)} files that EmoBox lists is there ({listing}), e.g. "
                f"{printable(example)} (with or without {_DOWNLOADS}{self._name}/ before it); check dataset.root"
            )

    def _entry(self, row: Row) -> Entry:
        path, size = self._located(row.path)
        facts = self._facts(row.path.removeprefix(f"{_DOWNLOADS}{self._name}/"))
        if self._own is not None:
            entry = entry_of(path, size, facts, self._own)
        else:
            entry = Entry(id=row.key, path=path, where=row.where, size_bytes=size)
        entry.id, entry.where = printable(row.key), row.where
        entry.label = row.label
        entry.speaker = entry.speaker or self._speaker(row.key)
        entry.split = None
        entry.start_s, entry.end_s = row.start_s, row.end_s
        return entry

    def _speaker(self, key: str) -> str | None:
        """EmoBox's speaker; where it knows none, it writes the clip's own name, which is none."""
        speaker = self._speakers.get(key)
        own = key.removeprefix(f"{self._name}-")
        return None if speaker in (None, key, own, os.path.splitext(own)[0]) else speaker

    def _facts(self, path: str) -> PathFacts:
        found = (facts for rule in self._rules if (facts := rule.facts(path)) is not None)
        return next(found, _NO_FACTS)

    def _located(self, path: str) -> tuple[str, int | None]:
        """Where the file is below the root, and its size; None for one that isn't there: its clip fails."""
        prefixes = ("", _DOWNLOADS, f"{_DOWNLOADS}{self._name}/") if self._prefix is None else (self._prefix,)
        for prefix in prefixes:
            found, size = self._sizes.found(path.removeprefix(prefix))
            if size is not None:
                self._prefix = prefix
                return found, size
        return path.removeprefix(prefixes[-1]), None
