"""What is wrong with a Parquet file is said with its place, and breaks nothing."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sv_eval.errors import AudioError, CorpusError
from tests.unit.data.corpus.parquet.written import N_CLIPS, STRUCT, WRITTEN, put

SAMPLES = pa.struct([("array", pa.list_(pa.float32())), ("sampling_rate", pa.int64())])
WRONG = {
    "no audio": (
        pa.table({"x": [1], "path": ["a.wav"]}), {}, ["no column holds audio", "x, path", "dataset=manifest"],
    ),
    "names alone": (
        pa.table({"audio": pa.array([{"bytes": None, "path": "a.wav"}], STRUCT), "label": ["sad"]}), {},
        ["names files (a.wav in row 0)", "dataset=huggingface", "to_parquet"],
    ),
    "nothing at all": (
        pa.table({"audio": pa.array([None], STRUCT), "label": ["sad"]}), {}, ["all rows of the column 'audio'"],
    ),
    "samples": (
        pa.table({"audio": pa.array([{"array": [0.1], "sampling_rate": 16_000}], SAMPLES), "label": ["sad"]}),
        {"audio": "audio"}, ["holds struct<array", "dataset=huggingface"],
    ),
    "two sounds": (
        pa.table({"near": [b"a"], "far": [b"b"], "label": ["sad"]}), {},
        ["near, far", "dataset.parquet.audio=near"],
    ),
    "no such audio": (
        pa.table({"audio": [b"a"], "label": ["sad"]}), {"audio": "sound"}, ["no column 'sound'", "audio, label"],
    ),
    "text as audio": (
        pa.table({"audio": [b"a"], "label": ["sad"]}), {"audio": "label"}, ["'label' holds string", "no audio"],
    ),
    "lists of sounds": (
        pa.table({"audio": pa.array([[b"a"]], pa.list_(pa.binary())), "label": ["sad"]}), {"audio": "audio"},
        ["'audio' holds list<", "no audio"],
    ),
    "no label": (
        pa.table({"audio": [b"a"], "emo": ["sad"]}), {},
        ["no column 'emotion', but audio, emo", "dataset.parquet.columns.emotion=COLUMN (null"],
    ),
    "no such column": (
        pa.table({"audio": [b"a"], "label": ["sad"]}), {"columns": {"speaker": "spk"}},
        ["no column 'spk'", "dataset.parquet.columns.speaker=COLUMN"],
    ),
    "no such field": (
        pa.table({"audio": [b"a"], "label": ["sad"]}), {"columns": {"speeker": "label"}},
        ["dataset.parquet.columns: 'speeker'", "speaker"],
    ),
    "the audio as label": (
        pa.table({"audio": [b"a"], "label": ["sad"]}), {"columns": {"emotion": "audio"}}, ["'audio' is the audio"],
    ),
    "a class beyond": (
        pa.table({"audio": [b"a", b"b"], "label": [0, 7]}).replace_schema_metadata({"huggingface": json.dumps(
            {"info": {"features": {"label": {"_type": "ClassLabel", "names": ["sad", "happy"]}}}}
        )}), {}, ["wrong.parquet: row 1", "'label' holds 7", "0 to 1 (sad, happy)"],
    ),
    "a word unknown": (
        pa.table({"audio": [b"a"], "label": ["whatever"]}), {}, ["row 0", "whatever", "dataset.labels"],
    ),
    "one id twice": (
        pa.table({"audio": [b"a", b"b"], "id": ["x", "x"], "label": ["sad", "sad"]}), {},
        ["two clips have the id 'x'", "wrong.parquet/row 0", "wrong.parquet/row 1"],
    ),
    "no rows": (
        pa.table({"audio": pa.array([], pa.binary()), "label": pa.array([], pa.string())}), {}, ["no row is in"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("found", "options", "words"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_a_table_is_said(read, tmp_path, found, options, words):
    pq.write_table(found, tmp_path / "wrong.parquet")

    with pytest.raises(CorpusError) as said:
        read(kind="parquet", root=str(tmp_path / "wrong.parquet"), parquet=options)

    for word in words:
        assert word in str(said.value)
    assert "\n" not in str(said.value)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda content: content[: len(content) // 2], ["no whole Parquet file", "fetch it again"]),
        (lambda content: b"RIFF" + content[4:-4] + b"data", ["no whole Parquet file"]),
        (lambda content: b"", ["no whole Parquet file"]),
        (lambda content: b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", ["git lfs pull"]),
        (
            lambda content: content[:200_000] + b"\xff" * 60_000 + content[260_000:],
            ["'audio.bytes' can't be decoded from row", "row group", "fetch the file again"],
        ),
        (
            lambda content: b"PAR1" + b"\x00" * 40 + content[44:],
            ["'audio.bytes' can't be decoded from row 0 on, in row group 0"],
        ),
    ],
    ids=["cut", "something else", "empty", "pointer", "page", "header"],
)
def test_a_damaged_file_is_said_with_its_place(read, parquet, damage, words):
    def take(found):
        return found.select(["audio", "label", "speaker"])

    path = parquet(parts=1, take=take, compression="snappy", use_dictionary=False) / "part-0.parquet"
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(CorpusError) as said:
        read(kind="parquet", root=str(path))

    for word in ("part-0.parquet", *words):
        assert word in str(said.value)


def test_a_column_that_is_shorter_than_the_file_says_is_told(read, one):
    path = one({"label": pa.array(["happy"] * 4)}, row_group_size=2, use_dictionary=False, compression="none")
    content = Path(path).read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    # The file's rows, a number of one byte, stand before the list of its row groups.
    place = content.index(b"\x16\x08\x19", footer) + 1
    Path(path).write_bytes(content[:place] + b"\x0a" + content[place + 1 :])

    with pytest.raises(CorpusError, match=r"has 5 rows by its footer, and 4 in 'audio\.bytes'"):
        read(kind="parquet", root=path)


def test_a_compression_that_there_is_none_of_is_told(read, one):
    # Asked for it, pyarrow ends the process.
    path = one({"label": pa.array(["happy"] * 4)}, use_dictionary=False, compression="none")
    content = Path(path).read_bytes()
    place = content.index(b"\x05audio\x05bytes\x15") + len(b"\x05audio\x05bytes\x15")
    Path(path).write_bytes(content[:place] + bytes([2 * 26]) + content[place + 1 :])

    with pytest.raises(CorpusError, match=r"'audio\.bytes' can't be decoded from row 0 on, .* footer is damaged"):
        read(kind="parquet", root=path)


def test_what_is_damaged_after_it_was_walked_fails_alone(read, parquet, fetched):
    address = put(parquet(write_page_checksum=True, **WRITTEN["in small pages"]))
    corpus = read(kind="parquet", root=address)
    files = fsspec.filesystem("memory")
    content = bytearray(files.cat("/parts/part-0.parquet"))
    content[20_000:30_000] = bytes(10_000)
    files.pipe("/parts/part-0.parquet", bytes(content))

    failed = []
    for clip in corpus.clips:
        try:
            corpus.source.load(clip)
        except AudioError as error:
            failed.append((error.kind, str(error)))

    assert 0 < len(failed) < N_CLIPS / 2
    assert all(kind == "truncated" and "part-0.parquet" in words for kind, words in failed)


def test_a_file_that_is_not_there_is_said(read, tmp_path):
    for root, words in ((tmp_path / "x.parquet", "x.parquet can't be read"), (tmp_path, "there is no .parquet")):
        with pytest.raises(CorpusError, match=words):
            read(kind="parquet", root=str(root))
    with pytest.raises(CorpusError, match=r"isn't there; check dataset\.root"):
        read(kind="parquet", root="memory://nowhere/x.parquet")


@pytest.mark.parametrize("how", ["as pyarrow does", "in small pages", "as they are"])
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_whatever_is_damaged_is_said_and_nothing_breaks(read, one, how, data):
    columns = {"label": pa.array(["happy", "sad"] * 6), "id": pa.array([f"{number:02d}" for number in range(12)])}
    whole = one(columns, row_group_size=5, **WRITTEN[how])
    content = bytearray(Path(whole).read_bytes())
    # The end of the file describes all of it, and is damaged as often as the rest.
    places = st.one_of(st.integers(0, len(content) - 1), st.integers(len(content) - 3000, len(content) - 1))
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=4)):
        content[place] = value
    Path(whole).write_bytes(content)

    # Anything else that is raised fails here.
    with suppress(CorpusError, AudioError):
        corpus = read(kind="parquet", root=whole)
        for clip in corpus.clips:
            corpus.source.load(clip)
