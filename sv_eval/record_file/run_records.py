"""What a run recorded, settled: the answers that accuracy is of, and the requests that latency is of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from sv_eval.record_file.json_lines import no_collections
from sv_eval.record_file.lines import RECORDS, key_of, no_record, parsed, records_hash
from sv_eval.record_file.parts import Parts
from sv_eval.record_file.rows import row_of_line, row_of_record
from sv_eval.record_file.seal import own_lines
from sv_eval.record_file.set_aside import count_set_aside
from sv_eval.record_file.table import RecordTable
from sv_eval.records import Record

Lines = Iterable[Mapping[str, Any] | str | bytes]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunRecords:
    """The records of a run as two tables; the very same one where the corpus was gone through once."""

    answers: RecordTable
    """Round 0, one position a clip: what accuracy is of."""
    requests: RecordTable
    """All rounds, one position a request: what latency is of."""
    hash: str | None = None
    """SHA-256 over the lines that were read; None for records in memory."""
    set_aside: int = 0
    """Lines that lay among them, did not belong to the run and were put aside."""

    @classmethod
    def read(cls, directory: Path, *, run_id: str | None = None) -> Self:
        """The records of a run directory. Raises RunDirectoryError, naming file and line, for what is none, or
        of another run; `run_id` says of which, where the directory is not its own."""
        path = directory / RECORDS
        found = cls.of_lines(own_lines(directory, run_id), str(path))
        return replace(found, hash=records_hash(path), set_aside=count_set_aside(directory))

    @classmethod
    def of_lines(cls, lines: Lines, where: str = "records") -> Self:
        """The records in lines of a `records.jsonl`, parsed or not; `where` begins errors.

        A last line that was torn by a killed run is left out; a broken line before others is an error.
        """
        words: dict[str, str] = {}
        parts = Parts(where)
        with no_collections():
            for number, line in parsed(lines, where):
                key = key_of(line, where, number)
                try:
                    row = row_of_line(line, words)
                except (KeyError, TypeError, AttributeError) as error:
                    raise no_record(where, number, error) from error
                parts.add(key, number, row)
            return cls._of_parts(parts)

    @classmethod
    def of_records(cls, records: Iterable[Record]) -> Self:
        """Records in memory; equal to reading back what was written of them."""
        parts = Parts("records", in_file=False)
        for number, one in enumerate(records, 1):
            parts.add((one.clip.id, one.round), number, row_of_record(one))
        return cls._of_parts(parts)

    @classmethod
    def _of_parts(cls, parts: Parts) -> Self:
        first, every = parts.columns()
        answers = RecordTable(**first, n_repeated=parts.asked_again)
        if every is None:
            return cls(answers=answers, requests=answers)
        return cls(answers=answers, requests=RecordTable(**every, n_repeated=parts.asked_again))
