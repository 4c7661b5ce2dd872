"""What ties a line of `records.jsonl` to its run: the run's id, and a checksum over the line.

A seal tells lines of another run, lines that were edited and lines that no run wrote from those that belong. It
guards against mixing and mending, not against forgers: the id stands in `environment.json` for everybody to read.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path

from sv_eval.errors import RunDirectoryError
from sv_eval.record_file.json_lines import parse_line
from sv_eval.record_file.lines import RECORDS, read_lines
from sv_eval.report.run_directory import ENVIRONMENT, read_json

_KEY = b',"seal":"'
_ID_DIGITS, _SUM_DIGITS = 12, 16
_LENGTH = len(_KEY) + _ID_DIGITS + 1 + _SUM_DIGITS + len(b'"}')
_ADVICE = "sv-eval score RUN set_aside=true, or run.set_aside=true on resuming, puts what doesn't belong aside"


def new_run_id() -> str:
    """An id for a run that begins."""
    return secrets.token_hex(_ID_DIGITS // 2)


def kept_run_id(directory: Path) -> str | None:
    """The id in `environment.json`; None where there is no such file, or where it is of a version without ids."""
    path = directory / ENVIRONMENT
    if not path.is_file():
        return None
    found = read_json(path).get("run_id")
    if found is None:
        return None
    if not isinstance(found, str) or len(found) != _ID_DIGITS or not found.isascii():
        raise RunDirectoryError(
            f"{path}: run_id is not as sv_eval writes it; put the file back as the run wrote it"
        )
    return found


class Seal:
    """Seals the lines of one run, and looks at the seals of others."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self._of_no_line = hashlib.blake2b(digest_size=_SUM_DIGITS // 2, key=run_id.encode("ascii"))

    def sealed(self, line: bytes) -> bytes:
        """A record, as JSON without the end of the line, with its seal in it."""
        return b"".join((line[:-1], _KEY, self._of(line[:-1]), b'"}'))

    def what_differs(self, line: bytes) -> str | None:
        """Why a line is not of this run; None when it is."""
        line = line.rstrip(b"\r\n")
        if line[-_LENGTH:] == b"".join((_KEY, self._of(line[:-_LENGTH]), b'"}')):
            return None
        whose = seal_of(line)
        if whose is None:
            return "it has no seal: it was not written by this run"
        if whose != self.run_id:
            return f"it is of run {whose}, and this is run {self.run_id}"
        return "it was changed after it was written"

    def _of(self, body: bytes) -> bytes:
        digest = self._of_no_line.copy()
        digest.update(body)
        return f"{self.run_id}.{digest.hexdigest()}".encode("ascii")


def seal_of(line: bytes) -> str | None:
    """The id of the run that sealed a line; None for a line without a seal."""
    try:
        seal = parse_line(line)["seal"]
    except (ValueError, KeyError, TypeError):
        return None
    run_id, dot, _ = seal.partition(".") if isinstance(seal, str) else ("", "", "")
    # Another file's words are shown; they are no longer than ours.
    return run_id if dot and len(run_id) == _ID_DIGITS and run_id.isalnum() else None


def own_lines(directory: Path, run_id: str | None = None) -> Iterator[bytes]:
    """The whole lines of a run's records. Raises RunDirectoryError for the first that is not of this run.

    A run of a version without ids has lines without seals; they are taken as they are. run_id: of which run they
    are, where the directory is not that run's own.
    """
    run_id = run_id or kept_run_id(directory)
    seal, path = None if run_id is None else Seal(run_id), directory / RECORDS
    checked_without = seal is None and (directory / ENVIRONMENT).is_file()
    for number, line in enumerate(read_lines(path), 1):
        if seal is not None:
            if line.strip() and (why := seal.what_differs(line)) is not None:
                raise foreign_line(str(path), number, line, why)
        elif checked_without and b'"seal"' in line[-_LENGTH - 2 :] and (whose := seal_of(line)) is not None:
            raise foreign_line(
                str(path), number, line, f"it is of run {whose}, and {ENVIRONMENT} knows of no run_id"
            )
        yield line


def foreign_line(where: str, number: int, line: bytes, why: str) -> RunDirectoryError:
    """What to say of a line that does not belong."""
    clip = clip_of(line)
    return RunDirectoryError(f"{where}, line {number}{f', clip {clip!r}' if clip else ''}: {why}; {_ADVICE}")


def clip_of(line: bytes) -> str | None:
    """The id of the clip that a line is about; None where it names none."""
    try:
        found = parse_line(line)["clip"]["id"]
    except (ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None
