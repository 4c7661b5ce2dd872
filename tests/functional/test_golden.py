"""What earlier versions made of their runs, made anew from the same records: byte for byte the same.

Where it is meant to change, `GOLDEN=write make test ARGS="tests/functional/test_golden.py -n 0"` writes the files
anew; the difference that git shows then is to be read line by line.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from sv_eval.cli.main import command
from sv_eval.report.run_directory import read_environment, read_report
from sv_eval.reports.markdown import render

baseline = command("baseline")
compare = command("compare")
export = command("export")
gate = command("gate")
labels = command("labels")
score = command("score")

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
RUNS = sorted(path.parent.name for path in GOLDEN.glob("*/records.jsonl"))
SWEPT = sorted(path.parent.name for path in (GOLDEN / "sweep").glob("*/records.jsonl"))

Main = Callable[[Sequence[str]], int]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the golden runs without what was made of them, as the working directory."""
    shutil.copytree(
        GOLDEN, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("across", "report*", "score.txt")
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def without_what_is_new(metrics: Path) -> str:
    return re.sub(r'\n *"records_hash": "[0-9a-f]{64}",', "", metrics.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", RUNS)
def test_a_run_scores_and_reads_as_it_did(name: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / name / "metrics.json").unlink()

    score([name])

    same(without_what_is_new(here / name / "metrics.json"), name, "metrics.json")
    same((here / name / "report.md").read_text(encoding="utf-8"), name, "report.md")
    same(capsys.readouterr().out, name, "score.txt")
    # From the files alone, in the other language: nothing is lost on the way through them.
    report, environment = read_report(here / name), read_environment(here / name)
    chinese = render(report, environment, "zh", rescored=["report.language=zh"])
    same(chinese, name, "report.zh.md")


@pytest.mark.parametrize("name", SWEPT)
def test_the_runs_of_a_sweep_score_as_they_did(name: str, here: Path) -> None:
    score([f"sweep/{name}"])

    same(without_what_is_new(here / "sweep" / name / "metrics.json"), "sweep", name, "metrics.json")


@pytest.mark.parametrize(
    ("main", "arguments", "made"),
    [
        (gate, ["candidate=other", "baseline=plain", "gate.floors.uar=0.5", "gate.ceilings.p95_ms=20",
                "gate.floors.recall=0.6", "out=across/gate"], "gate"),
        (gate, ["candidate=resumed", "baseline=plain", "out=across/gate_apart"], "gate_apart"),
        (gate, ["candidate=behind", "gate=quality", "gate.margins=null", "gate.floors.uar=0.9",
                "gate.ceilings.p50_ms=3", "out=across/gate_own"], "gate_own"),
        (gate, ["candidate=other", "baseline=plain", "report.language=zh", "out=across/gate_zh"], "gate_zh"),
        (gate, ["candidate=other", "baseline=across/baseline.json", "out=across/gate_file"], "gate_file"),
        (compare, ["plain", "other", "poisson", "out=across/compare"], "compare"),
        (baseline, ["save", "plain", "across/baseline.json"], "baseline.json"),
        (export, ["plain", "benchmark", "prometheus", "csv", "out=across/exports"], "exports"),
        (labels, ["diff", "native", "sensevoice7", "four"], "labels.txt"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)  # fmt: skip
def test_what_is_made_of_finished_runs_is_as_it_was(
    main: Main, arguments: list[str], made: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "across").mkdir()
    if "baseline=across/baseline.json" in arguments:
        shutil.copy(GOLDEN / "across" / "baseline.json", here / "across")

    main(arguments)

    said = capsys.readouterr().out
    if made == "labels.txt":
        (here / "across" / made).write_text(said, encoding="utf-8")
    golden = GOLDEN / "across" / made
    expected = sorted(golden.iterdir()) if golden.is_dir() else [golden]
    for path in expected:
        found = here / path.relative_to(GOLDEN)
        same(found.read_text(encoding="utf-8"), str(path.relative_to(GOLDEN)))


def same(found: str, *parts: str) -> None:
    path = GOLDEN.joinpath(*parts)
    if os.environ.get("GOLDEN") == "write":
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8"), path.name
