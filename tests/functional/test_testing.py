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

OF_A_CHAT_MODEL = """
import json, urllib.request


def test_a_planted_server_answers(sv_chat_server):
    url = sv_chat_server(refuses=1.0)
    asked = {"messages": [{"role": "user", "content": [{"type": "text", "text": "happy, sad?"}]}]}
    request = urllib.request.Request(
        url + "/v1/chat/completions", json.dumps(asked).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        assert "not able to" in json.load(answer)["choices"][0]["message"]["content"]
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


def test_a_chat_server_with_planted_faults_is_handed_out(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (tmp_path / "test_chat.py").write_text(OF_A_CHAT_MODEL, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]

    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert "1 passed" in done.stdout, done.stdout + done.stderr
