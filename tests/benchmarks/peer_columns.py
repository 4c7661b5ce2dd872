"""What columnar engines need to read a run's records into sorted columns: the peers of `bench_scale.py --peers`.

    python tests/benchmarks/peer_columns.py duckdb|duckdb-disk|polars|pyarrow|sv_eval RUN

    pip install duckdb polars pyarrow

One thread each. DuckDB, Polars and Arrow take the lines as they are; sv_eval checks each line's seal, its types and
words, and whether its clip has a record already. Prints the share of right answers, as each has it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path


def of_duckdb(records: Path, database: str) -> float:
    """The records as a table of DuckDB."""
    import duckdb

    connection = duckdb.connect(database)
    connection.execute("set threads = 1")
    connection.execute(
        "create table r as select clip.id id, clip.path path, clip.reference reference, clip.raw_label raw, "
        "clip.speaker speaker, clip.sex sex, outcome, prediction.label said, prediction.forced forced, "
        "prediction.confidence sure, prediction.scores scores, latency_ms, audio_s, sent_s, batch_size, attempts, "
        "session, call, sound "
        f"from read_json('{records}', format = 'newline_delimited') order by id"
    )
    found = connection.execute("select avg((reference = said)::int) from r").fetchone()
    return float(found[0])


def of_polars(records: Path) -> float:
    """The records as a frame of Polars."""
    os.environ["POLARS_MAX_THREADS"] = "1"
    import polars

    frame = (
        polars.scan_ndjson(records, infer_schema_length=1000).drop("decode_ms", "seal").collect(engine="streaming")
    )
    frame = frame.sort(polars.col("clip").struct.field("id"))
    right = polars.col("clip").struct.field("reference") == polars.col("prediction").struct.field("label")
    return float(frame.select(right.mean()).item())


def of_pyarrow(records: Path) -> float:
    """The records as a table of Arrow."""
    import pyarrow
    import pyarrow.compute
    import pyarrow.json

    pyarrow.set_cpu_count(1)
    options = pyarrow.json.ReadOptions(use_threads=False, block_size=1 << 22)
    table = pyarrow.json.read_json(records, read_options=options).flatten().flatten().sort_by("clip.id")
    right = pyarrow.compute.equal(table["clip.reference"], table["prediction.label"])
    return float(pyarrow.compute.mean(right).as_py())


def of_sv_eval(run: Path) -> float:
    """The records and scores as sv_eval has them."""
    from sv_eval.record_file.run_records import RunRecords
    from sv_eval.record_file.score_table import ScoreTable

    answers, scores = RunRecords.read(run).answers, ScoreTable.read(run)
    return float((answers.reference == answers.predicted).sum() / len(scores))


def main() -> None:
    """Read, and print what was found."""
    engine, run = sys.argv[1], Path(sys.argv[2])
    records = run / "records.jsonl"
    with tempfile.TemporaryDirectory() as temporary:
        right = {
            "duckdb": lambda: of_duckdb(records, ":memory:"),
            "duckdb-disk": lambda: of_duckdb(records, f"{temporary}/run.duckdb"),
            "polars": lambda: of_polars(records),
            "pyarrow": lambda: of_pyarrow(records),
            "sv_eval": lambda: of_sv_eval(run),
        }[engine]()
    sys.stdout.write(f"{engine}: {right:.4f} right\n")


if __name__ == "__main__":
    main()
