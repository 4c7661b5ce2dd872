"""`python -m sv_eval.tune` as a user meets it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

FAKE = ("backend=fake", "dataset=simulated", "dataset.simulated.n_clips=210")
SPACE = "tune.space={backend.accuracy: {low: 0.2, high: 0.95}}"


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "sv_eval.tune", *words]


def tune(cwd: Path, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*words), cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def space(tmp_path: Path) -> tuple[str, ...]:
    """The words that make a search over the planted accuracy of a simulated recogniser."""
    group = tmp_path / "conf" / "tune"
    group.mkdir(parents=True)
    (group / "planted.yaml").write_text(
        "defaults: [_search@_here_, _self_]\nspace: {backend.accuracy: {low: 0.2, high: 0.95}}\n", encoding="utf-8"
    )
    return (f"hydra.searchpath=[file://{tmp_path}/conf]", "tune=planted")


def found(directory: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((directory / "sweep.json").read_text(encoding="utf-8"))
    return data


def test_a_search_finds_the_planted_optimum_and_goes_on_later(
    tmp_path: Path, environment: dict[str, str], space: tuple[str, ...]
) -> None:
    words = (*space, *FAKE, "out=found", "sweep.holdout=0.3", "sweep.baseline=backend.accuracy=0.3")

    first = tune(tmp_path, environment, *words, "tune.trials=8")
    kept = {path: path.read_bytes() for path in (tmp_path / "found").glob("*/records.jsonl")}
    more = tune(tmp_path, environment, *words, "tune.trials=14")

    assert first.returncode == more.returncode == 0, first.stderr + more.stderr
    data = found(tmp_path / "found")
    assert data["tuning"]["complete"] == 14
    assert len(data["settings"]) == 15
    assert all(path.read_bytes() == content for path, content in kept.items())
    best = next(row for row in data["settings"] if row["number"] == data["choice"]["recommended"])
    assert best["values"]["backend.accuracy"] > 0.75
    assert data["choice"]["why"] == "better"
    assert data["holdout"]["difference"]["low"] > 0
    report = (tmp_path / "found" / "sweep.md").read_text(encoding="utf-8")
    assert "Sampler tpe, seed 0: 14 settings measured in full" in report
    assert len(list((tmp_path / "found").glob("*/report.md"))) == 15


def test_another_search_in_the_same_directory_is_refused_with_the_difference(
    tmp_path: Path, environment: dict[str, str], space: tuple[str, ...]
) -> None:
    words = (*space, *FAKE, "tune.trials=1", "out=found")
    assert tune(tmp_path, environment, *words).returncode == 0

    done = tune(tmp_path, environment, *words, "tune.seed=5", "backend.seed=3")

    assert done.returncode == 2
    assert "tune.seed: 0 -> 5" in done.stderr
    assert "backend.seed: 0 -> 3" in done.stderr


@pytest.mark.slow
def test_a_killed_search_goes_on_and_gives_up_what_is_surely_beaten(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    # Chunks of half a second ruin the bundled model, and it tells of them as slower: the default beats both surely.
    (tmp_path / "slower_in_chunks.py").write_text(
        "import time\n"
        "from dataclasses import replace\n"
        "from sv_eval.backends.onnx import OnnxBackend\n"
        "from sv_eval.records import Passage\n"
        "class Told(OnnxBackend):\n"
        "    def __init__(self, *, chunk_size=None, **settings):\n"
        "        self.latency_ms = 10.0 if chunk_size is None else 50.0\n"
        "        super().__init__(chunk_size=chunk_size, **settings)\n"
        "    async def recognize(self, requests):\n"
        "        begin_s, answers = time.perf_counter(), await super().recognize(requests)\n"
        "        passage = Passage(begin_s=begin_s, latency_ms=self.latency_ms)\n"
        "        return [replace(answer, passage=passage) for answer in answers]\n",
        encoding="utf-8",
    )
    environment = environment | {"PYTHONPATH": f"{environment['PYTHONPATH']}:{tmp_path}"}
    group = tmp_path / "conf" / "tune"
    group.mkdir(parents=True)
    (group / "chunks.yaml").write_text(
        "defaults: [_search@_here_, _self_]\n"
        "space:\n  backend.vad_threshold: {low: 0.3, high: 0.9, step: 0.3}\n"
        "  backend.chunk_size: {choices: [0.5, 0.6]}\n",
        encoding="utf-8",
    )
    words = (
        f"hydra.searchpath=[file://{tmp_path}/conf]", "tune=chunks", "out=found", "tune.trials=5",
        "sweep.timed_requests=130", "backend.threads=1", "load.warmup_clips=1", "tune.first_share=0.4",
        "backend._target_=slower_in_chunks.Told",
    )  # fmt: skip
    process = subprocess.Popen(command(*words), cwd=tmp_path, env=environment, stdout=-3, stderr=-3)
    records = tmp_path / "found" / "1" / "records.jsonl"
    while process.poll() is None and not (records.is_file() and records.read_bytes().count(b"\n") > 30):
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait(600)
    begun = records.read_bytes()

    done = tune(tmp_path, environment, *words)

    assert done.returncode == 0, done.stderr
    data = found(tmp_path / "found")
    tuning = data["tuning"]
    assert tuning["complete"] + tuning["pruned"] + tuning["repeated"] == 5
    assert records.read_bytes().startswith(begun[: begun.rfind(b"\n") + 1])
    assert tuning["pruned"] >= 1
    assert tuning["given_up"][0]["n_clips"] == 130  # the timed ones, among them the 80 of the first share
    assert tuning["given_up"][0]["by"] == 0
    assert "beaten by trial 0" in (tmp_path / "found" / "sweep.md").read_text(encoding="utf-8")
    assert data["choice"]["recommended"] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("tune=vad_chnk",), "there is no such tune; did you mean vad_chunk?"),
        (("tune.sampler=tpee",), "tune.sampler=tpee is not known; did you mean tpe?"),
        (("tune.trials=0",), "tune.trials=0"),
        (("tune.storage=nowhere://x",), "Optuna can't open it"),
        (("+tune.space.backend=1",), "tune"),
        ((*FAKE,), "tune.space: backend.vad_threshold is not a setting"),
    ],
)
def test_wrong_words_are_one_line_and_exit_code_2(
    tmp_path: Path, environment: dict[str, str], words: tuple[str, ...], message: str
) -> None:
    done = tune(tmp_path, environment, *words, "out=wrong")

    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_help_is_complete_without_running_anything(tmp_path: Path, environment: dict[str, str]) -> None:
    done = tune(tmp_path, environment, "--help")

    assert done.returncode == 0
    for words in ("tune: ", "vad_chunk*", "trials: 30", "slo_p95_ms", "holdout", "out: null"):
        assert words in done.stdout
