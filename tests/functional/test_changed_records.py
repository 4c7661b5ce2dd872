"""A run whose records were changed after it was scored is refused, until it is scored again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sv_eval.cli.main import command
from tests.old_runs import unseal

baseline = command("baseline")
compare = command("compare")
export = command("export")
gate = command("gate")
score = command("score")


Lines = list[dict[str, Any]]


def line_changed(lines: Lines) -> Lines:
    (answered, *_) = (line for line in lines if line["outcome"] == "LABEL")
    answered["prediction"]["confidence"] = 0.5
    return lines


def line_removed(lines: Lines) -> Lines:
    """The first of the second round, which accuracy does not rest on."""
    place = next(place for place, line in enumerate(lines) if line.get("round"))
    return lines[:place] + lines[place + 1 :]


def line_appended(lines: Lines) -> Lines:
    return [*lines, lines[0] | {"round": 2}]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two rounds, as a version left it that did not seal its records."""
    from sv_eval.backend import Backend
    from sv_eval.config.building import build_backend
    from sv_eval.config.composing import composed
    from sv_eval.run.evaluate import evaluate

    directory = tmp_path_factory.mktemp("made") / "run"
    overrides = ["backend=fake", "dataset=simulated", "dataset.simulated.n_clips=140", "load.rounds=2"]
    config = composed("config", overrides)
    backend: Backend = build_backend(config["backend"])
    evaluate(config, backend, directory, overrides=overrides)
    unseal(directory)
    assert score([str(directory)]) == 0
    return directory


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "run"))


def codes(run: Path, other: Path, out: Path) -> dict[str, int]:
    """The exit code of every command that rests on a run's figures."""
    return {
        "gate": gate([f"candidate={run}", f"baseline={other}", "gate=quality", f"out={out / 'gated'}"]),
        "gate, as baseline": gate(
            [f"candidate={other}", f"baseline={run}", "gate=quality", f"out={out / 'other'}"]
        ),
        "compare": compare([str(run), str(other), "scoring.resamples=200", f"out={out / 'compared'}"]),
        "export": export([str(run), "csv", f"out={out / 'exports'}"]),
        "save": baseline(["save", str(run), str(out / "baseline.json")]),
    }


@pytest.mark.parametrize("change", [line_changed, line_removed, line_appended])
def test_changed_records_are_refused_until_they_are_scored(
    change: Callable[[Lines], Lines], run: Path, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run / "records.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    path.write_text("".join(json.dumps(line) + "\n" for line in change(lines)), encoding="utf-8")

    refused = codes(run, made, tmp_path)

    said = capsys.readouterr().err.splitlines()
    assert set(refused.values()) == {2}, refused
    assert len(said) == len(refused)
    assert all(f"{run}: its records were changed" in line for line in said)
    assert all(f"python -m sv_eval.score {run} writes it anew" in line for line in said)
    assert {path.name for path in tmp_path.iterdir()} == {"run"}
    assert score([str(run)]) == 0
    assert set(codes(run, made, tmp_path).values()) == {0}


def test_a_run_that_was_not_touched_and_one_of_before_hashes_were_kept_are_taken(
    run: Path, made: Path, tmp_path: Path
) -> None:
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    assert len(metrics["run"]["records_hash"]) == 64
    assert set(codes(run, made, tmp_path / "whole").values()) == {0}

    del metrics["run"]["records_hash"]
    (run / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")

    assert set(codes(run, made, tmp_path / "older").values()) == {0}


def test_records_of_clips_that_the_corpus_does_not_have_are_told_and_make_no_baseline(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run / "records.jsonl"
    first, *_ = path.read_text(encoding="utf-8").splitlines()
    record = json.loads(first)
    record["clip"]["id"] = "stranger"
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")

    assert score([str(run)]) == 0
    assert "records of clips that the corpus does not have: 1" in "".join(capsys.readouterr())
    assert baseline(["save", str(run), str(tmp_path / "baseline.json")]) == 2
    assert "records of clips that its corpus does not have: 1" in capsys.readouterr().err
    assert not (tmp_path / "baseline.json").exists()
