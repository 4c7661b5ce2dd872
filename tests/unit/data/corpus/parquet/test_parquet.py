"""Clips in Parquet files are the clips that a table lists, however the files were written and wherever they lie."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Barrier, Thread

import fsspec
import numpy as np
import pyarrow as pa
import pytest

from sv_eval.backend import Page
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.corpus.location import audio_at
from sv_eval.data.corpus.parquet_pages import Room
from sv_eval.errors import AudioError, CorpusError
from tests.unit.data.corpus.parquet.written import N_CLIPS, STRUCT, WRITTEN, put


@pytest.fixture
def table(read, tmp_path):
    return partial(read, kind="manifest", manifest={"file": str(tmp_path / "local/clips.jsonl")})


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
