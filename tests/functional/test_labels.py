"""Label maps from the command line: a run, scored again under another map, and both side by side."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., subprocess.CompletedProcess[str]]
SIMULATED = ("backend=fake", "dataset=simulated", "dataset.simulated.n_clips=140", "load.warmup_clips=0")


@pytest.fixture
def run(call: Call, tmp_path: Path) -> Path:
    directory = tmp_path / "run"
    done = call(*SIMULATED, "labels=three", f"hydra.run.dir={directory}")
    assert done.returncode == 0, done.stderr
    return directory


def command(module: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def metrics(run: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    return found


def test_a_run_under_another_map_and_scored_again(run: Path) -> None:
    assert metrics(run)["labels"] == ["positive", "negative", "neutral"]
    assert "scored under three v1" in (run / "report.md").read_text(encoding="utf-8")

    done = command("sv_eval.score", run, "labels=four", "report.language=zh")

    assert done.returncode == 0, done.stderr
    report = (run / "report.md").read_text(encoding="utf-8")
    assert "python -m sv_eval.score RUN labels=four report.language=zh\n" in report
    found = metrics(run)
    assert found["labels"] == ["happy", "sad", "angry", "neutral"]
    assert found["out_of_scope"] == {"fearful": 20, "disgusted": 20, "surprised": 20}


def test_two_maps_side_by_side_leave_the_run_alone(run: Path) -> None:
    before = metrics(run)

    done = command("sv_eval.labels", "diff", run, "four", "three")

    assert done.returncode == 0, done.stderr
    assert "| angry | 20 | angry | negative |" in done.stdout
    assert "| disgusted | 20 | (disgusted) | negative |" in done.stdout
    assert metrics(run) == before


def test_an_export_knows_the_classes_that_were_scored(run: Path, tmp_path: Path) -> None:
    done = command("sv_eval.export", run, "csv", f"out={tmp_path / 'out'}")

    assert done.returncode == 0, done.stderr
    text = next((tmp_path / "out").glob("*records*.csv")).read_text(encoding="utf-8")
    assert "positive" in text
    assert "happy" not in text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["lsit"], "did you mean list"),
        (["list", "x"], "other arguments"),
        (["show", "foru"], "did you mean four"),
        (["diff", "x"], "other arguments"),
    ],
)
def test_wrong_words_are_explained(arguments: list[str], expected: str) -> None:
    done = command("sv_eval.labels", *arguments)

    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_maps_are_listed_and_shown() -> None:
    assert "three" in command("sv_eval.labels", "list").stdout
    assert "calm: own" in command("sv_eval.labels", "show", "native").stdout
    assert "calm: other* (neutral)" in command("sv_eval.labels", "show", "four").stdout
