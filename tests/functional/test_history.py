"""`sv-eval history DIR`: many runs in order of time."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sv_eval.backends.fake import FakeBackend
from sv_eval.config.composing import composed
from sv_eval.run.evaluate import evaluate


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine runs of one corpus, worse from the sixth on, and one of another corpus."""
    folder = tmp_path_factory.mktemp("history")
    words = [
        "backend=fake",
        "dataset=simulated",
        "load.warmup_clips=0",
        "run.telemetry_s=null",
        "scoring.resamples=100",
    ]
    for number in range(10):
        accuracy, clips = (0.9 if number < 5 else 0.7), (300 if number < 9 else 120)
        config = composed("config", [*words, f"dataset.simulated.n_clips={clips}"])
        run = folder / f"run{number}"
        evaluate(config, FakeBackend(accuracy=accuracy, seed=number), run)
        # Runs of this moment, set a day apart.
        file = run / "environment.json"
        environment = json.loads(file.read_text(encoding="utf-8"))
        environment["started_at"] = f"2026-11-{number + 1:02d}T10:00:00+00:00"
        file.write_text(json.dumps(environment), encoding="utf-8")
    return folder


def test_a_change_is_said_where_it_happened(runs: Path, call: Any, tmp_path: Path) -> None:
    done = call(str(runs), "alpha=0.05", "out=out", module="sv_eval.history")

    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out" / "history.json").read_text(encoding="utf-8"))
    first, second = found["series"]
    assert [len(first["points"]), len(second["points"])] == [9, 1]
    assert [Path(point["source"]).name for point in first["points"]] == [f"run{n}" for n in range(9)]
    assert [change["place"] for change in first["changes"]] == [5]
    lines = done.stdout.splitlines()
    place = next(number for number, line in enumerate(lines) if "another level from here on" in line)
    assert lines[place + 1].endswith("run5")
    assert (tmp_path / "out" / "1-uar.svg").read_text(encoding="utf-8").startswith("<?xml")
    assert not (tmp_path / "out" / "2-uar.svg").exists()


@pytest.mark.damages_files
def test_baseline_files_are_runs_too_and_what_cannot_be_read_is_told(runs: Path, call: Any, tmp_path: Path) -> None:
    saved = tmp_path / "files"
    for number in range(3):
        done = call("save", str(runs / f"run{number}"), f"files/{number}.json", module="sv_eval.baseline")
        assert done.returncode == 0, done.stderr
    (saved / "broken").mkdir()
    (saved / "broken" / "metrics.json").write_text("{", encoding="utf-8")
    (saved / "other.json").write_text('{"something": "else"}', encoding="utf-8")

    done = call(str(saved), "figure=p50", "out=out", module="sv_eval.history")

    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out" / "history.json").read_text(encoding="utf-8"))
    assert [len(one["points"]) for one in found["series"]] == [3]
    assert [Path(one["source"]).name for one in found["left_out"]] == ["broken"]
    assert "ms" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("a", "b"), "give one directory"),
        (("nowhere",), "there is no such directory"),
        ((".", "figure=f2"), "did you mean|choose one of"),
        ((".", "alpha=2"), "alpha=2"),
        (("empty",), "there is no run and no baseline file below it"),
    ],
)
def test_what_is_no_history_is_told(words: tuple[str, ...], message: str, call: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    done = call(*words, module="sv_eval.history")

    assert done.returncode == 2
    assert re.search(message, done.stderr), done.stderr
