"""A measurement of several rounds, through the command."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

Call = Callable[..., Any]

FAKE = (
    "backend=fake",
    "dataset=simulated",
    "dataset.simulated.n_clips=50",
    "dataset.simulated.n_speakers=5",
    "load.warmup_clips=2",
)


def test_rounds_enter_latency_and_not_accuracy(
    call: Call, tmp_path: Path, metrics_of: Callable[[Path], dict[str, Any]], records_of: Callable[..., Any]
) -> None:
    once, often = tmp_path / "once", tmp_path / "often"

    assert call(*FAKE, f"hydra.run.dir={once}").returncode == 0
    done = call(*FAKE, "load.rounds=4", "scoring.slo_ms=600000", f"hydra.run.dir={often}")

    assert done.returncode == 0, done.stderr
    first, all_of_them = metrics_of(once), metrics_of(often)
    for key in ("accuracy", "confusion", "policies"):
        assert all_of_them[key] == first[key]
    assert all_of_them["run"]["n_clips"] == 50
    assert all_of_them["latency_ms"]["n"] == 200
    assert all_of_them["repeats"] == {"requests": 150, "clips_changed": 0, "examples": []}
    assert all_of_them["load"]["goodput"]["kept"] == 200
    assert set(Counter(record["clip"]["id"] for record in records_of(often)).values()) == {4}
    assert all_of_them["phases"]["ended_by"] == "rounds"
    report = (often / "report.md").read_text(encoding="utf-8")
    assert "150 requests came after the first round" in report
    assert "Goodput: 200 of 200" in report


def test_rounds_go_on_until_enough_and_a_finished_run_is_not_begun_again(
    call: Call, tmp_path: Path, metrics_of: Callable[[Path], dict[str, Any]]
) -> None:
    words = (*FAKE, "load.rounds=null", "load.max_requests=333", f"hydra.run.dir={tmp_path / 'run'}")

    assert call(*words).returncode == 0
    again = call(*words)

    assert again.returncode == 0, again.stderr
    found = metrics_of(tmp_path / "run")
    assert found["latency_ms"]["n"] == 333
    assert found["phases"]["ended_by"] == "max_requests"


def test_rounds_without_an_end_are_refused(call: Call, tmp_path: Path) -> None:
    done = call(*FAKE, "load.rounds=null", f"hydra.run.dir={tmp_path / 'run'}")

    assert done.returncode == 2
    assert "load.rounds=null has no end" in done.stderr


def test_an_interrupt_in_a_later_round_keeps_what_was_measured(
    tmp_path: Path, environment: dict[str, str], metrics_of: Callable[[Path], dict[str, Any]]
) -> None:
    words = [*FAKE, "backend.latency.p50_ms=5", "load.rounds=null", "load.max_s=36000", "hydra.run.dir=run"]
    process = subprocess.Popen(
        [sys.executable, "-m", "sv_eval", *words], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    )
    records, until = tmp_path / "run" / "records.jsonl", time.monotonic() + 600
    while time.monotonic() < until and not (records.is_file() and records.read_bytes().count(b"\n") > 120):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)

    _, errors = process.communicate(timeout=600)

    assert process.returncode == 5, errors
    assert "stopped after the first round" in errors
    found = metrics_of(tmp_path / "run")
    assert found["run"]["n_clips"] == 50
    assert found["latency_ms"]["n"] > 100
    assert found["phases"]["ended_by"] == "interrupt"
