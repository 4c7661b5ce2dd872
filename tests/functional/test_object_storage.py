"""A run whose corpus lies in an S3 store: killed and gone on with, it gives the figures of a local one."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

Call = Callable[..., subprocess.CompletedProcess[str]]
Metrics = Callable[[Path], dict[str, Any]]
Records = Callable[[Path], list[dict[str, Any]]]
REPOSITORY = Path(__file__).resolve().parents[2]
DEMO = REPOSITORY / "datasets" / "demo"
N_CLIPS = 24
FAKE = ("backend=fake", "backend.latency={p50_ms: 1, p95_ms: 1}", "load.warmup_clips=0", "scoring.resamples=100")
SECRET = "hush-hush-it-is-a-secret"
SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few of the bundled clips, with a table of them."""
    folder = tmp_path_factory.mktemp("speech")
    (folder / "clips").mkdir()
    header, *rows = (DEMO / "manifest.csv").read_text(encoding="utf-8").splitlines()
    rows = rows[:: len(rows) // N_CLIPS][:N_CLIPS]
    (folder / "clips.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    for row in rows:
        path = row.split(",")[1]
        shutil.copy(DEMO / path, folder / path)
    return folder


@pytest.fixture(scope="session")
def bucket(corpus: Path) -> Iterator[dict[str, str]]:
    """The environment that leads to an S3 server of this machine which holds those in `s3://speech/demo`."""
    words = [sys.executable, "-c", SERVER]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        port = next(line for line in map(str.strip, server.stdout) if line.isdigit())
        told = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "somebody",
            "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1",
            # Nothing of whoever runs the tests.
            "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }  # fmt: skip
        put = (
            "import sys, fsspec\n"
            "files = fsspec.filesystem('s3')\n"
            "files.mkdir('speech')\n"
            "files.put(sys.argv[1] + '/', 'speech/demo/', recursive=True)\n"
        )
        subprocess.run([sys.executable, "-c", put, str(corpus)], env={**os.environ, **told}, check=True)
        try:
            yield told
        finally:
            assert server.stdin is not None
            server.stdin.close()


def of_bucket(*more: str) -> tuple[str, ...]:
    return (
        "dataset=manifest", "dataset.manifest.file=s3://speech/demo/clips.csv", "dataset.root=s3://speech/demo",
        *FAKE, *more,
    )  # fmt: skip


@pytest.fixture(scope="session")
def local(corpus: Path, tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Path:
    """The run of a copy on this disk."""
    run = tmp_path_factory.mktemp("local") / "run"
    words = ("dataset=manifest", f"dataset.manifest.file={corpus / 'clips.csv'}", *FAKE, f"hydra.run.dir={run}")
    subprocess.run(
        [sys.executable, "-m", "sv_eval", *words], cwd=run.parent, env=environment, check=True, capture_output=True
    )
    return run


def same_figures(run: Path, other: Path, metrics_of: Metrics) -> None:
    ours, theirs = metrics_of(run), metrics_of(other)
    assert ours["run"]["dataset_hash"] == theirs["run"]["dataset_hash"]
    for key in ("accuracy", "policies", "confusion", "by_speaker"):
        assert without_latency(ours[key]) == without_latency(theirs[key]), key


def without_latency(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: without_latency(value) for key, value in data.items() if key != "latency_ms"}
    return data


def held_backend(folder: Path, n: int) -> tuple[str, dict[str, str]]:
    """A recogniser that answers n clips and then waits for ever, and where Python finds it."""
    (folder / "held_backend.py").write_text(
        "import asyncio, itertools\n"
        "from sv_eval.backends.fake import FakeBackend\n"
        "class Held(FakeBackend):\n"
        "    number = itertools.count()\n"
        "    async def recognize(self, requests):\n"
        f"        if next(self.number) >= {n}:\n"
        "            await asyncio.sleep(3600)\n"
        "        return await super().recognize(requests)\n"
    )
    return "backend._target_=held_backend.Held", {"PYTHONPATH": str(folder)}


def killed_midway(folder: Path, n: int, words: tuple[str, ...], lent: dict[str, str], run: Path) -> None:
    """Begins the run and kills it once it has kept n records."""
    with subprocess.Popen(
        [sys.executable, "-m", "sv_eval", *words, f"hydra.run.dir={run}"], cwd=folder, env=lent,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        wait_for_records(process, run, n)
        os.killpg(process.pid, signal.SIGKILL)


def test_a_run_from_a_bucket_is_killed_and_gives_the_local_figures(
    bucket: dict[str, str], local: Path, environment: dict[str, str], call: Call, tmp_path: Path,
    metrics_of: Metrics, records_of: Records,
) -> None:  # fmt: skip
    run = tmp_path / "run"
    target, found_by = held_backend(tmp_path, 9)
    path = {"PYTHONPATH": f"{found_by['PYTHONPATH']}{os.pathsep}{environment['PYTHONPATH']}"}
    words = of_bucket(target)
    killed_midway(tmp_path, 9, words, {**environment, **bucket, **path}, run)
    assert len(records_of(run)) == 9

    # The class is the same, and by now it holds no clip back.
    held_backend(tmp_path, 10**6)
    done = call(*words, f"hydra.run.dir={run}", **bucket, **path)

    assert done.returncode == 0, done.stderr
    records = records_of(run)
    assert sorted({record["session"] for record in records}) == [0, 1]
    assert len({record["clip"]["id"] for record in records}) == len(records) == N_CLIPS
    same_figures(run, local, metrics_of)
    kept = b"".join(path.read_bytes() for path in run.rglob("*") if path.is_file())
    assert SECRET.encode() not in kept + (done.stdout + done.stderr).encode()
    assert b"somebody" not in kept


def test_a_folder_in_a_bucket_that_may_not_be_read_is_told_in_a_line(
    bucket: dict[str, str], call: Call, tmp_path: Path
) -> None:
    missing = call("dataset=folder", "dataset.root=s3://nosuchbucket/x", *FAKE, **bucket)
    nobody = {name: value for name, value in bucket.items() if "KEY" not in name}
    keyless = call("dataset=folder", "dataset.root=s3://speech/demo", *FAKE, **nobody)
    secret = call("dataset=folder", f"dataset.root=s3://me:{SECRET}@speech/demo", *FAKE, **bucket)

    for done, words in (
        (missing, ("s3://nosuchbucket/x", "dataset.root")),
        (keyless, ("credentials", "s3://speech/demo", "FSSPEC_S3_ANON")),
        (secret, ("dataset.root", "AWS_ACCESS_KEY_ID")),
    ):
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
        assert SECRET not in done.stderr + done.stdout
        for word in words:
            assert word in done.stderr
    assert not [
        path for path in tmp_path.rglob("*") if path.is_file() and SECRET in path.read_text(errors="replace")
    ]


RAY = (
    "executor=ray",
    "executor.workers=2",
    "executor.cpus_per_worker=0.5",
    "executor.read=workers",
    "load=offline",
)

BEHIND = 4
"""Two calls may wait in each worker behind one that is held."""


@pytest.fixture(scope="session")
def shards(corpus: Path, bucket: dict[str, str]) -> str:
    """The same clips in three shards of the bucket."""
    rows = list(csv.DictReader((corpus / "clips.csv").read_text(encoding="utf-8").splitlines()))
    put = "import sys, fsspec\nfsspec.filesystem('s3').put(sys.argv[1] + '/', 'speech/shards/', recursive=True)\n"
    (corpus / "shards").mkdir()
    for number in range(3):
        with tarfile.open(corpus / "shards" / f"demo-{number}.tar", "w") as tar:
            for row in rows[number::3]:
                tar.add(corpus / row["path"], f"{row['id']}.flac")
                told = json.dumps({name: value for name, value in row.items() if name != "path"}).encode()
                member = tarfile.TarInfo(f"{row['id']}.json")
                member.size = len(told)
                tar.addfile(member, io.BytesIO(told))
    subprocess.run([sys.executable, "-c", put, str(corpus / "shards")], env={**os.environ, **bucket}, check=True)
    return "s3://speech/shards/demo-{0..2}.tar"


@pytest.fixture(scope="session")
def parquet(corpus: Path, bucket: dict[str, str]) -> tuple[str, list[str]]:
    """The same clips in two Parquet files of the bucket, and their ids as they lie there, which is no order."""
    rows = list(csv.DictReader((corpus / "clips.csv").read_text(encoding="utf-8").splitlines()))
    random.Random(0).shuffle(rows)
    (corpus / "parquet").mkdir()
    ids: list[str] = []
    # Sound as it is, in small pages, as `datasets` writes it; and compressed, as all others do.
    ways: tuple[dict[str, Any], ...] = (
        {"compression": "none", "use_dictionary": False, "write_batch_size": 4, "data_page_size": 100_000},
        {"write_batch_size": 4, "data_page_size": 100_000, "dictionary_pagesize_limit": 100_000},
    )
    for number, how in enumerate(ways):
        some = rows[number::2]
        audio = [{"bytes": (corpus / row["path"]).read_bytes(), "path": Path(row["path"]).name} for row in some]
        told = {name: [row[name] or None for row in some] for name in some[0] if name != "path"}
        pq.write_table(pa.table({"audio": audio, **told}), corpus / "parquet" / f"demo-{number}.parquet", **how)
        ids += told["id"]
    put = "import sys, fsspec\nfsspec.filesystem('s3').put(sys.argv[1] + '/', 'speech/parquet/', recursive=True)\n"
    subprocess.run([sys.executable, "-c", put, str(corpus / "parquet")], env={**os.environ, **bucket}, check=True)
    return "s3://speech/parquet/demo-{0..1}.parquet", ids


def test_a_run_from_parquet_goes_as_the_files_do_and_is_killed_and_gives_the_local_figures(
    bucket: dict[str, str], parquet: tuple[str, list[str]], local: Path, environment: dict[str, str], call: Call,
    tmp_path: Path, metrics_of: Metrics, records_of: Records,
) -> None:  # fmt: skip
    root, ids = parquet
    run = tmp_path / "run"
    target, found_by = held_backend(tmp_path, 9)
    lent = {
        **bucket, "PYTHONPATH": f"{found_by['PYTHONPATH']}{os.pathsep}{environment['PYTHONPATH']}",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }  # fmt: skip
    words = ("dataset=parquet", "dataset.name=manifest", f"dataset.root={root}", *FAKE, target)
    killed_midway(tmp_path, 9, words, {**environment, **lent}, run)
    assert [record["clip"]["id"] for record in records_of(run)] == ids[:9]

    held_backend(tmp_path, 10**6)
    done = call(*words, f"hydra.run.dir={run}", **lent)

    assert done.returncode == 0, done.stderr
    records = records_of(run)
    assert [record["clip"]["id"] for record in records] == ids
    assert ids != sorted(ids)
    assert sorted({record["session"] for record in records}) == [0, 1]
    same_figures(run, local, metrics_of)


def test_workers_read_parquet_where_they_are(
    bucket: dict[str, str], parquet: tuple[str, list[str]], local: Path, call: Call, tmp_path: Path,
    metrics_of: Metrics, records_of: Records,
) -> None:  # fmt: skip
    root, ids = parquet
    run = tmp_path / "run"

    done = call(
        "dataset=parquet", "dataset.name=manifest", f"dataset.root={root}", *FAKE, *RAY, f"hydra.run.dir={run}",
        **bucket, XDG_CACHE_HOME=str(tmp_path / "cache"),
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    found = {record["clip"]["id"]: record for record in records_of(run)}
    assert sorted(found) == sorted(ids)
    for record in records_of(local):
        ours = found[record["clip"]["id"]]
        assert (ours["audio_s"], ours["sound"]) == (record["audio_s"], record["sound"])
    same_figures(run, local, metrics_of)


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    found = psutil.Process(process.pid).children(recursive=True)
    return [each for each in found if any("Worker" in word for word in each.cmdline()[:1])]


def test_workers_read_shards_and_a_lost_one_and_a_kill_lose_nothing(
    bucket: dict[str, str], shards: str, local: Path, environment: dict[str, str], call: Call, tmp_path: Path,
    metrics_of: Metrics, records_of: Records,
) -> None:  # fmt: skip
    run = tmp_path / "run"
    # A third of the clips is answered, one worker killed; then a second third, and all of it killed.
    (tmp_path / "held_backend.py").write_text(
        "import asyncio, pathlib\n"
        "from sv_eval.backends.fake import FakeBackend\n"
        "class Held(FakeBackend):\n"
        "    async def recognize(self, requests):\n"
        f"        ids = sorted(path.stem for path in pathlib.Path({str(tmp_path / 'ids')!r}).iterdir())\n"
        f"        for third in (1, 2):\n"
        f"            late = any(ids.index(request.clip_id) >= third * {N_CLIPS // 3} for request in requests)\n"
        f"            while late and not pathlib.Path({str(tmp_path)!r}, f'go{{third}}').exists():\n"
        "                await asyncio.sleep(0.01)\n"
        "        return await super().recognize(requests)\n"
    )
    (tmp_path / "ids").mkdir()
    for record in records_of(local):
        (tmp_path / "ids" / record["clip"]["id"]).touch()
    lent = {
        **environment, **bucket, "PYTHONPATH": f"{tmp_path}{os.pathsep}{environment['PYTHONPATH']}",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }  # fmt: skip
    words = (
        "dataset=webdataset", "dataset.name=manifest", f"dataset.root={shards}", *FAKE, *RAY,
        "backend._target_=held_backend.Held", f"hydra.run.dir={run}",
    )  # fmt: skip

    with subprocess.Popen(
        [sys.executable, "-m", "sv_eval", *words], cwd=tmp_path, env=lent, stderr=subprocess.PIPE, text=True,
        stdout=subprocess.DEVNULL, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            wait_for_records(process, run, N_CLIPS // 3 - BEHIND)
            (lost, _) = workers_of(process)
            lost.kill()
            (tmp_path / "go1").touch()
            wait_for_records(process, run, 1, b"worker_lost")
            family = psutil.Process(process.pid).children(recursive=True)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    for each in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    (tmp_path / "go2").touch()
    done = call(*words, **{name: lent[name] for name in (*bucket, "PYTHONPATH", "XDG_CACHE_HOME")})

    assert done.returncode == 0, done.stderr
    records = records_of(run)
    assert len({record["clip"]["id"] for record in records}) == len(records) == N_CLIPS
    assert {trouble["kind"] for record in records for trouble in record.get("troubles", ())} == {"worker_lost"}
    of_local = {record["clip"]["id"]: record for record in records_of(local)}
    for record in records:
        theirs = of_local[record["clip"]["id"]]
        assert record["audio_s"] == theirs["audio_s"]
        assert record["sound"] == theirs["sound"]
        assert record["decode_ms"] > 0
    same_figures(run, local, metrics_of)


def wait_for_records(process: subprocess.Popen[str], run: Path, n: int, words: bytes = b"\n") -> None:
    deadline = time.monotonic() + 600
    while not (run / "records.jsonl").is_file() or (run / "records.jsonl").read_bytes().count(words) < n:
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)
