"""`sv_eval.testing` in a project of somebody else's."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

CONFTEST = 'pytest_plugins = ["sv_eval.testing"]\n'
TESTS = """
def test_latency(sv_backend, sv_clips, benchmark):
    answer = benchmark(sv_backend, sv_clips[0])
    assert answer.label == sv_clips[0].clip.reference


def test_most_are_right(sv_backend, sv_clips):
    answers = [sv_backend(each).label for each in sv_clips]
    right = sum(label == each.clip.reference for label, each in zip(answers, sv_clips))
    assert right >= 0.8 * len(sv_clips), right
"""


def project(folder: Path, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (folder / "test_endpoint.py").write_text(TESTS, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--benchmark-json=found.json",
        *words,
    ]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_a_team_measures_the_bundled_model_with_two_lines(tmp_path: Path, environment: dict[str, str]) -> None:
    begin = time.monotonic()
    done = project(tmp_path, environment, "--sv-dataset=dataset=demo dataset.limit=20", "--benchmark-max-time=0.2")
    took_s = time.monotonic() - begin

    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    (found,) = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))["benchmarks"]
    # Seconds, all of which lie within those of the command.
    assert 0 < found["stats"]["median"] <= found["stats"]["total"] < took_s


def test_the_ini_file_names_the_backend_and_a_failing_clip_fails_the_test(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    settings = (
        "sv_backend = backend=fake backend.failure_rate=1.0",
        "sv_dataset = dataset=simulated dataset.limit=5",
    )
    ini = "\n".join(["[pytest]", *settings, ""])
    (tmp_path / "pytest.ini").write_text(ini, encoding="utf-8")

    done = project(tmp_path, environment)

    assert done.returncode == 1
    assert "planted: this failure was planted" in done.stdout


def test_a_wrong_backend_is_named(tmp_path: Path, environment: dict[str, str]) -> None:
    done = project(tmp_path, environment, "--sv-backend=backend=onx")

    assert done.returncode == 1
    assert "backend/onx" in done.stdout
