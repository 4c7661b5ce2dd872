"""The files below a folder, and globs over their paths."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Literal

from sv_eval.data.storage.place import Place
from sv_eval.errors import CorpusError

AUDIO_SUFFIXES = frozenset(
    ".wav .flac .mp3 .ogg .oga .opus .m4a .aac .aif .aiff .aifc .au .caf .wma .amr .sph .w64 "  # noqa: SIM905
    ".mp4 .webm .avi .mkv .mov".split()
)

_FORMS: tuple[Literal["NFC", "NFD"], ...] = ("NFC", "NFD")
"""How Unicode writes letters with accents: in one character, as tables do, or in two, as macOS's disks do."""


def files_below(root: Path | Place) -> Iterator[tuple[str, int]]:
    """Every file that isn't hidden, as its posix path relative to `root` and its size in bytes.

    Linked folders are followed, each once. Names that are no UTF-8 keep their bytes as surrogates.
    """
    if isinstance(root, Place):
        yield from root.files()
        return
    seen: set[tuple[int, int]] = set()
    waiting = [("", str(root))]
    while waiting:
        prefix, folder = waiting.pop()
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        for entry in _listed(folder):
            path = prefix + entry.name
            if entry.is_dir():
                waiting.append((path + "/", entry.path))
            elif entry.is_file():
                yield path, entry.stat().st_size


def _listed(folder: str) -> list[os.DirEntry[str]]:
    """What a folder holds, hidden names left out."""
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        raise CorpusError(f"{printable(folder)} can't be read ({error.strerror}); check its permissions") from error


@cache
def glob_regex(glob: str) -> re.Pattern[str]:
    """The glob as a regular expression for the whole path, case ignored; `**/` is any number of folders.

    >>> bool(glob_regex("**/*.wav").fullmatch("a/b/c.WAV")), bool(glob_regex("*.wav").fullmatch("a/c.wav"))
    (True, False)
    """
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    wild = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(wild.get(piece) or re.escape(piece) for piece in pieces), re.IGNORECASE | re.DOTALL)


def is_clip(path: str, glob: str | None, exclude: tuple[str, ...] = ()) -> bool:
    """Whether a file is one of the clips."""
    if any(glob_regex(pattern).fullmatch(path) for pattern in exclude):
        return False
    if glob is None:
        return os.path.splitext(path)[1].lower() in AUDIO_SUFFIXES
    return glob_regex(glob).fullmatch(path) is not None


def printable(text: str) -> str:
    """Text that any terminal and any JSON takes: bytes that were no UTF-8 are written out.

    >>> printable("Caf\\udce9")
    'Caf\\\\udce9'
    """
    return text.encode(errors="backslashreplace").decode()


def forms_of(path: str) -> tuple[str, ...]:
    """The path, and how else Unicode writes it."""
    if path.isascii():
        return (path,)
    return tuple(dict.fromkeys((path, *(unicodedata.normalize(form, path) for form in _FORMS))))


class FileSizes:
    """Files below a folder by the names that a table gives them; rows of one file follow each other, so the last
    one is kept."""

    def __init__(self, root: Path) -> None:
        self._prefix = str(root)
        self._last: tuple[str, tuple[str, int | None]] = ("", ("", None))

    def of(self, path: str) -> int | None:
        """Size in bytes; None for a file that isn't there: its clip fails when it is run."""
        return self.found(path)[1]

    def found(self, path: str) -> tuple[str, int | None]:
        """The path as the disk has it, which may write accents as characters of their own, and the size."""
        if self._last[0] != path:
            self._last = (path, self._looked_up(path))
        return self._last[1]

    def _looked_up(self, path: str) -> tuple[str, int | None]:
        for spelling in forms_of(path):
            try:
                return spelling, os.stat(os.path.join(self._prefix, spelling)).st_size
            except (OSError, ValueError):
                continue
        return path, None
