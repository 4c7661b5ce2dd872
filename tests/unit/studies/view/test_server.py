"""The server of reports gives its runs' pages and clips to who knows the token, and nothing else to anybody."""

from __future__ import annotations

import http.client
import io
import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sv_eval.backends.fake import FakeBackend
from sv_eval.config.composing import composed
from sv_eval.run.evaluate import evaluate
from sv_eval.studies.view.served_run import ServedRun
from sv_eval.studies.view.server import ReportServer

RATE_HZ = 16_000
SECRET = 0.25
"""The level of the sound that must not be heard."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over a table whose clips are whole, a part of a file, and of another format."""
    folder = tmp_path_factory.mktemp("corpus")
    root = folder / "sounds"
    root.mkdir()
    ramp = np.linspace(-0.5, 0.5, 3 * RATE_HZ, dtype=np.float32)
    soundfile.write(root / "whole.wav", ramp, RATE_HZ)
    soundfile.write(root / "long.flac", ramp, RATE_HZ)
    soundfile.write(root / "other.wav", np.tile(ramp, 2), 48_000)
    soundfile.write(folder / "secret.wav", np.full(RATE_HZ, SECRET, dtype=np.float32), RATE_HZ)
    (root / "link.wav").symlink_to(folder / "secret.wav")
    (root / "within.wav").symlink_to(root / "whole.wav")
    rows = ["id,path,emotion,start,end", "a,whole.wav,happy,,", "b,long.flac,sad,1,1.5", "c,other.wav,sad,,",
            "d,link.wav,happy,,", "e,within.wav,happy,,"]  # fmt: skip
    (root / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    directory = folder / "run"
    words = ["backend=fake", "dataset=manifest", f"dataset.root={root}", "dataset.manifest.file=manifest.csv"]
    evaluate(
        composed("config", [*words, "scoring.resamples=100", "load.warmup_clips=0", "run.telemetry_s=null"]),
        FakeBackend(),
        directory,
    )
    return directory


@pytest.fixture
def server(run: Path) -> Iterator[ReportServer]:
    with ReportServer([ServedRun(run)]) as it:
        thread = threading.Thread(target=it.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield it
        it.shutdown()
        thread.join()


def asked(
    server: ReportServer, path: str, *, method: str = "GET", **headers: str
) -> tuple[int, Mapping[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def below(server: ReportServer, path: str = "") -> str:
    return server.address.removeprefix(f"http://127.0.0.1:{server.port}") + path


def seconds(content: bytes) -> float:
    samples, rate_hz = soundfile.read(io.BytesIO(content))
    return len(samples) / rate_hz


def test_the_page_and_its_clips_are_served(server: ReportServer) -> None:
    status, headers, page = asked(server, below(server))

    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"connect-src 'self'" in page
    assert headers["Referrer-Policy"] == "no-referrer"
    # Whole, cut, and of another rate; a link to where nothing is hidden is followed.
    lengths = [seconds(asked(server, below(server, f"clip/{row}"))[2]) for row in (0, 1, 2, 4)]
    assert lengths == [3.0, 0.5, 2.0, 3.0]


def test_a_part_of_a_clip_is_sent_as_such(server: ReportServer) -> None:
    whole = asked(server, below(server, "clip/0"))[2]

    status, headers, part = asked(server, below(server, "clip/0"), Range="bytes=100-199")
    last = asked(server, below(server, "clip/0"), Range="bytes=-10")[2]
    head = asked(server, below(server, "clip/0"), method="HEAD")
    beyond = asked(server, below(server, "clip/0"), Range=f"bytes={len(whole)}-")

    assert (status, part) == (206, whole[100:200])
    assert headers["Content-Range"] == f"bytes 100-199/{len(whole)}"
    assert last == whole[-10:]
    assert (head[0], head[1]["Content-Length"], head[2]) == (200, str(len(whole)), b"")
    assert (beyond[0], beyond[1]["Content-Range"]) == (416, f"bytes */{len(whole)}")


def test_a_link_out_of_the_corpus_is_not_followed(server: ReportServer) -> None:
    status, _, said = asked(server, below(server, "clip/3"))

    assert status == 404
    assert b"not below the corpus's folder" in said


def test_a_record_that_names_a_file_elsewhere_gets_nothing(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    environment = json.loads((run / "environment.json").read_text(encoding="utf-8"))
    del environment["run_id"]
    (other / "environment.json").write_text(json.dumps(environment), encoding="utf-8")
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    # As runs of early versions are.
    del metrics["run"]["records_hash"]
    (other / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    lines = []
    for line in (run / "records.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        del record["seal"]
        record["clip"]["path"] = {"a": "../secret.wav", "b": str(run.parent / "secret.wav")}.get(
            record["clip"]["id"], "nowhere.wav"
        )
        lines.append(json.dumps(record) + "\n")
    (other / "records.jsonl").write_text("".join(lines), encoding="utf-8")

    with ReportServer([ServedRun(other)]) as server:
        answers = [server.answer(below(server, f"clip/{row}")) for row in range(5)]

    assert [answer.status for answer in answers] == [404] * 5
    assert all(answer.kind.startswith("text/plain") for answer in answers)


@pytest.mark.parametrize(
    "path",
    ["/", "/clip/0", "/wrong/", "/wrong/clip/0", "//", "", "/{token}", "/{token}/clip/-1", "/{token}/clip/9999999",
     "/{token}/clip/0/", "/{token}/../../etc/passwd", "/{token}/clip/..%2f..%2fsecret.wav", "/{token}/run/1/",
     "/{token}/run/x/clip/0", "/{token}/environment.json", "/{token}/clip/\u0660"],
)  # fmt: skip
def test_nothing_else_is_there(path: str, server: ReportServer) -> None:
    token = server.address.rstrip("/").rpartition("/")[2]

    assert server.answer(path.format(token=token)).status == 404


def test_a_name_that_leads_here_by_chance_is_refused(server: ReportServer) -> None:
    status, _, said = asked(server, below(server), Host="example.com")

    assert (status, said) == (403, b"ask for 127.0.0.1")


def test_only_loopback_listens(server: ReportServer) -> None:
    assert server.server_address[0] == "127.0.0.1"


def test_figures_of_other_records_are_not_shown(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name in ("environment.json", "metrics.json", "records.jsonl"):
        (other / name).write_bytes((run / name).read_bytes())
    lines = (other / "records.jsonl").read_bytes().splitlines(keepends=True)
    (other / "records.jsonl").write_bytes(b"".join(lines[:-1]))

    with ReportServer([ServedRun(other)]) as server:
        answer = server.answer(below(server))

    assert answer.status == 500
    assert b"changed after its figures were made" in answer.content
