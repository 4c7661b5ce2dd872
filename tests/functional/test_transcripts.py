"""Transcripts as a user meets them: the demo corpus has them, EmoDB has German ones."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.functional.inside import inside

Call = Callable[..., subprocess.CompletedProcess[str]]
Metrics = Callable[[Path], dict[str, Any]]


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`call(*arguments)` is `python -m sv_eval ARGUMENTS` in the test's own folder, but within this process."""
    return partial(inside, cwd=tmp_path)


def test_the_demo_is_measured_in_both_of_its_languages(call: Call, tmp_path: Path, metrics_of: Metrics) -> None:
    done = call("dataset.limit=40", "hydra.run.dir=run")

    assert done.returncode == 0, done.stderr
    found = metrics_of(tmp_path / "run")["transcripts"]
    assert found["n"] == found["n_scored"] == 40
    assert {(row["language"], row["measure"], row["known"]) for row in found["by_language"]} == {
        ("en", "wer", True),
        ("zh", "cer", True),
    }
    assert sum(each["right"] + each["wrong"] for each in found["cross"]["bins"]) == 40
    assert "## Transcripts" in (tmp_path / "run" / "report.md").read_text(encoding="utf-8")


def test_german_is_not_held_against_a_model_that_does_not_know_it(
    call: Call, tmp_path: Path, emodb_root: Path, metrics_of: Metrics
) -> None:
    done = call("dataset=emodb", f"dataset.root={emodb_root}", "dataset.limit=12", "hydra.run.dir=run")

    assert done.returncode == 0, done.stderr
    found = metrics_of(tmp_path / "run")["transcripts"]
    assert found["unknown_to_recogniser"] == {"de": 12}
    assert (found["wer"], found["cer"], found["cross"]) == (None, None, None)
    report = (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    assert "the recogniser doesn't know the language: clips in de (12)" in report


def test_a_recogniser_without_text_and_a_corpus_without_transcripts_are_told(
    call: Call, tmp_path: Path, metrics_of: Metrics
) -> None:
    assert call("backend=majority", "hydra.run.dir=silent").returncode == 0
    assert (
        call("backend=fake", "dataset=simulated", "dataset.simulated.n_clips=50", "hydra.run.dir=bare").returncode
        == 0
    )

    for run, reason in (("silent", "gives no text"), ("bare", "has no transcripts")):
        metrics = metrics_of(tmp_path / run)
        assert metrics["transcripts"] is None
        assert reason in metrics["transcripts_reason"]
        assert "## Transcripts" not in (tmp_path / run / "report.md").read_text(encoding="utf-8")
