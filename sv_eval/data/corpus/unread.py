"""Files below a corpus's root that are no clips of it and hold audio all the same: what are they?"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sv_eval.data.audio.kinds import kind_of
from sv_eval.data.corpus.text_encoding import readable
from sv_eval.data.corpus.tree import AUDIO_SUFFIXES, printable
from sv_eval.data.storage.place import Place, StorageError

_HEAD_BYTES = 64
_STANDS_FOR = {
    ".aif": "aiff", ".aifc": "aiff", ".oga": "ogg", ".opus": "ogg", ".m4a": "mp4", ".mov": "mp4", ".mkv": "webm",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadFile:
    """A file that is no clip, and what its first bytes say."""

    path: str
    """Relative to the root, for people."""
    why: str
    """`stray` for a name that doesn't follow the rule, `unlisted` for one that the table hasn't got, or `other`."""
    content: str | None
    """What it is, e.g. `aiff`; None for no audio."""
    misnamed: bool
    """Whether its ending says something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadFiles:
    """The files of a tree that are no clips; filled while the tree is walked."""

    root: Path | Place
    """What their paths are relative to."""
    strays: Sequence[str]
    """Files of the right kind whose names don't follow the rule."""
    unlisted: Sequence[str]
    """Files that the corpus's own table doesn't list."""
    others: Sequence[str]
    """Files of other kinds that may hold audio."""

    def sniffed(self) -> Iterator[UnreadFile]:
        """Each of them, by its first bytes; those of other kinds only where they hold audio."""
        for why, paths in (("stray", self.strays), ("unlisted", self.unlisted), ("other", self.others)):
            for path in sorted(paths):
                content = content_of(self.root / path)
                ending = os.path.splitext(path)[1].lower()
                if why == "other" and content is None:
                    continue
                named = _STANDS_FOR.get(ending, ending.removeprefix("."))
                misnamed = content is not None and ending in AUDIO_SUFFIXES and named != content
                yield UnreadFile(path=printable(readable(path)), why=why, content=content, misnamed=misnamed)


def content_of(file: Path | Place) -> str | None:
    """What kind of audio a file begins as; None for none, and for a file that can't be read."""
    try:
        if isinstance(file, Place):
            head = file.stretch(0, _HEAD_BYTES)
        else:
            with file.open("rb") as opened:
                head = opened.read(_HEAD_BYTES)
    except (OSError, StorageError):
        return None
    return kind_of(head)
