"""Clips in Parquet files, on a disk and in memory."""

from __future__ import annotations

import json

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from fsspec.implementations.memory import MemoryFileSystem

from tests.unit.data.corpus.parquet.written import EMOTIONS, N_CLIPS, STRUCT


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def local(tmp_path):
    """A table of clips of noise that no compression makes much smaller, in no order of their ids."""
    rng = np.random.default_rng(0)
    (tmp_path / "local").mkdir()
    rows = []
    for number in rng.permutation(N_CLIPS):
        path = f"clip{number:03d}.wav"
        samples = rng.integers(-9000, 9000, int(rng.integers(4000, 9000))).astype(np.int16)
        soundfile.write(tmp_path / "local" / path, samples, 16_000)
        rows.append({"path": path, "emotion": EMOTIONS[number % 3], "speaker": f"S{number % 4}"})
    (tmp_path / "local/clips.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return rows


@pytest.fixture
def parquet(tmp_path, local):
    """Writes the clips into files of a folder."""

    def write(name="part-{}.parquet", *, parts=2, folder="parts", kind=STRUCT, take=None, **how):
        (tmp_path / folder).mkdir(exist_ok=True)
        encoding = how.pop("column_encoding", None)
        for part in range(parts):
            rows = local[part::parts]
            sound = [(tmp_path / "local" / row["path"]).read_bytes() for row in rows]
            columns = {
                "note": pa.array([None, "x"] * (len(rows) // 2), pa.string()),
                "audio": pa.array(
                    [{"bytes": one, "path": row["path"]} for one, row in zip(sound, rows, strict=True)]
                    if pa.types.is_struct(kind) else sound,
                    kind,
                ),
                "label": pa.array([row["emotion"] for row in rows]),
                "speaker": pa.array([row["speaker"] for row in rows]),
            }  # fmt: skip
            if not pa.types.is_struct(kind):
                columns["id"] = pa.array([row["path"].removesuffix(".wav") for row in rows])
            table = pa.table(columns)
            table = table if take is None else take(table)
            if encoding is not None:
                leaf = "audio.bytes" if pa.types.is_struct(kind) else "audio"
                how["column_encoding"] = {leaf: encoding}
            pq.write_table(table, tmp_path / folder / name.format(part), **how)
        return tmp_path / folder

    return write


@pytest.fixture
def one(tmp_path, sound):
    """Writes a file of a clip a row from columns; without another one, `audio` holds their sound."""

    def write(columns, *, audio=None, kind=STRUCT, features=None, **how):
        rows = len(next(iter(columns.values()))) if columns else len(audio)
        if audio is None:
            files = [sound(f"one/{row}.wav", seconds=0.2, value=0.1 + row / 100) for row in range(rows)]
            audio = [{"bytes": file.read_bytes(), "path": file.name} for file in files]
        found = pa.table({"audio": pa.array(audio, kind), **columns})
        if features is not None:
            told = json.dumps({"info": {"features": {"audio": {"_type": "Audio"}, **features}}})
            found = found.replace_schema_metadata({"huggingface": told})
        pq.write_table(found, tmp_path / "one.parquet", **how)
        return str(tmp_path / "one.parquet")

    return write


@pytest.fixture
def fetched(monkeypatch):
    """What is fetched of files in memory, as path, begin and end."""
    found = []

    def counted(self, path, start=None, end=None, fetch=MemoryFileSystem.cat_file, **more):
        found.append((path, start, end))
        return fetch(self, path, start=start, end=end, **more)

    monkeypatch.setattr(MemoryFileSystem, "cat_file", counted)
    yield found
    files = fsspec.filesystem("memory")
    if files.exists("/parts"):
        files.rm("/parts", recursive=True)
