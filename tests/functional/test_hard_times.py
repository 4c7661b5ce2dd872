"""Runs that meet trouble: nothing is lost, the exit code is right, and the message says what to do."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., subprocess.CompletedProcess[str]]
SIMULATED = ["backend=fake", "dataset=simulated", "hydra.run.dir=run"]


def test_a_closed_stderr_does_not_stop_a_run(
    tmp_path: Path, environment: dict[str, str], metrics_of: Callable[[Path], dict[str, Any]]
) -> None:
    command = [sys.executable, "-m", "sv_eval", *SIMULATED, "dataset.simulated.n_clips=300"]
    read, write = os.pipe()
    os.close(read)

    done = subprocess.run(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=write, check=False)
    os.close(write)

    assert done.returncode == 0
    assert metrics_of(tmp_path / "run")["run"]["n_clips"] == 300


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path, environment: dict[str, str]) -> None:
    command = f"{sys.executable} -m sv_eval --help | head -n 1; exit ${{PIPESTATUS[0]}}"

    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0
    assert done.stderr == ""


def test_a_full_disk_is_not_the_users_usage(tmp_path: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "sv_eval", *SIMULATED, "dataset.simulated.n_clips=2000"]

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    done = subprocess.run(
        command, cwd=tmp_path, env=environment, preexec_fn=little_room, capture_output=True, text=True, check=False
    )

    assert done.returncode in (1, 5), done.stderr
    assert "Traceback" not in done.stderr
    assert "can't be written" in done.stderr


def test_file_names_that_are_not_utf_8_are_recorded(call: Call, tmp_path: Path, write_tone: Any) -> None:
    tone = write_tone(tmp_path / "corpus" / "happy" / "a.wav")
    os.link(tone, os.fsencode(tmp_path / "corpus" / "happy") + b"/caf\xe9.wav")
    arguments = ["backend=fake", "dataset=folder", f"dataset.root={tmp_path / 'corpus'}", "hydra.run.dir=run"]

    first, again = call(*arguments), call(*arguments)

    assert first.returncode == again.returncode == 0, first.stderr
    assert (tmp_path / "run" / "records.jsonl").read_bytes().count(b"\n") == 2


def test_a_spent_budget_is_still_spent_on_the_next_day(call: Call) -> None:
    arguments = [*SIMULATED, "dataset.simulated.n_clips=15", "backend.failure_rate=0.6"]

    assert call(*arguments).returncode == 5
    assert call(*arguments).returncode == 5
    assert call("run", module="sv_eval.score").returncode == 5


def test_long_recordings_are_all_run(
    call: Call, metrics_of: Callable[[Path], dict[str, Any]], tmp_path: Path
) -> None:
    done = call(
        *SIMULATED, "dataset.simulated.n_clips=60", "dataset.simulated.shortest_s=480",
        "dataset.simulated.longest_s=500",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert metrics_of(tmp_path / "run")["run"]["n_clips"] == 60


@pytest.mark.parametrize(
    "arguments",
    [
        ["load=offline", "backend.batch_size=0"],
        ["backend.concurrency=0"],
        ["dataset.limits.max_duration_s=inf"],
        ["run.max_failures=nan"],
        ["run.max_failures=1.5"],
        ["scoring.duration_bins_s=[0,inf]"],
        ["dataset.simulated.longest_s=inf"],
    ],
)
def test_values_that_make_no_sense_are_refused_before_anything_is_done(
    call: Call, tmp_path: Path, arguments: list[str]
) -> None:
    done = call(*SIMULATED, *arguments)

    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run" / "records.jsonl").exists()


def test_paths_may_hold_any_letters_and_signs(call: Call, tmp_path: Path, write_tone: Any) -> None:
    write_tone(tmp_path / "语音 = ü" / "happy" / "a.wav")

    done = call("backend=fake", "dataset=folder", f"dataset.root={tmp_path / '语音 = ü'}", "hydra.run.dir=运行=1")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "运行=1" / "report.md").is_file()
