"""`python -m sv_eval.capacity` as a user meets it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sv_eval.reports.capacity import render_capacity

FAKE = (
    "backend=fake", "backend.latency.p50_ms=20", "backend.latency.p95_ms=50", "backend.concurrency=4",
    "dataset=simulated", "search.trial_s=1", "search.max_trial_s=1.5", "search.min_requests=150", "search.trials=6",
    "search.tolerance=0.5", "search.max_trials=16",
    # Whoever runs these tests runs others beside them; what lateness does to a trial is a test of its own.
    "search.max_late_ms=5000",
    "curve.concurrency=[1,4,8]", "curve.requests=100",
)  # fmt: skip


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "sv_eval.capacity", *words]


@pytest.mark.slow
def test_a_queue_of_four_workers_is_measured_from_the_command_line(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    words = (*FAKE, "slo.p95_ms=100", "out=found")

    done = subprocess.run(command(*words), cwd=tmp_path, env=environment, capture_output=True, text=True)

    result = json.loads((tmp_path / "found" / "capacity.json").read_text(encoding="utf-8"))
    found = result["capacity"]
    # Trials of a second are short for a queue that is nearly full: whether they tell is the machine's affair.
    assert done.returncode == (0 if found["ended_by"] == "tolerance" else 5), done.stderr
    # Four workers of 25 ms on average answer 160 a second at the very most. How near to that a machine comes is its
    # own affair: whether the truth is found, simulated time tells.
    if found["kept_per_s"] is None:
        # Callers on a machine so busy miss the objective at whatever rate, which its trials have to show.
        assert not any(one["verdict"] == "kept" for one in result["trials"])
        assert max(one["p95_ms"] for one in result["trials"]) > 100
        return
    assert 0 < found["kept_per_s"] < 250
    assert [one["seed"] for one in result["trials"]] == list(range(len(result["trials"])))
    assert {"bracket", "measure", "overload", "confirm"} >= {one["phase"] for one in result["trials"]}
    assert result["capacity"]["changed"] == 0 < result["capacity"]["compared"]
    # Where throughput over the mean time in the system, which is callers over throughput, is greatest.
    power = {one["concurrency"]: one["answered_per_s"] ** 2 / one["concurrency"] for one in result["curve"]}
    assert result["knee"] == max(power, key=power.__getitem__)
    kept = f"{found['kept_per_s']:g}"
    assert f"{kept} requests a second keep p95 100 ms" in done.stdout
    report = (tmp_path / "found" / "capacity.md").read_text(encoding="utf-8")
    assert kept in report
    tables = [line for line in report.splitlines() if line.startswith("|")]
    assert len(tables) >= len(result["trials"]) + len(result["curve"])
    assert (tmp_path / "found" / re.search(r"\((figures/.*)\)", report)[1]).is_file()  # type: ignore[index]
    lines = (tmp_path / "found" / "trials.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [*result["curve"], *result["trials"]]
    assert kept in render_capacity(result, "zh")


def test_an_interrupted_search_keeps_its_trials(tmp_path: Path, environment: dict[str, str]) -> None:
    words = (*FAKE, "search.trial_s=60", "search.max_trial_s=60", "out=found")
    process = subprocess.Popen(
        command(*words), cwd=tmp_path, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    trials = tmp_path / "found" / "trials.jsonl"
    until = time.monotonic() + 600
    while time.monotonic() < until and not (trials.is_file() and trials.read_text().count("\n") >= 3):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)

    _, errors = process.communicate(timeout=600)

    assert process.returncode == 5, errors
    assert "the trials so far are kept" in errors.splitlines()[-1]
    assert trials.read_text().count("\n") >= 3


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["slo.p95=200"], "did you mean slo.p95_ms?"),
        (["slo.p95_ms=null"], "slo: give at least one"),
        (["search.trials=2"], "trials is at least 6"),
        (["search.repeats=3"], "search.repeats is not a setting here"),
        (["backend=onx"], "backend=onx: there is no such backend; did you mean onnx"),
        (["out=/proc/nowhere"], "/proc/nowhere"),
    ],
)
def test_wrong_words_are_explained_in_one_line(
    tmp_path: Path, environment: dict[str, str], words: list[str], named: str
) -> None:
    done = subprocess.run(command(*words), cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert done.returncode == 2, done.stderr
    assert named in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_help_names_every_setting(tmp_path: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(command("--help"), cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert done.returncode == 0
    for name in ("p95_ms", "max_error_rate", "start_rate", "relaxations", "concurrency:", "decode_workers", "out:"):
        assert name in done.stdout


def test_a_backend_that_never_answers_has_no_capacity(tmp_path: Path, environment: dict[str, str]) -> None:
    words = ("backend=fake", "backend.failure_rate=1.0", "dataset=simulated", "curve.requests=20", "out=found")

    done = subprocess.run(command(*words), cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert done.returncode == 5, done.stderr
    assert "no caller of the concurrency curve got an answer" in done.stderr
