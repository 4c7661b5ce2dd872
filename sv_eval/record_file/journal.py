"""`records.jsonl`: a record a line, appended and flushed, so that a kill loses nothing that was finished."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from io import FileIO
from pathlib import Path
from typing import Self

from sv_eval.errors import RunDirectoryError, RunVanished
from sv_eval.record_file.as_json import record_to_json
from sv_eval.record_file.lines import RECORDS, DuplicateResolver, no_record, parsed
from sv_eval.record_file.seal import Seal, kept_run_id, new_run_id, own_lines
from sv_eval.record_file.set_aside import strange_to
from sv_eval.records import Outcome, Record
from sv_eval.written_files import not_written

_ENCODER = json.JSONEncoder(separators=(",", ":"))


class Journal:
    """Appends records to a run's `records.jsonl`; only one process at a time may hold it.

    Opening it reads what an earlier start left: `done` holds the ids of the clips that have a record, and
    `session` counts the starts before this one, `failed` the failures among `done`, `answers` the (reference,
    label) pairs of the others, and `later` the records of later rounds by start. A last line that a kill cut short
    is removed. With `retry_failed` a clip that failed counts as not done; its later record
    replaces the earlier one when the run is scored. `run_id` ties the records to a run whose directory is another.
    """

    def __init__(self, directory: Path, *, retry_failed: bool = False, run_id: str | None = None) -> None:
        self.path = directory / RECORDS
        self.done: set[str] = set()
        self.failed = 0
        self.answers: Counter[tuple[str | None, str | None]] = Counter()
        self.later: Counter[int] = Counter()
        self._retry_failed, self._given_id = retry_failed, run_id
        self.session = 0
        self._end = 0
        """Where the last whole line ends."""
        self._torn = False
        """Whether half a line may stand behind it."""
        self._identity = (0, 0)
        self._seal: Seal | None = None
        self._read: dict[str, tuple[int, str | None]] = {}
        """Of the clips that were done before the line and the reference."""

    def __enter__(self) -> Self:
        """Open or create the file; raises RunDirectoryError when that can't be done."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch()
            # Unbuffered: a write is one system call, after which a kill of this process loses nothing.
            self._file: FileIO = self.path.open("a+b", buffering=0)
        except OSError as error:
            raise not_written(self.path, error) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise RunDirectoryError(
                f"{self.path}: another process is writing this run; wait for it to end"
            ) from error
        here = os.fstat(self._file.fileno())
        self._identity = (here.st_ino, here.st_dev)
        try:
            self._read_back()
        except RunDirectoryError:
            self._file.close()
            raise
        return self

    def __exit__(self, *reason: object) -> None:
        """Close the file; without a record it is removed, and its folder too if that is all there was."""
        self._file.close()
        with contextlib.suppress(OSError):
            if self.path.stat().st_size == 0:
                self.path.unlink()
                self.path.parent.rmdir()

    @property
    def run_id(self) -> str | None:
        """What ties the records to this run; None in a run of a version that had no such thing."""
        return None if self._seal is None else self._seal.run_id

    def refuse_strangers(self, references: Mapping[str, str | None]) -> None:
        """Raise RunDirectoryError for the first record that is of none of these clips, or has another reference."""
        for clip_id, (number, reference) in self._read.items():
            why = strange_to(references, clip_id, reference)
            if why is not None:
                raise RunDirectoryError(
                    f"{self.path}, line {number}, clip '{clip_id}': {why}; run.set_aside=true puts what doesn't "
                    "belong aside"
                )
        self._read.clear()

    def append(self, record: Record) -> None:
        """Write one record; it is out of this process when the call returns."""
        # ASCII only: file names and foreign transcripts may hold characters that no encoding can write.
        line = _ENCODER.encode(record_to_json(record)).encode("ascii")
        self._write((line if self._seal is None else self._seal.sealed(line)) + b"\n")
        if record.round:
            self.later[record.session] += 1
        else:
            self.done.add(record.clip.id)

    def _write(self, line: bytes) -> None:
        """Append a line, or raise and leave the file as it was: nothing is to be glued to half a line."""
        self._refuse_vanished()
        rest = line
        try:
            if self._torn:
                self._cut_back()
            while rest:
                rest = rest[self._file.write(rest) :]
        except BaseException as error:
            self._torn = True
            with contextlib.suppress(OSError):
                self._cut_back()
            if isinstance(error, OSError):
                raise not_written(self.path, error) from error
            raise
        self._end += len(line)

    def _cut_back(self) -> None:
        """Back to the last whole line."""
        self._file.truncate(self._end)
        self._torn = False

    def _refuse_vanished(self) -> None:
        """Raise RunVanished when what is written now would be in no directory, or in another one's file."""
        try:
            there = os.stat(self.path)
        except OSError:
            there = None
        if there is None or (there.st_ino, there.st_dev) != self._identity:
            raise RunVanished(
                f"{self.path} was removed or replaced while the run was writing it; begin the run again in a "
                "directory that nothing else clears"
            )

    def _read_back(self) -> None:
        session, end = -1, 0
        run_id = self._given_id or kept_run_id(self.path.parent)
        failed: set[str] = set()
        duplicates = DuplicateResolver(str(self.path))

        def measured() -> Iterator[bytes]:
            nonlocal end
            for line in own_lines(self.path.parent, run_id):
                end += len(line)
                yield line

        for number, line in parsed(measured(), str(self.path)):
            clip_id, number_of_round = duplicates.take(number, line)
            session = max(session, line.session)
            if number_of_round:
                self.later[line.session] += 1
                continue
            self.done.add(clip_id)
            self._read[clip_id] = number, line.clip.reference
            if line.outcome == Outcome.FAILURE:
                failed.add(clip_id)
            elif line.prediction is None:
                raise no_record(str(self.path), number, KeyError("prediction"))
            else:
                failed.discard(clip_id)
                words = line.clip.reference, line.prediction.label
                if not all(isinstance(word, str | None) for word in words):
                    raise no_record(str(self.path), number, TypeError("its reference or its label is no text"))
                self.answers[words] += 1
        if self._retry_failed:
            self.done -= failed
        else:
            self.failed = len(failed)
        # A run of before there were seals goes on without them.
        if end == 0 or run_id is not None:
            self._seal = Seal(run_id or new_run_id())
        self._end = end
        self._cut_back()
        self.session = session + 1
