"""Nothing that was finished is lost: a killed or interrupted run goes on and gives the same metrics."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

KILLS = 20
CLIPS = 2000
ARGUMENTS = [
    "backend=fake", "backend.confusion={happy:{happy:0.6,sad:0.3,unknown:0.1}}", "backend.failure_rate=0.02",
    "backend.latency.p50_ms=0.2", "dataset=simulated", f"dataset.simulated.n_clips={CLIPS}",
    "run.max_failures=0.5",
]  # fmt: skip
OF_THE_MOMENT = (
    "phases",
    "machine",
    "latency_ms",
    "latency_by_duration",
    "rtf",
    "rtf_reason",
    "load",
    "stages_ms",
    "caveats",
)


def start(directory: Path, environment: dict[str, str], cwd: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "sv_eval", *ARGUMENTS, f"hydra.run.dir={directory}"]
    return subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def lines_in(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def stop_after(process: subprocess.Popen[bytes], records: Path, lines: int, number: int) -> None:
    """Send a signal once the file holds so many lines, or let the process end."""
    while process.poll() is None and lines_in(records) < lines:
        time.sleep(0.001)
    process.send_signal(number)
    process.wait(timeout=600)


def comparable(metrics: dict[str, Any]) -> dict[str, Any]:
    """The metrics without what was true of one moment only: times, and the hash of the records that hold them."""
    kept = {key: value for key, value in metrics.items() if key not in OF_THE_MOMENT}
    for emotion in kept["per_emotion"].values():
        del emotion["latency_ms"]
    for name in ("wall_s", "wall_s_reason", "started_at", "records_hash"):
        kept["run"].pop(name, None)
    # Counts must agree; their bounds rest on the order in which requests were sent, which kills change.
    shares = {name: one for name, one in kept.pop("shares").items() if name not in ("resumed", "by_emotion")}
    kept["shares"] = {name: (share["n"], share["of"]) for name, share in shares.items()}
    return kept


@pytest.mark.slow
def test_twenty_kills_change_no_metric(
    tmp_path: Path,
    environment: dict[str, str],
    call: Callable[..., subprocess.CompletedProcess[str]],
    metrics_of: Callable[[Path], dict[str, Any]],
    records_of: Callable[[Path], list[dict[str, Any]]],
) -> None:
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    assert call(*ARGUMENTS, f"hydra.run.dir={undisturbed}").returncode == 0
    rng = random.Random(20)
    moments = sorted(rng.sample(range(1, CLIPS - 10), KILLS))

    for lines in moments:
        stop_after(start(killed, environment, tmp_path), killed / "records.jsonl", lines, signal.SIGKILL)
    done = call(*ARGUMENTS, f"hydra.run.dir={killed}")

    assert done.returncode == 0, done.stderr
    ids = [record["clip"]["id"] for record in records_of(killed)]
    assert len(ids) == len(set(ids)) == CLIPS
    assert max(record["session"] for record in records_of(killed)) >= KILLS // 2
    assert comparable(metrics_of(killed)) == comparable(metrics_of(undisturbed))


def test_an_interrupt_leaves_a_partial_report_and_says_how_to_go_on(
    tmp_path: Path, environment: dict[str, str], metrics_of: Callable[[Path], dict[str, Any]]
) -> None:
    directory = tmp_path / "run"
    # Slow enough that the last clip is far off when the hundredth has been seen here.
    slow = "backend.latency.p50_ms=20"
    command = [sys.executable, "-m", "sv_eval", *ARGUMENTS, slow, f"hydra.run.dir={directory}"]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
    stop_after(process, directory / "records.jsonl", 100, signal.SIGINT)  # type: ignore[arg-type]
    assert process.stderr is not None
    message = process.stderr.read()
    process.stderr.close()

    assert process.returncode == 5
    assert f"hydra.run.dir={directory}" in message
    assert "Traceback" not in message
    assert 100 <= metrics_of(directory)["run"]["n_clips"] < CLIPS
    assert "Incomplete run" in (directory / "report.md").read_text(encoding="utf-8")


def test_a_finished_run_is_scored_again_and_nothing_is_recognised(
    tmp_path: Path,
    call: Callable[..., subprocess.CompletedProcess[str]],
    metrics_of: Callable[[Path], dict[str, Any]],
) -> None:
    arguments = ["backend=fake", "dataset=simulated", "dataset.simulated.n_clips=100", "hydra.run.dir=run"]
    assert call(*arguments).returncode == 0
    first, records = metrics_of(tmp_path / "run"), (tmp_path / "run" / "records.jsonl").read_bytes()

    again = call(*arguments)
    scored = call("run", "scoring.policy=ban", "report.language=zh", module="sv_eval.score")

    assert again.returncode == scored.returncode == 0, scored.stderr
    assert (tmp_path / "run" / "records.jsonl").read_bytes() == records
    assert metrics_of(tmp_path / "run")["policy"] == "ban"
    assert metrics_of(tmp_path / "run")["policies"] == first["policies"]
    assert "摘要" in (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
