"""A corpus in a store elsewhere is the corpus that a folder would hold, and what fails there is told apart."""

from __future__ import annotations

import csv
import io
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import fsspec
import numpy as np
import pytest
import soundfile

from sv_eval.data.corpus.remote_source import RemoteSource
from sv_eval.data.storage.place import Place, StorageError, place_at
from sv_eval.errors import AudioError, ConfigError, CorpusError
from sv_eval.records import Clip
from sv_eval.run.prefetch import Prefetcher

CLIPS = {"happy/a.wav": 0.3, "happy/.hidden.wav": 0.3, "sad/deep/b.wav": 0.9, "sad/c.flac": 0.4}


@pytest.fixture
def store(tmp_path, sound):
    """The address of a store in memory, and the folder whose files it holds."""
    for number, (path, seconds) in enumerate(CLIPS.items()):
        sound(f"local/{path}", seconds=seconds, value=0.1 + number / 50)
    files = fsspec.filesystem("memory")
    files.put(str(tmp_path / "local") + "/", "/bucket/corpus/", recursive=True)
    yield "memory://bucket/corpus", tmp_path / "local"
    files.rm("/bucket", recursive=True)


class Quiet(SimpleHTTPRequestHandler):
    """Serves files whole, and knows of no stretches."""

    def log_message(self, *arguments):
        pass


class Failing:
    """A file system that fails a few times before it answers."""

    def __init__(self, files, errors):
        self.files, self.errors, self.asked = files, list(errors), 0

    def __getattr__(self, name):
        return getattr(self.files, name)

    def cat_file(self, *arguments, **named):
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.files.cat_file(*arguments, **named)


def failing(address: str, *errors: Exception) -> tuple[Place, Failing]:
    place = place_at(address)
    files = Failing(place.files_at, errors)
    return Place(files_at=files, key=place.key, scheme=place.scheme, waits_s=(0, 0)), files


def table(folder: Path, **more: str) -> str:
    rows = [{"path": path, "emotion": path.partition("/")[0], **more} for path in CLIPS if "hidden" not in path]
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    (folder / "clips.csv").write_text(text.getvalue())
    return text.getvalue()


def same(one, other):
    assert one.hash == other.hash
    assert [(clip.id, clip.size_bytes) for clip in one.clips] == [
        (clip.id, clip.size_bytes) for clip in other.clips
    ]
    for clip in one.clips:
        ours, theirs = (corpus.source.load(clip, keep_encoded=True) for corpus in (one, other))
        assert np.array_equal(ours.samples, theirs.samples)
        assert ours.encoded == theirs.encoded
        assert ours.container == theirs.container


def test_a_folder_elsewhere_is_the_corpus_that_it_is_here(read, store):
    address, folder = store

    elsewhere, here = read(kind="folder", root=address), read(kind="folder", root=str(folder))

    assert [clip.id for clip in elsewhere.clips] == ["happy/a", "sad/c", "sad/deep/b"]
    same(elsewhere, here)


def test_a_table_elsewhere_lists_what_it_lists_here(read, store):
    address, folder = store
    text = table(folder)
    fsspec.filesystem("memory").pipe("/bucket/corpus/clips.csv", text.encode())

    here = read(kind="manifest", manifest={"file": str(folder / "clips.csv")})

    same(read(kind="manifest", manifest={"file": f"{address}/clips.csv"}), here)
    same(read(kind="manifest", root=address, manifest={"file": "clips.csv"}), here)
    same(read(kind="manifest", root=address, manifest={"file": str(folder / "clips.csv")}), here)


def test_a_table_names_files_of_a_web_server_that_can_list_none(read, store):
    _, folder = store
    table(folder)
    here = read(kind="manifest", manifest={"file": str(folder / "clips.csv")})

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/clips.csv"
        same(read(kind="manifest", manifest={"file": address}), here)
        server.shutdown()


def test_a_card_reads_a_store_with_its_tables(read, store, card):
    address, folder = store
    (folder / "speakers.csv").write_text("name,who\na,S1\nb,S2\nc,S1\n")
    fsspec.filesystem("memory").put(str(folder / "speakers.csv"), "/bucket/corpus/speakers.csv")
    layout = (
        "kind: pattern, pattern: '(?P<label>happy|sad)/(?:.*/)?(?P<name>\\w)\\.\\w+$', companions: "
        "[{files: ['*.csv'], form: table, key: '{name}', join: '{name}', columns: {speaker: who}}]"
    )
    mine = str(card(layout=layout))

    elsewhere, here = read(card=mine, root=address), read(card=mine, root=str(folder))

    assert [clip.speaker for clip in elsewhere.clips] == ["S1", "S1", "S2"]
    same(elsewhere, here)


def test_a_change_elsewhere_is_seen(read, store):
    address, folder = store
    file = "/bucket/corpus/happy/a.wav"
    content = bytearray(fsspec.filesystem("memory").cat_file(file))
    content[-1] ^= 1
    fsspec.filesystem("memory").pipe(file, bytes(content))

    assert read(kind="folder", root=address).hash != read(kind="folder", root=str(folder)).hash


def test_of_a_long_file_only_what_is_decoded_is_fetched(read, store):
    address, _ = store
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000 * 600).astype(np.float32)
    file = io.BytesIO()
    soundfile.write(file, noise, 16_000, format="WAV")
    fsspec.filesystem("memory").pipe("/bucket/corpus/long.wav", file.getvalue())
    fetched = []
    place = place_at(address)

    class Counting(Failing):
        def cat_file(self, path, start=None, end=None):
            fetched.append((start, end))
            return self.files.cat_file(path, start=start, end=end)

    counted = Place(files_at=Counting(place.files_at, ()), key=place.key, scheme=place.scheme)
    limits = read(kind="folder", root=address, limits={"max_encoded_bytes": 100_000_000}).source._limits
    clip = Clip(id="x", path="long.wav", start_s=300.0, end_s=301.0, size_bytes=len(file.getvalue()))

    heard = RemoteSource(counted, limits).load(clip)

    assert np.abs(heard.samples - noise[300 * 16_000 : 301 * 16_000]).max() < 1e-4
    assert sum(end - start for start, end in fetched) < len(file.getvalue()) / 10


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (FileNotFoundError("k"), "not_found"),
        (PermissionError("AccessDenied"), "no_permission"),
        (OSError(16, "Please reduce your request rate."), "unreachable"),
        (TimeoutError(), "unreachable"),
    ],
)
def test_what_fails_in_a_store_becomes_the_clips_failure(store, read, error, kind):
    address, _ = store
    limits = read(kind="folder", root=address).source._limits
    place, files = failing(address, error, error, error)
    clip = Clip(id="happy/a", path="happy/a.wav", size_bytes=100)

    with pytest.raises(AudioError) as said:
        RemoteSource(place, limits).load(clip)

    assert said.value.kind == kind
    assert "memory://bucket/corpus/happy/a.wav" in str(said.value)
    assert files.asked == (3 if kind == "unreachable" else 1)


def test_what_fails_for_a_moment_is_asked_for_again(store):
    address, folder = store
    place, files = failing(address, ConnectionError("reset by peer"), TimeoutError())

    content = (place / "happy/a.wav").read_bytes()

    assert content == (folder / "happy/a.wav").read_bytes()
    assert files.asked == 3


def test_a_stretch_whose_file_breaks_off_says_what_the_store_said(store, read):
    address, _ = store
    limits = read(kind="folder", root=address).source._limits
    place, _ = failing(address, *[PermissionError("AccessDenied")] * 99)
    clip = Clip(id="x", path="happy/a.wav", start_s=0.0, end_s=0.1, size_bytes=50_000_000)

    with pytest.raises(StorageError) as said:
        RemoteSource(place, limits).load(clip)

    assert said.value.kind == "no_permission"


def test_a_clip_that_went_missing_leaves_the_others(read, store):
    address, _ = store
    corpus = read(kind="folder", root=address)
    fsspec.filesystem("memory").rm("/bucket/corpus/sad/c.flac")

    async def heard():
        with Prefetcher(corpus.clips, corpus.source, workers=2, ahead=8) as ahead:
            return [item async for item in ahead.stream()]

    import asyncio

    items = asyncio.run(heard())

    assert [item.failure and item.failure.kind for item in items] == [None, "not_found", None]


def test_clips_are_fetched_ahead_of_their_decoding(read, store):
    address, _ = store
    corpus = read(kind="folder", root=address)

    for clip in corpus.clips:
        corpus.source.fetch(clip)
    while not corpus.source._ahead._coming["happy/a.wav"].done():
        time.sleep(0.001)
    fsspec.filesystem("memory").rm("/bucket/corpus/happy/a.wav")

    assert corpus.source.load(corpus.clips[0]).duration_s == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kind": "folder", "root": "memory://nowhere/at/all"}, ["memory://nowhere/at/all", "dataset.root"]),
        ({"kind": "folder", "root": "https://localhost:1/corpus"}, ["dataset=manifest"]),
        ({"kind": "folder", "root": "nosuch://bucket"}, ["nosuch://bucket", "s3://"]),
        ({"kind": "manifest", "manifest": {"file": "memory://nowhere/clips.csv"}}, ["no such manifest"]),
        ({"card": "emobox", "name": "emodb", "root": "memory://bucket"}, ["EmoBox"]),
    ],
)
def test_an_address_that_gives_no_corpus_is_an_error_that_names_it(read, values, words):
    with pytest.raises((CorpusError, ConfigError)) as said:
        read(**values)

    for word in words:
        assert word in str(said.value)


@pytest.mark.parametrize(
    "address",
    ["s3://AKIA:hush@bucket/x", "https://host/x?X-Amz-Signature=hush&part=1", "https://host/x?part=1&sig=hush"],
)
@pytest.mark.parametrize("key", ["root", "manifest", "huggingface"])
def test_an_address_with_a_secret_is_refused_without_repeating_it(read, address, key):
    values = {"root": address} if key == "root" else {"root": "x"}
    values |= {"manifest": {"file": address}} if key == "manifest" else {}
    values |= {"huggingface": {"data_files": [address]}} if key == "huggingface" else {}

    with pytest.raises(ConfigError, match="AWS_ACCESS_KEY_ID") as said:
        read(kind="manifest", **values)

    assert "hush" not in str(said.value)
    assert "AKIA" not in str(said.value)


def test_a_path_never_leads_out_of_its_store(store):
    with pytest.raises(StorageError):
        place_at(store[0]) / "../other/a.wav"
