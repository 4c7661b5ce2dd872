"""A part of a file, wherever that lies."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, cast

from sv_eval.data.storage.place import Place, StorageError
from sv_eval.data.storage.ranged_file import RangedFile
from sv_eval.errors import AudioError


def stretch_of(file: Path | Place, begin: int, size: int) -> bytes:
    """So many bytes of a file from there on; raises AudioError."""
    if isinstance(file, Place):
        return file.stretch(begin, begin + size)
    try:
        with file.open("rb") as opened:
            opened.seek(begin)
            return opened.read(size)
    except OSError as error:
        raise AudioError("not_found", f"{file} can't be read ({error.strerror}); check dataset.root") from error


def opened_for_walking(file: Path | Place, block_bytes: int) -> BinaryIO:
    """The file, to be read in order in pieces of so many bytes; raises StorageError, OSError.

    Of one elsewhere the attribute `trouble` says why a read failed.
    """
    if isinstance(file, Path):
        return file.open("rb")
    size = file.size()
    if size is None:
        raise StorageError("not_found", f"{file} isn't there; check dataset.root")
    return cast("BinaryIO", RangedFile(file.stretch, size, block_bytes, most_blocks=2))
