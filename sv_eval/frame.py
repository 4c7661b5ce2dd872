"""A run's records as a pandas table, for questions that a report does not answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sv_eval.data.corpus.tree import printable
from sv_eval.errors import UsageError, nearest
from sv_eval.foreign_text import each_text
from sv_eval.record_file.json_lines import parse_line
from sv_eval.record_file.lines import RECORDS, DuplicateResolver, Key, parsed
from sv_eval.record_file.seal import own_lines

if TYPE_CHECKING:
    import pandas as pd

_VIEWS = ("answers", "requests")


def read_frame(run: str | Path, of: Literal["answers", "requests"] = "answers") -> pd.DataFrame:
    """The records of the run directory `run`.

    of: `answers`, one row a clip, what accuracy is of: the first round, indexed by clip id; or `requests`, one row
    a request of every round, what latency is of, indexed by clip id and `round`. In the latter `clean` says which
    rows enter the latency figures. Both are sorted by their index.

    Columns are the records' fields with dots between (`clip.reference`, `prediction.label`,
    `prediction.scores.happy`, `failure.kind`, `latency_ms`, ...). Of a clip that failed and was asked again by a
    later start the later record counts. Raises RunDirectoryError when the directory is no run.
    """
    import pandas as pd

    if of not in _VIEWS:
        raise UsageError(f"read_frame: of='{of}' is not known; {nearest(of, _VIEWS)}")
    path = Path(run) / RECORDS
    duplicates = DuplicateResolver(str(path))
    lines = list(own_lines(Path(run)))
    records: dict[Key, dict[str, Any]] = {}
    for number, line in parsed(lines, str(path)):
        # Read again: a table has all fields, also those that no figure is made of.
        key = duplicates.take(number, line)
        record = parse_line(lines[number - 1])
        # Names of files that are not UTF-8, which no column of text can hold.
        records[key] = each_text(record, printable) if b"\\ud" in lines[number - 1].lower() else record
        records[key].pop("seal", None)
    chosen = {key: records[key] for key in sorted(records) if of == "requests" or not key[1]}
    frame = pd.json_normalize(list(chosen.values()))
    if frame.empty:
        return frame
    if of == "answers":
        return frame.drop(columns="round", errors="ignore").set_index("clip.id")
    frame["round"] = [number for _, number in chosen]
    frame["clean"] = _clean(lines, str(path))
    return frame.set_index(["clip.id", "round"])


def _clean(lines: Sequence[bytes], where: str) -> list[bool]:
    """Which records enter latency, in the order of a table's."""
    from sv_eval.record_file.run_records import RunRecords
    from sv_eval.scoring.timing import timing_of

    clean: list[bool] = timing_of(RunRecords.of_lines(lines, where).requests).clean.tolist()
    return clean


if __name__ == "__main__":
    print(f"sv_eval.frame is no command, but for programs: import sv_eval.frame\n\n{__doc__}")
