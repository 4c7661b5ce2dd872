"""What a second worker brings that reads shards from an S3 server: run this file as a script.

Clips lie in tar shards on a server of this machine (moto, one process). `executor=ray executor.read=workers` runs
over them with one worker and with two, in turns. Prints clips a second of the measurement alone (`wall_s`: no
loading, no warm-up) for a recogniser that waits 50 ms a clip, as one does whose work is done elsewhere, and for the
bundled model on one thread, which shares the cores with the server, the run and what else is on: that is told, too.
"""

from __future__ import annotations

import csv
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

_DEMO = Path(__file__).resolve().parents[2] / "datasets" / "demo"
_REPEATS = 3
_SHARDS = 8
_BACKENDS = {
    "waits 50 ms a clip": ("backend=fake", "backend.latency={p50_ms: 50, p95_ms: 50}"),
    "bundled model, 1 thread": ("backend=onnx", "backend.threads=1"),
}
_PUT = (
    "import sys, fsspec\n"
    "files = fsspec.filesystem('s3')\n"
    "files.mkdir('speech')\n"
    "files.put(sys.argv[1] + '/', 'speech/shards/', recursive=True)\n"
)
_SERVE = (
    "import sys\n"
    "from moto.server import ThreadedMotoServer\n"
    "server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)\n"
    "server.start()\n"
    "print(server.get_host_and_port()[1], flush=True)\n"
    "sys.stdin.read()\n"
)


def write_shards(folder: Path) -> int:
    """Puts the bundled clips into shards; how many there are."""
    with (_DEMO / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for number in range(_SHARDS):
        with tarfile.open(folder / f"demo-{number}.tar", "w") as tar:
            for row in rows[number::_SHARDS]:
                tar.add(_DEMO / row["path"], f"{row['id']}.flac")
                told = json.dumps({name: value for name, value in row.items() if name != "path"}).encode()
                member = tarfile.TarInfo(f"{row['id']}.json")
                member.size = len(told)
                tar.addfile(member, io.BytesIO(told))
    return len(rows)


def measured_s(folder: Path, backend: tuple[str, ...], workers: int, lent: dict[str, str]) -> float:
    """Seconds of one run's measurement."""
    run = Path(tempfile.mkdtemp(dir=folder))
    words = (
        "dataset=webdataset", f"dataset.root=s3://speech/shards/demo-{{0..{_SHARDS - 1}}}.tar", *backend,
        "executor=ray", f"executor.workers={workers}", "executor.cpus_per_worker=0.5", "executor.read=workers",
        "load=offline", "scoring.resamples=100", f"hydra.run.dir={run}",
    )  # fmt: skip
    subprocess.run(
        [sys.executable, "-P", "-m", "sv_eval", *words], cwd=folder, env=lent, check=True, capture_output=True
    )
    told = json.loads((run / "environment.json").read_text(encoding="utf-8"))
    return float(told["sessions"][-1]["wall_s"])


def main() -> None:
    """Print the figures."""
    with (
        tempfile.TemporaryDirectory() as temporary,
        subprocess.Popen(
            [sys.executable, "-c", _SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        ) as server,
    ):  # fmt: skip
        folder = Path(temporary)
        assert server.stdout is not None
        assert server.stdin is not None
        port = next(line for line in map(str.strip, server.stdout) if line.isdigit())
        lent = os.environ | {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_DEFAULT_REGION": "us-east-1", "XDG_CACHE_HOME": temporary,
        }  # fmt: skip
        (folder / "shards").mkdir()
        clips = write_shards(folder / "shards")
        subprocess.run([sys.executable, "-c", _PUT, str(folder / "shards")], env=lent, check=True)
        sys.stdout.write(
            f"{clips} clips in {_SHARDS} shards, {os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}\n"
        )
        for name, backend in _BACKENDS.items():
            found: dict[int, list[float]] = {1: [], 2: []}
            for _ in range(_REPEATS):
                for workers, times in found.items():
                    times.append(measured_s(folder, backend, workers, lent))
            one, two = (statistics.median(times) for times in found.values())
            ratios = sorted(a / b for a, b in zip(*found.values(), strict=True))
            sys.stdout.write(
                f"{name}: {clips / one:.1f} clips/s with one worker, {clips / two:.1f} with two, "
                f"{one / two:.2f} x ({ratios[0]:.2f} to {ratios[-1]:.2f})\n"
            )
        server.stdin.close()


if __name__ == "__main__":
    main()
