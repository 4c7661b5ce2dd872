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
from typing import Any, NamedTuple

from sv_eval.errors import RunDirectoryError
from sv_eval.record_file.line import Line, line_of_json, read_line
from sv_eval.records import Outcome

RECORDS = "records.jsonl"
_FAILURE = Outcome.FAILURE.value
_TEXT = (str, bytes)
_BLOCK_BYTES = 2**20

Key = tuple[str, int]
"""A clip's id and the round: what a record is about."""


class Standing(NamedTuple):
    """What settles which of several records of a key counts."""

    line: int
    session: int
    failed: bool


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


def key_of(line: Line, where: str, number: int) -> Key:
    """What the record in line `number` is about. Raises RunDirectoryError for one that is of no clip."""
    clip_id, number_of_round, session = line.clip.id, line.round, line.session
    if not isinstance(clip_id, str):
        raise no_record(where, number, TypeError("the id of its clip is no text"))
    if type(number_of_round) is not int or type(session) is not int:
        raise RunDirectoryError(
            f"{where}, line {number}, clip '{clip_id}': round and session are whole numbers; mend it"
        )
    return clip_id, number_of_round


def standing_of(line: Line, number: int) -> Standing:
    """What settles whether the record in line `number` counts."""
    return Standing(number, line.session, line.outcome == _FAILURE)


def check_repeat(where: str, key: Key, earlier: Standing, later: Standing) -> None:
    """Raises RunDirectoryError for a repeat that no start of a run makes."""
    if later.session <= earlier.session or not (earlier.failed or key[1]):
        raise RunDirectoryError(
            f"{where}, line {later.line}: clip '{key[0]}' has a record already, in line {earlier.line}; only a "
            "later start of the run gives another, in place of a failure. Delete what does not belong"
        )


class DuplicateResolver:
    """Takes records in the order in which they were written and says what each is about.

    where: begins errors.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        # The usual ones as one number, and those of the first round by their clip alone: there may be millions.
        self._seen: dict[Key | str, Standing | int] = {}

    def take(self, number: int, line: Line) -> Key:
        """The key of the record in line `number`; under a key that was given before, it takes that one's place.

        Raises RunDirectoryError for a record that is of no clip, and for a repeat that no start of a run makes.
        """
        key = key_of(line, self._where, number)
        later = standing_of(line, number)
        known: Key | str = key if key[1] else key[0]
        if known in self._seen:
            check_repeat(self._where, key, _told(self._seen[known]), later)
        self._seen[known] = later if later.session else 2 * number + later.failed
        return key


def _told(kept: Standing | int) -> Standing:
    return kept if isinstance(kept, Standing) else Standing(kept // 2, 0, bool(kept % 2))
