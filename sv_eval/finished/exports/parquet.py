"""Parquet: the records as columns, for DuckDB, Polars, Spark and what else reads Arrow."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from sv_eval.errors import MissingPackageError
from sv_eval.finished.exports.run import ExportedRun
from sv_eval.frame import read_frame
from sv_eval.report.codec import as_json

if TYPE_CHECKING:
    import pandas as pd

_KEY = b"sv_eval"


def records_parquet(run: ExportedRun) -> bytes:
    """A row for each record of every round, by clip id and round, with the columns of `read_frame`.

    Two more say what was scored: `scored.reference` and `scored.answer`, under the run's label map and thresholds.
    The file's metadata has the run's facts under `sv_eval`, as JSON.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingPackageError("Parquet needs another package; pip install 'sv-eval[parquet]'") from error

    frame = read_frame(run.directory, "requests").reset_index()
    codes, table = run.requests.class_codes, run.requests
    frame["scored.reference"] = [codes.references[code] for code in table.reference.tolist()]
    frame["scored.answer"] = [codes.answers[code] for code in table.predicted.tolist()]
    columns = pa.Table.from_pandas(_flat(frame), preserve_index=False)
    facts = json.dumps(as_json(run.report.run), ensure_ascii=False).encode("utf-8")
    columns = columns.replace_schema_metadata({**(columns.schema.metadata or {}), _KEY: facts})
    content = io.BytesIO()
    pq.write_table(columns, content, compression="zstd")
    return content.getvalue()


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with lists and objects as JSON: from record to record they may hold other things."""
    for name, column in frame.items():
        if str(column.dtype) == "object":
            frame[name] = column.map(_as_text)
    return frame


def _as_text(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
