"""Files that are written whole or not at all, and what to say where that can't be done."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from sv_eval.errors import NoRoomError, RunDirectoryError, SvEvalError

_NO_ROOM = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO))


def write_whole(path: Path, text: str) -> None:
    """Write a file through a neighbour that then takes its name, so that no reader sees half of it.

    Raises NoRoomError where the disk is full, RunDirectoryError where the file can't be written otherwise; what was
    under the name before stays there.
    """
    # A name that is not UTF-8 is written with its escapes.
    replace_whole(path, text.encode("utf-8", errors="backslashreplace"))


def replace_whole(path: Path, content: bytes) -> None:
    """As `write_whole`, for bytes."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        os.replace(partial, path)
    except OSError as error:
        _forget(partial)
        raise not_written(path, error) from error


def append_whole(path: Path, text: str) -> None:
    """Append to a file; what doesn't go in whole is taken back. Raises as `write_whole` does."""
    try:
        with path.open("ab", buffering=0) as file:
            end = os.fstat(file.fileno()).st_size
            rest = text.encode("utf-8", errors="backslashreplace")
            try:
                while rest:
                    rest = rest[file.write(rest) :]
            except BaseException:
                file.truncate(end)
                raise
    except OSError as error:
        raise not_written(path, error) from error


def refuse_unwritable(path: Path) -> None:
    """Raise, as `write_whole` does, when the file could not be written; it is not made, its folder is."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("ab"):
            pass
        partial.unlink()
    except OSError as error:
        raise not_written(path, error) from error


def not_written(path: Path, error: OSError) -> SvEvalError:
    """What to raise for a file that the system did not let us write."""
    if error.errno in _NO_ROOM:
        return NoRoomError(
            f"{path}: can't be written ({error.strerror}); make room there, then give the same command again: what "
            "was written before is whole"
        )
    return RunDirectoryError(
        f"{path}: can't be written ({error.strerror}); choose another directory (hydra.run.dir=DIR, out=DIR)"
    )


def forget_half(path: Path) -> None:
    """Take away what a killed writer of this file left; for whoever knows that no other writes it now."""
    _forget(path.with_name(f".{path.name}.partial"))


def _forget(partial: Path) -> None:
    """Take away what there is of it: it takes room that is missing."""
    try:
        partial.unlink(missing_ok=True)
    except OSError:
        # The folder is gone, or was never one; the error that led here says so.
        return
