"""The lines of a `records.jsonl`, and what each of them stands for.

A record is of one clip in one *round*, counted from 0: how often the measurement had gone through the clip before.
Accuracy is of round 0, latency of all rounds. A *shared* record stands for accuracy alone and has no latency. A run
that was *resumed* has several sessions; a later one may ask again for a clip that failed, and goes through the
later rounds anew. Such a record takes the place of the one before it, and nothing else does: the same clip twice in
a round is no work of ours, and is refused by name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sv_eval.errors import RunDirectoryError
from sv_eval.record_file.line import Line, line_of_json, read_line
from sv_eval.records import Outcome

RECORDS = "records.jsonl"
_FAILURE = Outcome.FAILURE.value
_TEXT = (str, bytes)
_BLOCK_BYTES = 2**20

Key = tuple[str, int]
"""A clip's id and the round: what a record is about."""


def read_lines(path: Path) -> Iterator[bytes]:
    """The whole lines of a records file; one that is still being written is left out.

    Raises RunDirectoryError when there is no such file.
    """
    if not path.is_file():
        raise RunDirectoryError(f"{path}: no such file; a run directory holds a {RECORDS}")
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line


def records_hash(path: Path) -> str:
    """SHA-256 over the whole lines of a records file, in hexadecimal."""
    digest, tail = hashlib.sha256(), b""
    with path.open("rb") as file:
        # Line by line it would take several times as long.
        while block := file.read(_BLOCK_BYTES):
            whole, end, rest = block.rpartition(b"\n")
            if end:
                digest.update(tail + whole + end)
                tail = rest
            else:
                tail += block
    return digest.hexdigest()


def parsed(lines: Iterable[Mapping[str, Any] | str | bytes], where: str) -> Iterator[tuple[int, Line]]:
    """Every record with its line's number, from 1; `where` begins errors.

    A last line that a kill tore, so that it has no end, is left out; another broken one, and what is no record,
    raises RunDirectoryError.
    """
    torn = 0
    for number, line in enumerate(lines, 1):
        if torn:
            raise _not_json(where, torn)
        try:
            if not isinstance(line, _TEXT):
                yield number, line_of_json(line)
            elif line.strip():
                yield number, read_line(line)
        except ValueError as error:
            if not isinstance(line, _TEXT) or line[-1:] in ("\n", b"\n"):
                raise _not_json(where, number) from error
            torn = number
        except (KeyError, TypeError, AttributeError) as error:
            raise no_record(where, number, error) from error


def no_record(where: str, number: int, error: Exception) -> RunDirectoryError:
    """What to say of a line that lacks something."""
    return RunDirectoryError(f"{where}, line {number}: not a record ({error!r}); delete the line")


def _not_json(where: str, number: int) -> RunDirectoryError:
    return RunDirectoryError(f"{where}, line {number}: not JSON; mend or delete this line")


class DuplicateResolver:
    """Takes records in the order in which they were written and says what each is about.

    where: begins errors.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        # Of each record the line, the session, and whether it is a failure; the usual ones in one number, since
        # there may be millions, and those of the first round by their clip alone.
        self._seen: dict[Key | str, tuple[int, int, bool] | int] = {}
        self.asked_again = 0
        """Failures of round 0 that gave way to a later session's record."""

    def take(self, number: int, line: Line) -> Key:
        """The key of the record in line `number`; under a key that was given before, it takes that one's place.

        Raises RunDirectoryError for a record that is of no clip, and for a repeat that no start of a run makes.
        """
        clip_id, number_of_round, session = line.clip.id, line.round, line.session
        if type(clip_id) is not str or type(number_of_round) is not int or type(session) is not int:
            raise self._strange(number, clip_id)
        failed = line.outcome == _FAILURE
        key = clip_id, number_of_round
        known: Key | str = key if number_of_round else clip_id
        if known in self._seen:
            return self.settle(clip_id, number_of_round, session, failed=failed, number=number)
        self._seen[known] = _kept(number, session, failed=failed)
        return key

    def _strange(self, number: int, clip_id: object) -> RunDirectoryError:
        if not isinstance(clip_id, str):
            return no_record(self._where, number, TypeError("the id of its clip is no text"))
        return RunDirectoryError(
            f"{self._where}, line {number}, clip '{clip_id}': round and session are whole numbers; mend it"
        )

    def settle(self, clip_id: str, number_of_round: int, session: int, *, failed: bool, number: int) -> Key:
        """As `take`, from what it looks at."""
        known: Key | str = (clip_id, number_of_round) if number_of_round else clip_id
        if known in self._seen:
            line, earlier, had_failed = _told(self._seen[known])
            if session <= earlier or not (had_failed or number_of_round):
                raise RunDirectoryError(
                    f"{self._where}, line {number}: clip '{clip_id}' has a record already, in line {line}; only a "
                    "later start of the run gives another, in place of a failure. Delete what does not belong"
                )
            self.asked_again += not number_of_round
        self._seen[known] = _kept(number, session, failed=failed)
        return clip_id, number_of_round

    def line_of(self, key: Key) -> int:
        """The line of the record that stands under the key."""
        return _told(self._seen[key if key[1] else key[0]])[0]


def _kept(number: int, session: int, *, failed: bool) -> tuple[int, int, bool] | int:
    return (number, session, failed) if session else 2 * number + failed


def _told(kept: tuple[int, int, bool] | int) -> tuple[int, int, bool]:
    return kept if isinstance(kept, tuple) else (kept // 2, 0, bool(kept % 2))
