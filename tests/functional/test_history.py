"""`sv-eval history DIR`: many runs in order of time."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sv_eval.backends.fake import FakeBackend
from sv_eval.config.composing import composed
from sv_eval.run.evaluate import evaluate
from tests.functional.inside import inside

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "across"


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`call(*arguments)` is `python -m sv_eval ARGUMENTS` in the test's own folder, but within this process."""
    return partial(inside, cwd=tmp_path)


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


@pytest.mark.damages_files
def test_a_baseline_that_is_kept_in_git_has_its_history_there(runs: Path, call: Any, tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    subprocess.run([*git, "init", "-q"], check=True)
    file = tmp_path / "kept.json"
    for number in (0, 1, 5, 6):
        file.unlink(missing_ok=True)
        done = call("save", str(runs / f"run{number}"), "kept.json", module="sv_eval.baseline")
        assert done.returncode == 0, done.stderr
        subprocess.run([*git, "add", "kept.json"], check=True)
        subprocess.run([*git, "commit", "-qm", "another one"], check=True)
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "old.json").write_text((GOLDEN / "baseline_v1.json").read_text("utf-8"), "utf-8")

    # What is named counts with its past; what is found in a folder as it is; the runs themselves once more.
    done = call("kept.json", "plain", str(runs / "run1"), str(runs / "run2"), "out=out", module="sv_eval.history")

    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out" / "history.json").read_text(encoding="utf-8"))
    first, second = found["series"]
    assert [point["started_at"][:10] for point in first["points"]] == [
        f"2026-11-{day:02d}" for day in (1, 2, 3, 6, 7)
    ]
    assert re.fullmatch(r"kept\.json@[0-9a-f]{8}", first["points"][0]["source"])
    assert [Path(point["source"]).name for point in first["points"][1:3]] == ["run1", "run2"]
    assert first["points"][-1]["source"] == "kept.json"
    assert [Path(point["source"]).name for point in second["points"]] == ["old.json"]
    assert [one["why"].partition(" of ")[0] for one in found["left_out"]] == ["it is the run"] * 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("empty", "b"), "b: there is no such folder or file"),
        (("nowhere",), "there is no such folder or file"),
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


@pytest.mark.parametrize(
    ("figure", "unit"), [("recall.happy", " %"), ("brier", ""), ("ece", " %"), ("average_precision.sad", " %")]
)
def test_figures_of_emotions_and_scores_have_their_history(
    figure: str, unit: str, runs: Path, call: Any, tmp_path: Path
) -> None:
    done = call(str(runs), f"figure={figure}", "out=out", module="sv_eval.history")

    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out" / "history.json").read_text(encoding="utf-8"))
    first = found["series"][0]["points"]
    assert len(first) == 9
    metrics = json.loads((runs / "run0" / "metrics.json").read_text(encoding="utf-8"))
    told = {
        "recall.happy": metrics["per_emotion"]["happy"]["recall"],
        "brier": metrics["calibration"]["distribution"]["brier"],
        "ece": metrics["calibration"]["confidence"]["ece"],
        "average_precision.sad": metrics["operating"]["per_emotion"]["sad"]["average_precision"],
    }[figure]
    assert first[0]["value"] == pytest.approx(told["value"])
    shown = f"{100 * told['value']:.1f} %" if unit else f"{told['value']:.3f}"
    assert shown in done.stdout


@pytest.mark.damages_files
def test_a_run_under_a_condition_stands_by_itself_also_as_a_baseline_file(
    runs: Path, call: Any, tmp_path: Path
) -> None:
    noisy = tmp_path / "all" / "noisy"
    shutil.copytree(runs / "run0", noisy)
    shutil.copytree(runs / "run1", tmp_path / "all" / "clean")
    file = noisy / "environment.json"
    environment = json.loads(file.read_text(encoding="utf-8"))
    settings = {"name": "noise", "seed": 0, "steps": {"noise": {"folder": "/home/me/cafe", "snr_db": 10}}}
    environment["settings"]["condition"] = settings
    file.write_text(json.dumps(environment), encoding="utf-8")

    done = call(str(tmp_path / "all"), "out=out", module="sv_eval.history")
    kept = call("save", str(noisy), "noisy.json", module="sv_eval.baseline")
    again = call("noisy.json", str(tmp_path / "all" / "clean"), "out=again", module="sv_eval.history")

    assert done.returncode == kept.returncode == again.returncode == 0, done.stderr + kept.stderr + again.stderr
    for folder in ("out", "again"):
        series = json.loads((tmp_path / folder / "history.json").read_text(encoding="utf-8"))["series"]
        assert sorted("condition" in one["what"] for one in series) == [False, True]
    assert "condition noise" in done.stdout
    # Where things lie on this machine is nobody else's.
    assert "/home/me" not in (tmp_path / "noisy.json").read_text(encoding="utf-8")
