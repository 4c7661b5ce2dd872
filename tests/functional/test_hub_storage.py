"""A run over a data set on a hub as Hugging Face's is, by the protocol that its own library speaks."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlparse

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

Call = Callable[..., subprocess.CompletedProcess[str]]
Metrics = Callable[[Path], dict[str, Any]]
DEMO = Path(__file__).resolve().parents[2] / "datasets" / "demo"
N_CLIPS = 60
FAKE = ("backend=fake", "backend.latency={p50_ms: 1, p95_ms: 1}", "load.warmup_clips=0", "scoring.resamples=100")
SHA = "a" * 40


class Hub(BaseHTTPRequestHandler):
    """A hub whose only data set, `me/speech`, is the folder; `sent` takes what it sends of files, in bytes."""

    protocol_version = "HTTP/1.1"

    def __init__(self, folder: Path, sent: list[tuple[str, int]], *arguments: Any) -> None:
        self.folder, self.sent = folder, sent
        super().__init__(*arguments)

    def log_message(self, *arguments: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        paths = json.loads(body)["paths"] if body.startswith("{") else parse_qs(body).get("paths", [])
        self.say([self.told(self.folder / path) for path in paths if (self.folder / path).exists()])

    def do_GET(self) -> None:
        match unquote(urlparse(self.path).path).strip("/").split("/"):
            case ["api", "datasets", "me", "speech", "tree", _, *below] if self.folder.joinpath(*below).is_dir():
                self.say([self.told(path) for path in sorted(self.folder.joinpath(*below).rglob("*"))])
            case ["api", "datasets", "me", "speech"] | ["api", "datasets", "me", "speech", "revision", _]:
                self.say({"id": "me/speech", "sha": SHA, "private": False, "tags": [], "siblings": []})
            case ["datasets", "me", "speech", "resolve", _, *below] if self.folder.joinpath(*below).is_file():
                self.send(self.folder.joinpath(*below))
            case _:
                self.say({"error": "not found"}, 404)

    def say(self, data: object, status: int = 200) -> None:
        self.answer(status, json.dumps(data).encode(), {"Content-Type": "application/json"})

    def send(self, file: Path) -> None:
        content, asked = file.read_bytes(), self.headers.get("Range")
        headers = {"ETag": '"1"', "X-Repo-Commit": SHA, "Accept-Ranges": "bytes"}
        if asked is None:
            self.answer(200, content, headers)
            return
        begin, end = (int(place) for place in asked.removeprefix("bytes=").split("-"))
        part = content[begin : end + 1]
        self.sent.append((file.name, len(part)))
        headers["Content-Range"] = f"bytes {begin}-{begin + len(part) - 1}/{len(content)}"
        self.answer(206, part, headers)

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def told(self, path: Path) -> dict[str, object]:
        kind = {"type": "directory", "size": 0} if path.is_dir() else {"type": "file", "size": path.stat().st_size}
        return {**kind, "path": path.relative_to(self.folder).as_posix(), "oid": SHA}


@contextmanager
def hub(folder: Path) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    """Its address, and what it sent."""
    sent: list[tuple[str, int]] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Hub, folder, sent)) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", sent
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def data_set(tmp_path: Path) -> Path:
    """A few of the bundled clips in two Parquet files, as they lie on the hub."""
    folder = tmp_path / "hub" / "data"
    folder.mkdir(parents=True)
    with (DEMO / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[:N_CLIPS]
    for number in range(2):
        some = rows[number::2]
        audio = [{"bytes": (DEMO / row["path"]).read_bytes(), "path": Path(row["path"]).name} for row in some]
        told = {name: [row[name] or None for row in some] for name in some[0] if name != "path"}
        pq.write_table(
            pa.table({"audio": audio, **told}), folder / f"train-{number:05d}-of-00002.parquet",
            compression={"audio.bytes": "none"}, use_dictionary=False, write_batch_size=4,
        )  # fmt: skip
    return folder


def test_a_data_set_on_the_hub_is_streamed_and_is_the_corpus_that_its_files_are(
    data_set: Path, call: Call, tmp_path: Path, metrics_of: Metrics
) -> None:
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "HF_HOME": str(tmp_path / "hf")}
    words = ("dataset=parquet", "dataset.name=speech", *FAKE)
    here = call(*words, f"dataset.root={data_set}", f"hydra.run.dir={tmp_path / 'here'}", **cache)
    with hub(data_set.parent) as (address, sent):
        lent = {**cache, "HF_ENDPOINT": address, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_TELEMETRY": "1"}
        there = call(
            *words,
            "dataset.root=hf://datasets/me/speech/data/*.parquet",
            f"hydra.run.dir={tmp_path / 'there'}",
            **lent,
        )

    assert here.returncode == there.returncode == 0, here.stderr + there.stderr
    ours, theirs = metrics_of(tmp_path / "here"), metrics_of(tmp_path / "there")
    assert ours["run"]["dataset_hash"] == theirs["run"]["dataset_hash"]
    assert ours["confusion"] == theirs["confusion"]
    assert theirs["run"]["n_clips"] == N_CLIPS
    # Walked once and heard once, and nothing beyond, not even into a cache of the hub's library.
    size = sum(path.stat().st_size for path in data_set.iterdir())
    footers = 2 * (1 << 18)
    assert sum(n for _, n in sent) <= 2 * size + 2 * footers
    assert not list((tmp_path / "hf").rglob("*.parquet"))
