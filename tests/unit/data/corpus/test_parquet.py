"""Clips in Parquet files are the clips that a table lists, however the files were written and wherever they lie."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Barrier, Thread

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sv_eval.backend import Page
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.corpus.location import audio_at
from sv_eval.data.corpus.parquet_pages import Room
from sv_eval.errors import AudioError, CorpusError

N_CLIPS = 60
EMOTIONS = ("happy", "sad", "angry")
STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
WRITTEN = {
    "as pyarrow does": {},
    "in small pages": {"write_batch_size": 8, "data_page_size": 100_000, "use_dictionary": False},
    "in a small dictionary": {"write_batch_size": 4, "data_page_size": 50_000, "dictionary_pagesize_limit": 90_000},
    "in row groups": {"row_group_size": 7},
    "as they are": {
        "compression": "none", "use_dictionary": False, "write_batch_size": 8, "data_page_size": 100_000,
    },
    "as they are in the second version": {
        "compression": "none", "use_dictionary": False, "data_page_version": "2.0",
    },
    "as they are in a dictionary": {"compression": "none"},
    "as Zstandard in the second version": {"compression": "zstd", "data_page_version": "2.0"},
    "as gzip": {"compression": "gzip"},
    "as Brotli": {"compression": "brotli", "use_dictionary": False},
    "as LZ4": {"compression": "lz4"},
    "in lengths and their differences": {
        "use_dictionary": False, "column_encoding": "DELTA_LENGTH_BYTE_ARRAY", "version": "2.6",
    },
    "with checksums": {"write_page_checksum": True},
}  # fmt: skip


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
def table(read, tmp_path):
    return partial(read, kind="manifest", manifest={"file": str(tmp_path / "local/clips.jsonl")})


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


def same(one, other):
    assert one.hash == other.hash
    for ours, theirs in zip(one.clips, other.clips, strict=True):
        assert (ours.id, ours.reference, ours.speaker, ours.size_bytes) == (
            theirs.id, theirs.reference, theirs.speaker, theirs.size_bytes,
        )  # fmt: skip
        heard, other_heard = one.source.load(ours, keep_encoded=True), other.source.load(theirs, keep_encoded=True)
        assert np.array_equal(heard.samples, other_heard.samples)
        assert heard.encoded == other_heard.encoded


@pytest.mark.parametrize("how", WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("kind", [STRUCT, pa.binary(), pa.large_binary()], ids=["struct", "bytes", "large"])
def test_however_it_was_written_it_is_the_corpus_that_a_table_is(read, parquet, table, kind, how):
    folder = parquet(kind=kind, **how)

    corpus = read(kind="parquet", root=str(folder))

    same(corpus, table())
    for clip in corpus.clips:
        where = corpus.source.location(clip)
        assert np.array_equal(audio_at(where, AudioLimits()).samples, corpus.source.load(clip).samples)


@pytest.mark.parametrize("nullable", [False, True])
def test_columns_that_may_not_be_empty_are_read_too(read, parquet, table, nullable):
    kind = pa.struct([pa.field("bytes", pa.binary(), nullable=nullable), pa.field("path", pa.string())])

    def take(found):
        return found.cast(pa.schema([
            pa.field(name, kind if name == "audio" else found.schema.field(name).type, nullable=name != "audio")
            for name in found.column_names
        ]))  # fmt: skip

    same(read(kind="parquet", root=str(parquet(take=take))), table())


@pytest.mark.parametrize("root", ["part-{0..1}.parquet", "part-{0,1}.parquet", "*.parquet", ""])
def test_files_are_named_by_braces_a_glob_or_their_folder(read, parquet, table, root):
    assert read(kind="parquet", root=str(parquet() / root)).hash == table().hash


def test_the_hash_knows_nothing_of_shards_and_order(read, parquet):
    whole = read(kind="parquet", root=str(parquet(parts=1, folder="a")))
    parts = read(
        kind="parquet", root=str(parquet(parts=3, folder="b", take=lambda found: found.sort_by("speaker")))
    )

    assert whole.hash == parts.hash


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


def put(folder):
    fsspec.filesystem("memory").put(str(folder) + "/", "/parts/", recursive=True)
    return "memory://parts"


def in_order(corpus, clips):
    for clip in clips:
        corpus.source.fetch(clip)
    return [corpus.source.load(clip).samples for clip in clips]


def test_elsewhere_sound_is_walked_once_and_then_each_clip_is_its_own_bytes(read, parquet, table, fetched):
    address = put(parquet(**WRITTEN["as they are"]))
    first = read(kind="parquet", root=address)
    walked = sum(end - begin for _, begin, end in fetched)
    fetched.clear()

    again = read(kind="parquet", root=address)

    assert sum(end - begin for _, begin, end in fetched) < walked
    same(again, table())
    fetched.clear()
    in_order(first, first.clips)
    assert sorted(end - begin for _, begin, end in fetched) == sorted(clip.size_bytes for clip in first.clips)


def test_elsewhere_a_page_is_fetched_once_where_clips_are_asked_for_as_they_lie(read, parquet, fetched):
    address = put(parquet(**WRITTEN["in small pages"]))
    corpus = read(kind="parquet", root=address)
    fetched.clear()

    clips = corpus.source.in_order(corpus.clips)
    in_order(corpus, clips)

    assert [clip.id for clip in clips] != [clip.id for clip in corpus.clips]
    assert len(fetched) == len(set(fetched)) < N_CLIPS / 3


def test_of_other_columns_no_byte_is_fetched(read, parquet, fetched, local):
    rng = np.random.default_rng(1)

    def take(found):
        return found.append_column("video", pa.array([rng.bytes(400_000) for _ in range(len(found))]))

    address = put(parquet(take=take))
    read(kind="parquet", root=address, parquet={"audio": "audio"})

    size = fsspec.filesystem("memory").du("/parts")
    assert sum(end - begin for _, begin, end in fetched) < size / 4


def test_a_file_that_was_put_anew_is_walked_anew(read, parquet, fetched):
    address = put(parquet())
    before = read(kind="parquet", root=address)

    put(parquet(folder="new", take=lambda found: found.slice(0, 10)))

    assert len(read(kind="parquet", root=address).clips) == 20 < len(before.clips)


@pytest.mark.parametrize(("size", "at_once"), [(10, 10), (40, 2), (60, 1), (500, 1)])
def test_pages_are_decoded_at_once_as_far_as_there_is_room(size, at_once):
    room = Room(100)
    page = Page(begin=4, size=1, rows=1, decoded_bytes=size, codec=0, levels=0)
    inside, most, together = [], [], Barrier(at_once)

    def decode(_):
        with room.taken(page):
            inside.append(1)
            # As many as fit do meet here.
            together.wait(60)
            most.append(len(inside))
            inside.pop()

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(decode, range(20)))

    assert len(most) == 20
    assert max(most) <= at_once


class Ranged(SimpleHTTPRequestHandler):
    """Serves stretches of files."""

    def log_message(self, *arguments):
        pass

    def send_head(self):
        asked = self.headers.get("Range")
        if asked is None:
            return super().send_head()
        content = Path(self.translate_path(self.path)).read_bytes()
        begin, end = asked.removeprefix("bytes=").split("-")
        part = content[int(begin) : int(end) + 1]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {begin}-{int(begin) + len(part) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)
        return None


def test_a_web_server_gives_files_that_are_named(read, parquet, table):
    folder = parquet()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Ranged, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        try:
            same(read(kind="parquet", root=f"{address}/part-{{0..1}}.parquet"), table())
            with pytest.raises(
                CorpusError, match=r"can't say which files .* braces: shard-\{000\.\.009\}\.parquet"
            ):
                read(kind="parquet", root=f"{address}/*.parquet")
        finally:
            server.shutdown()


def test_labels_may_be_numbers_that_the_file_has_words_for(read, one):
    path = one(
        {"label": pa.array([1, 0, -1, None], pa.int64())},
        features={"label": {"_type": "ClassLabel", "names": ["sad", "happy"]}},
    )

    assert [clip.reference for clip in read(kind="parquet", root=path).clips] == ["happy", "sad", None, None]


def test_columns_may_be_called_otherwise_and_say_what_a_table_says(read, one):
    path = one({
        "emo": pa.array(["happy", "sad"]).dictionary_encode(), "who": pa.array([7, 8]),
        "lang": pa.array(["de", None]), "from": pa.array([0.05, None]),
        "words": pa.array(["gut", "schlecht"]), "name": pa.array(["b", "a"]),
        "part": pa.array(["test", "train"]), "arousal": pa.array([3.5, 1.0], pa.float32()),
    })  # fmt: skip
    columns = {"emotion": "emo", "speaker": "who", "language": "lang", "start": "from", "transcript": "words",
               "id": "name", "split": "part"}  # fmt: skip

    corpus = read(kind="parquet", root=path, parquet={"columns": columns}, dimensions={"arousal": [1, 7]})

    first, second = corpus.clips
    assert (first.id, first.speaker, first.reference, first.transcript) == ("a", "8", "sad", "schlecht")
    assert (second.id, second.language, second.start_s, second.dimensions) == ("b", "de", 0.05, {"arousal": 3.5})
    assert len(corpus.source.load(second).samples) == 2400
    assert [
        clip.id for clip in read(kind="parquet", root=path, split="test", parquet={"columns": columns}).clips
    ] == ["b"]


@pytest.mark.parametrize(
    "votes",
    [
        {"votes": pa.array([{"happy": 2, "sad": 1}, {"happy": None, "sad": 3}])},
        {"votes": pa.array([[("happy", 2), ("sad", 1)], [("sad", 3)]], pa.map_(pa.string(), pa.int64()))},
        {"votes_happy": pa.array([2, 0]), "votes_sad": pa.array([1, 3])},
    ],
    ids=["struct", "map", "columns"],
)
def test_votes_make_the_label_where_there_is_no_other(read, one, votes):
    corpus = read(kind="parquet", root=one(votes))

    assert [clip.reference for clip in corpus.clips] == ["happy", "sad"]
    assert corpus.clips[0].votes == {"happy": 2, "sad": 1}


def test_clips_without_names_are_called_by_their_rows(read, one, sound):
    content = sound("a.wav", seconds=0.2).read_bytes()
    path = one({"label": pa.array(["happy"] * 11)}, audio=[content] * 11, kind=pa.binary())

    corpus = read(kind="parquet", root=path)

    assert corpus.clips[2].id == "one.parquet/02".replace(".parquet", "")
    assert corpus.clips[2].path == "one.parquet/row 2"
    assert len(corpus.source.load(corpus.clips[2]).samples) == 3200


def test_where_a_clip_lay_on_somebodys_disk_is_not_told(read, one, sound):
    content = sound("a.wav", seconds=0.2).read_bytes()
    path = one({"label": pa.array(["happy"])}, audio=[{"bytes": content, "path": "/home/somebody/a.wav"}])

    (clip,) = read(kind="parquet", root=path).clips

    assert (clip.id, clip.path) == ("a", "one.parquet/row 0/a.wav")


def test_a_row_without_sound_fails_alone(read, one, sound):
    content = sound("a.wav", seconds=0.2).read_bytes()
    audio = [
        {"bytes": content, "path": "a.wav"},
        {"bytes": None, "path": "b.wav"},
        None,
        {"bytes": b"", "path": "d"},
    ]
    corpus = read(
        kind="parquet", root=one({"label": pa.array(["happy"] * 4), "id": pa.array(list("abcd"))}, audio=audio)
    )

    a, b, c, d = corpus.clips

    assert (a.size_bytes, b.size_bytes, c.size_bytes, d.size_bytes) == (len(content), None, None, 0)
    assert len(corpus.source.load(a).samples) == 3200
    for clip, kind in ((b, "not_found"), (c, "not_found"), (d, "empty")):
        for load in (corpus.source.load, lambda clip: audio_at(corpus.source.location(clip), AudioLimits())):
            with pytest.raises(AudioError) as said:
                load(clip)
            assert said.value.kind == kind


def test_a_sound_beyond_the_limit_is_never_read(read, parquet, fetched):
    corpus = read(kind="parquet", root=put(parquet()), limits={"max_encoded_bytes": 1000})
    fetched.clear()

    corpus.source.fetch(corpus.clips[0])
    with pytest.raises(AudioError) as said:
        corpus.source.load(corpus.clips[0])

    assert said.value.kind == "too_large"
    assert not fetched


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
