"""A run's records as a pandas table, for questions that a report does not answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sv_eval.json_lines import parse_line
from sv_eval.run.journal import RECORDS, read_lines

if TYPE_CHECKING:
    import pandas as pd


def read_frame(run: str | Path) -> pd.DataFrame:
    """The records of the run directory `run`: one row a clip, sorted by clip id, which is the index.

    Columns are the records' fields with dots between (`clip.reference`, `prediction.label`,
    `prediction.scores.happy`, `failure.kind`, `latency_ms`, ...). Of a clip that was asked again the last
    record counts. Raises RunDirectoryError when the directory is no run.
    """
    import pandas as pd

    records = [parse_line(line) for line in read_lines(Path(run) / RECORDS)]
    frame = pd.json_normalize(records)
    if frame.empty:
        return frame
    last = frame.drop_duplicates("clip.id", keep="last")
    return last.set_index("clip.id").sort_index()
