"""executor=ray on a real cluster of two workers: the figures of one process, and nothing lost with a worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

Call = Callable[..., subprocess.CompletedProcess[str]]
RAY = ("executor=ray", "executor.workers=2", "executor.cpus_per_worker=0.5", "load=offline")


def metrics(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    return found


def records(run: Path) -> list[dict[str, Any]]:
    path = run / "records.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def test_two_workers_give_the_figures_of_one_process(call: Call, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"

    one = call("dataset.limit=60", "load=offline", f"hydra.run.dir={here}")
    two = call("dataset.limit=60", *RAY, f"hydra.run.dir={there}")

    assert one.returncode == 0, one.stderr
    assert two.returncode == 0, two.stderr
    same = ("accuracy", "policies", "confusion", "per_emotion", "by_speaker")
    assert {key: drop_latency(metrics(there)[key]) for key in same} == {
        key: drop_latency(metrics(here)[key]) for key in same
    }
    environment = json.loads((there / "environment.json").read_text(encoding="utf-8"))
    assert environment["backend"]["details"]["workers"] == 2


def drop_latency(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: drop_latency(value) for key, value in data.items() if key != "latency_ms"}
    return data


@pytest.fixture
def held_run(tmp_path: Path, environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A run on two workers, under way; from the hundredth clip on they wait until the test goes on."""
    run = tmp_path / "run"
    (tmp_path / "held_backend.py").write_text(
        "import asyncio, pathlib\n"
        "from sv_eval.backends.fake import FakeBackend\n"
        "class Held(FakeBackend):\n"
        "    async def recognize(self, requests):\n"
        "        late = any(request.clip_id >= 'sim_100' for request in requests)\n"
        f"        while late and not pathlib.Path({str(tmp_path / 'go')!r}).exists():\n"
        "            await asyncio.sleep(0.01)\n"
        "        return await super().recognize(requests)\n"
    )
    words = [
        "backend=fake", "backend._target_=held_backend.Held", "backend.latency={p50_ms: 5, p95_ms: 5}",
        "dataset=simulated", "dataset.simulated.n_clips=300", "load.warmup_clips=0", *RAY, f"hydra.run.dir={run}",
    ]  # fmt: skip
    lent = {**environment, "PYTHONPATH": f"{tmp_path}{os.pathsep}{environment['PYTHONPATH']}"}
    with subprocess.Popen(
        [sys.executable, "-m", "sv_eval", *words],
        env=lent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield process, run
        finally:
            if process.poll() is None:
                process.terminate()


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    found = []
    for each in psutil.Process(process.pid).children(recursive=True):
        try:
            if "Worker" in each.name() or any("Worker" in word for word in each.cmdline()[:1]):
                found.append(each)
        except psutil.Error:
            continue
    return [each for each in found if each.is_running()]


def test_a_killed_worker_loses_nothing(
    held_run: tuple[subprocess.Popen[str], Path], call: Call, tmp_path: Path
) -> None:
    process, run = held_run
    deadline = time.monotonic() + 600
    while len(records(run)) < 40 and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    victims = workers_of(process)
    assert len(victims) == 2, victims
    victims[0].kill()
    (tmp_path / "go").touch()

    _, said = process.communicate(timeout=1800)

    assert process.returncode == 0, said
    found = records(run)
    assert sorted(record["clip"]["id"] for record in found) == [f"sim_{n:03}" for n in range(300)]
    retried = [record for record in found if record.get("attempts", 1) > 1]
    assert retried
    assert {trouble["kind"] for record in retried for trouble in record["troubles"]} == {"worker_lost"}
    assert metrics(run)["latency_ms"]["excluded"]["retried"] == len(retried)
    alone = tmp_path / "alone"
    done = call("backend=fake", "dataset=simulated", "dataset.simulated.n_clips=300", f"hydra.run.dir={alone}")
    assert done.returncode == 0, done.stderr
    assert metrics(run)["confusion"] == metrics(alone)["confusion"]


def test_a_sweep_has_one_cluster_for_all_its_settings(environment: dict[str, str], tmp_path: Path) -> None:
    grid = ("-m", "backend.chunk_size=1,2", "dataset.limit=30", f"hydra.sweep.dir={tmp_path}")

    # Sockets lie in there, whose paths must be short.
    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp") as clusters:
        done = subprocess.run(
            [sys.executable, "-m", "sv_eval", *grid, *RAY],
            cwd=tmp_path, env={**environment, "RAY_TMPDIR": clusters}, capture_output=True, text=True,
            timeout=1800, check=False,
        )  # fmt: skip
        sessions = [path for path in Path(clusters).rglob("session_*") if not path.is_symlink()]

    assert done.returncode == 0, done.stderr
    assert "3 of 3 settings have a result" in done.stdout
    assert "Token authentication" not in done.stderr
    assert len([path for path in sessions if path.parent.name == "ray"]) == 1, sessions
    for number in range(3):
        environment = json.loads((tmp_path / str(number) / "environment.json").read_text(encoding="utf-8"))
        assert environment["backend"]["details"]["workers"] == 2


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["executor=ray", "executor.workers=99"], 2, ["executor.workers=99", "fewer workers"]),
        (["executor=ray", "executor.workers=0"], 2, ["executor.workers=0"]),
        (["executor=rya"], 2, ["executor=rya", "ray"]),
        (["executor=ray", "backend.model=/no/such/model"], 2, ["/no/such/model"]),
    ],
)
def test_what_is_wrong_is_said(call: Call, arguments: list[str], code: int, expected: list[str]) -> None:
    done = call(*arguments, "load=offline")

    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    for words in expected:
        assert words in done.stderr
