"""Clips in tar shards are the clips that a folder would hold, wherever the shards lie."""

from __future__ import annotations

import io
import json
import tarfile

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from sv_eval.errors import AudioError, CorpusError

ROWS = {
    "a/001": {"emotion": "happy", "speaker": "S1", "language": "de", "note": [1, 2]},
    "a/002": {"emotion": "sad", "speaker": "S2", "start": 0.1, "end": 0.3},
    "b/003": {"emotion": "angry", "speaker": "S1"},
}


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def shard(tmp_path, sound):
    """Writes a shard from names to contents; a name that ends in .wav holds a second of sound, each its own."""

    def write(name, files):
        with tarfile.open(tmp_path / name, "w", format=tarfile.PAX_FORMAT) as tar:
            for number, (path, content) in enumerate(files.items()):
                if content is None:
                    content = sound(f"local/{path}", seconds=1.0, value=0.1 + number / 50).read_bytes()
                member = tarfile.TarInfo(path)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        return tmp_path / name

    return write


@pytest.fixture
def shards(shard, tmp_path):
    """Two shards in a folder, and a table of the same files below `local`."""
    (tmp_path / "tars").mkdir()
    for name, keys in (("tars/s-08.tar", ("a/001", "a/002")), ("tars/s-09.tar", ("b/003",))):
        shard(name, {
            f"{key}.{ending}": None if ending == "wav" else json.dumps(ROWS[key]).encode()
            for key in keys for ending in ("json", "wav")
        })  # fmt: skip
    rows = [json.dumps({**row, "path": f"{key}.wav"}) for key, row in ROWS.items()]
    (tmp_path / "local/clips.jsonl").write_text("\n".join(rows))
    return tmp_path / "tars"


def same(one, other):
    assert one.hash == other.hash
    for ours, theirs in zip(one.clips, other.clips, strict=True):
        assert (ours.id, ours.reference, ours.speaker, ours.language) == (
            theirs.id.partition("@")[0] if "@" not in ours.id else theirs.id,
            theirs.reference, theirs.speaker, theirs.language,
        )  # fmt: skip
        assert np.array_equal(one.source.load(ours).samples, other.source.load(theirs).samples)


@pytest.mark.parametrize("name", ["s-{08..09}.tar", "s-{08,09}.tar", "*.tar", ""])
def test_shards_are_the_corpus_that_a_table_is(read, shards, tmp_path, name):
    table = read(kind="manifest", manifest={"file": str(tmp_path / "local/clips.jsonl")})

    found = read(kind="webdataset", root=str(shards / name))

    same(found, table)
    assert [clip.path for clip in found.clips] == ["s-08.tar/a/001.wav", "s-08.tar/a/002.wav", "s-09.tar/b/003.wav"]


def test_shards_elsewhere_are_walked_once(read, shards, monkeypatch):
    files = fsspec.filesystem("memory")
    files.put(str(shards) + "/", "/tars/", recursive=True)
    fetched = []

    def counted(self, path, start=None, end=None, fetch=MemoryFileSystem.cat_file, **more):
        fetched.append(path)
        return fetch(self, path, start=start, end=end, **more)

    monkeypatch.setattr(MemoryFileSystem, "cat_file", counted)
    try:
        first = read(kind="webdataset", root="memory://tars/s-{08..09}.tar")
        assert fetched
        fetched.clear()
        again = read(kind="webdataset", root="memory://tars/s-{08..09}.tar")
        assert not fetched
        same(first, read(kind="webdataset", root=str(shards)))
        same(again, first)
        files.put(str(shards / "s-09.tar"), "/tars/s-08.tar")
        assert [clip.id for clip in read(kind="webdataset", root="memory://tars/s-08.tar").clips] == ["b/003"]
    finally:
        files.rm("/tars", recursive=True)


def test_labels_and_words_come_from_files_beside_the_sound(read, shard):
    path = shard(
        "x.tar", {"k1.wav": None, "k1.cls": b"happy\n", "k1.txt": b"good news", "k2.cls": b"sad", "k2.wav": None}
    )

    corpus = read(kind="webdataset", root=str(path))

    assert [(clip.reference, clip.transcript) for clip in corpus.clips] == [("happy", "good news"), ("sad", None)]


def test_columns_may_be_called_otherwise(read, shard):
    told = {"emo": "sad", "who": "S7", "label": 3}
    path = shard("x.tar", {"k.json": json.dumps(told).encode(), "k.wav": None})

    corpus = read(kind="webdataset", root=str(path), webdataset={"columns": {"emotion": "emo", "speaker": "who"}})

    assert (corpus.clips[0].reference, corpus.clips[0].speaker) == ("sad", "S7")


def test_of_several_sounds_the_one_that_is_named_is_heard(read, shard):
    path = shard("x.tar", {"k.near.wav": None, "k.far.wav": None, "k.cls": b"happy"})

    with pytest.raises(CorpusError, match=r"dataset\.webdataset\.audio=near\.wav"):
        read(kind="webdataset", root=str(path))

    assert (
        read(kind="webdataset", root=str(path), webdataset={"audio": "far.wav"}).clips[0].path == "x.tar/k.far.wav"
    )


def test_a_sound_beyond_the_limit_is_never_fetched(read, shards):
    corpus = read(kind="webdataset", root=str(shards), limits={"max_encoded_bytes": 1000})

    with pytest.raises(AudioError) as said:
        corpus.source.load(corpus.clips[0])

    assert said.value.kind == "too_large"


@pytest.mark.parametrize(
    ("name", "damage", "words"),
    [
        ("s-08.tar", lambda content: content[:40_000], ["s-08.tar", "no whole tar"]),
        ("s-08.tar", lambda content: b"\x1f\x8b" + content, ["s-08.tar", "unpack"]),
        ("s-{1..999999999}.tar", None, ["far too many"]),
        ("s-77.tar", None, ["s-77.tar", "dataset.root"]),
        ("none", None, ["none", "dataset.root"]),
    ],
)
def test_what_is_wrong_with_shards_is_said(read, shards, name, damage, words):
    if damage is not None:
        (shards / name).write_bytes(damage((shards / name).read_bytes()))

    with pytest.raises(CorpusError) as said:
        read(kind="webdataset", root=str(shards / name))

    for word in words:
        assert word in str(said.value)


def test_json_that_is_none_is_said_with_its_place(read, shard):
    path = shard("x.tar", {"k.json": b"{", "k.wav": None})

    with pytest.raises(CorpusError, match=r"x\.tar: k\.json isn't JSON"):
        read(kind="webdataset", root=str(path))
