"""`gate=sequential`: a run that is ended when its verdict is sure, and the same one however it got there."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.functional.inside import inside

CORPUS = (
    "dataset=simulated", "dataset.simulated.n_clips=2000", "dataset.simulated.n_speakers=40", "load.warmup_clips=0",
    "run.telemetry_s=null", "scoring.resamples=200",
)  # fmt: skip
GATE = ("gate=sequential", "gate.baseline=base")


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`call(*arguments)` is `python -m sv_eval ARGUMENTS` in the test's own folder, but within this process."""
    return partial(inside, cwd=tmp_path)


@pytest.fixture
def base(call: Any, tmp_path: Path) -> Path:
    done = call("backend=fake", *CORPUS, "hydra.run.dir=base")
    assert done.returncode == 0, done.stderr
    return tmp_path / "base"


def gate_file(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "gate.json").read_text(encoding="utf-8"))
    return found


def records(run: Path) -> int:
    return len((run / "records.jsonl").read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize(
    ("words", "code", "verdict", "reason"),
    [((), 0, "pass", None), (("backend.accuracy=0.6",), 3, "fail", "surely_worse")],
)
def test_a_run_is_ended_when_the_verdict_is_sure(
    words: tuple[str, ...], code: int, verdict: str, reason: str | None, base: Path, call: Any, tmp_path: Path
) -> None:
    done = call("backend=fake", *words, *CORPUS, *GATE, "hydra.run.dir=run")

    assert done.returncode == code, done.stderr
    assert records(tmp_path / "run") < 1500
    found = gate_file(tmp_path / "run")
    assert found["verdict"] == verdict
    if reason:
        assert reason in {rule["reason"] for rule in found["rules"]}
    environment = json.loads((tmp_path / "run" / "environment.json").read_text(encoding="utf-8"))
    assert environment["sessions"][-1]["phases"]["ended_by"] == "verdict"
    # Judged again from its records alone, it is the same.
    again = call("baseline=base", "candidate=run", "gate=sequential", "out=again", module="sv_eval.gate")
    assert again.returncode == code
    assert gate_file(tmp_path / "again")["rules"] == found["rules"]


def test_an_undecided_run_goes_to_its_end_and_is_judged_as_any_other(call: Any, tmp_path: Path) -> None:
    small = [word if "n_clips" not in word else "dataset.simulated.n_clips=120" for word in CORPUS]
    assert call("backend=fake", *small, "hydra.run.dir=base").returncode == 0

    done = call("backend=fake", "backend.seed=5", *small, *GATE, "hydra.run.dir=run")

    assert records(tmp_path / "run") == 120
    assert done.returncode in (3, 4), done.stderr
    assert {rule["reason"] for rule in gate_file(tmp_path / "run")["rules"]} & {"too_few", "worse", "not_worse"}


@pytest.mark.parametrize("load", [(), ("load=closed", "load.concurrency=8", "load.rounds=1")], ids=["one", "eight"])
def test_the_verdict_is_the_same_after_a_kill_at_any_clip(
    load: tuple[str, ...], base: Path, call: Any, tmp_path: Path, environment: dict[str, str]
) -> None:
    slow = ("backend=fake", "backend.accuracy=0.68", "backend.latency.p50_ms=1", "backend.latency.p95_ms=2")
    words = (*slow, *CORPUS, *load, *GATE)
    whole = call(*words, "hydra.run.dir=whole")
    assert whole.returncode in (0, 3), whole.stderr

    killed = 0
    for _ in range(3):
        command = [sys.executable, "-m", "sv_eval", *words, "hydra.run.dir=killed"]
        running = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        file = tmp_path / "killed" / "records.jsonl"
        begun = records(tmp_path / "killed") if file.exists() else 0
        end = time.monotonic() + 300
        while running.poll() is None and time.monotonic() < end:
            if file.exists() and records(tmp_path / "killed") > begun + 60:
                running.send_signal(signal.SIGKILL)
                break
            time.sleep(0.02)
        killed += running.wait(300) == -signal.SIGKILL
    assert killed
    done = call(*words, "hydra.run.dir=killed")

    assert done.returncode == whole.returncode, done.stderr
    # What both say of the units that decided it is the same, whatever was under way when it was sure.
    assert gate_file(tmp_path / "killed")["rules"] == gate_file(tmp_path / "whole")["rules"]
    # A run whose verdict is sure measures nothing more.
    before = records(tmp_path / "killed")
    assert call(*words, "hydra.run.dir=killed").returncode == whole.returncode
    assert records(tmp_path / "killed") == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("gate.ratios.p50=1.1",), "a sequential gate has margins of uar and accuracy, not p50"),
        (("gate.margins.recall=0.1",), "not recall"),
        (("load.rounds=2",), "load.rounds=1"),
    ],
)
def test_what_cannot_be_judged_on_the_way_is_refused(
    words: tuple[str, ...], message: str, base: Path, call: Any
) -> None:
    done = call("backend=fake", *CORPUS, *GATE, *words, "hydra.run.dir=run")

    assert done.returncode == 2
    assert message in done.stderr
