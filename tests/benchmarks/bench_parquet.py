"""Clips in Parquet files beside the same in tar shards, and beside `datasets` streaming the same files: a script.

Each way of reading is a process of its own, in turns; medians are printed. `peak` is what the process grew by, from
after its imports to its largest: reading the corpus, its hash, and decoding every clip. The first start walks the
files, the second one knows them. `as they are` is what `datasets` writes (pages below a megabyte, sound not
compressed), `snappy` what `pyarrow.parquet.write_table` does: all rows in one row group, pages of 1024 rows.
"""

from __future__ import annotations

import asyncio
import importlib
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import soundfile

_CLIPS = 3000
_SECONDS = 3
_TURNS = 3
_WAIT_S = 0.03
_SCATTERED = 200
_WAYS = {
    "tar shard": ("webdataset", "speech.tar"),
    "Parquet as they are": ("parquet", "as_they_are.parquet"),
    "Parquet snappy": ("parquet", "snappy.parquet"),
}


def main() -> None:
    """Write the files, read them in every way, and print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder))
        for path in sorted(Path(folder).iterdir()):
            sys.stdout.write(f"{path.name}: {path.stat().st_size / 1e6:.0f} MB, {_CLIPS} clips of {_SECONDS} s\n")
        told: dict[str, list[dict[str, float]]] = {}
        for turn in range(_TURNS):
            for name, (kind, file) in _WAYS.items():
                lent = {"XDG_CACHE_HOME": f"{folder}/cache-{turn}"}
                found = [_of_process("ours", kind, f"{folder}/{file}", lent) for _ in range(2)]
                told.setdefault(f"{name}, first start", []).append(found[0])
                told.setdefault(f"{name}, second start", []).append(found[1])
                if kind == "parquet":
                    streamed = _of_process("theirs", kind, f"{folder}/{file}", lent)
                    told.setdefault(f"{name}, datasets streaming", []).append(streamed)
        for name, (kind, file) in _WAYS.items():
            lent = {"XDG_CACHE_HOME": folder}
            told[f"{name}, 30 ms a request"] = [_of_process("slow", kind, f"{folder}/{file}", lent)]
    for name, runs in told.items():
        median = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        sys.stdout.write(f"{name}: " + ", ".join(f"{key} {value:,.4g}" for key, value in median.items()) + "\n")


def _write(folder: Path) -> None:
    """The same clips in a tar shard and in two Parquet files, in no order of their ids."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    import datasets

    datasets.disable_progress_bars()
    rng = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    for number in rng.permutation(_CLIPS):
        file = io.BytesIO()
        samples = rng.normal(0, 0.1, 16_000 * _SECONDS).astype(np.float32)
        soundfile.write(file, samples, 16_000, format="FLAC")
        audio = {"bytes": file.getvalue(), "path": f"{number:05d}.flac"}
        rows.append({"audio": audio, "label": ("happy", "sad", "angry")[number % 3]})
    with tarfile.open(folder / "speech.tar", "w") as tar:
        for row in rows:
            name = row["audio"]["path"].removesuffix(".flac")
            for ending, content in (("flac", row["audio"]["bytes"]), ("cls", row["label"].encode())):
                member = tarfile.TarInfo(f"{name}.{ending}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    table = pa.Table.from_pylist(rows)
    pq.write_table(table, folder / "snappy.parquet")
    features = datasets.Features({"audio": datasets.Audio(decode=False), "label": datasets.Value("string")})
    datasets.Dataset(table).cast(features).to_parquet(folder / "as_they_are.parquet")


def _of_process(what: str, kind: str, path: str, lent: dict[str, str]) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-P", __file__, what, kind, path],
        env={**os.environ, **lent},
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _mib(what: str) -> float:
    """This process's memory: `VmRSS` now, `VmHWM` at most."""
    told = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return int(told[what].split()[0]) / 1024


def _ours(kind: str, path: str) -> dict[str, float]:
    from sv_eval.data.corpus.reading import dataset_config_from, read_corpus
    from sv_eval.data.corpus.source import reading_order

    if kind == "parquet":
        # Importing it is no reading.
        importlib.import_module("pyarrow.parquet")
    before, begin = _mib("VmRSS"), time.perf_counter()
    corpus = read_corpus(dataset_config_from({"name": "bench", "kind": kind, "root": path}))
    opened_s = time.perf_counter() - begin
    clips_s = _rate(corpus.source, reading_order(corpus.source, corpus.clips))
    return {"open s": opened_s, "clips/s": clips_s, "peak MiB": _mib("VmHWM") - before}


def _theirs(_: str, path: str) -> dict[str, float]:
    import datasets
    from sv_eval.data.audio.decoding import decode

    before, begin = _mib("VmRSS"), time.perf_counter()
    table = datasets.load_dataset("parquet", data_files=path, split="train", streaming=True)
    table = table.cast_column("audio", datasets.Audio(decode=False))
    opened_s, begin = time.perf_counter() - begin, time.perf_counter()
    seconds = sum(decode(row["audio"]["bytes"]).duration_s for row in table)
    clips_s = seconds / _SECONDS / (time.perf_counter() - begin)
    return {"open s": opened_s, "clips/s": clips_s, "peak MiB": _mib("VmHWM") - before}


class Counted:
    """What was asked of a store."""

    requests = 0
    fetched = 0


def _slow(kind: str, path: str) -> dict[str, float]:
    """Reading from a store whose every request takes a while, as the clips lie and in the order of their ids."""
    from fsspec.implementations.memory import MemoryFileSystem

    from sv_eval.data.corpus.reading import dataset_config_from, read_corpus
    from sv_eval.data.corpus.source import reading_order

    store, original = Counted(), MemoryFileSystem.cat_file

    def slowly(files: MemoryFileSystem, *arguments: object, **named: object) -> bytes:
        time.sleep(_WAIT_S)
        found: bytes = original(files, *arguments, **named)
        store.requests += 1
        store.fetched += len(found)
        return found

    MemoryFileSystem.cat_file = slowly
    fsspec.filesystem("memory").put(path, f"/bench/{Path(path).name}")
    root = f"memory://bench/{Path(path).name}"
    begin = time.perf_counter()
    corpus = read_corpus(dataset_config_from({"name": "bench", "kind": kind, "root": root}))
    found = {"open s": time.perf_counter() - begin}
    lying = reading_order(corpus.source, corpus.clips)
    for name, clips in (("", lying), (" by id", corpus.clips[:_SCATTERED])):
        store.requests = store.fetched = 0
        found[f"clips/s{name}"] = _rate(corpus.source, clips)
        found[f"requests a clip{name}"] = store.requests / len(clips)
        found[f"kB a clip{name}"] = store.fetched / len(clips) / 1000
    return found


def _rate(source: Any, clips: Any) -> float:
    from sv_eval.run.prefetch import Prefetcher

    async def heard() -> None:
        with Prefetcher(clips, source, workers=1, ahead=32) as ahead:
            async for item in ahead.stream():
                assert item.failure is None, item.failure

    begin = time.perf_counter()
    asyncio.run(heard())
    return len(clips) / (time.perf_counter() - begin)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _what, _kind, _path = sys.argv[1:]
        sys.stdout.write(json.dumps({"ours": _ours, "theirs": _theirs, "slow": _slow}[_what](_kind, _path)) + "\n")
    else:
        main()
