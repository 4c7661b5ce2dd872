"""A suite from the command line: the bundled clips under switches, interrupted, gone on with, and wrong input."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def suite(*arguments: object) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "sv_eval", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def found(out: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((out / "suite.json").read_text(encoding="utf-8"))
    return data


def test_the_demo_suite_measures_every_switch_and_goes_on_where_it_was(tmp_path: Path) -> None:
    out = tmp_path / "out"

    done = suite("suite=demo", "limit=10", "load.warmup_clips=0", f"out={out}")

    assert done.returncode == 0, done.stderr
    (demo,) = found(out)["sets"]
    by_label = {one["label"]: one for one in demo["combinations"]}
    assert by_label["classes=three"]["figures"]["labels"] == ["positive", "negative", "neutral"]
    assert "model_quant.onnx" in by_label["precision=int8"]["error"]
    assert by_label["language=clip"]["figures"]["n_clips"] == 10
    assert "suite.md" in done.stdout
    # Runs that are there are not made again.
    records = out / "demo" / "base" / "records.jsonl"
    before = records.read_bytes()
    again = suite("suite=demo", "limit=10", "load.warmup_clips=0", f"out={out}")
    assert again.returncode == 0, again.stderr
    assert records.read_bytes() == before
    assert found(out)["sets"] == [demo]


def test_a_set_that_cannot_be_read_leaves_the_others_alone(tmp_path: Path) -> None:
    switches = [f"~suite.switches.{name}" for name in ("vad", "itn", "language", "precision")]
    added = ["+suite.sets.emodb={dataset: emodb}", f"+suite.roots.emodb={tmp_path}"]

    done = suite("suite=demo", *switches, *added, "limit=5", f"out={tmp_path / 'o'}")

    assert done.returncode == 5, done.stderr
    assert "emodb" in done.stderr
    bases = {one["name"]: one["combinations"][0]["figures"] for one in found(tmp_path / "o")["sets"]}
    assert bases["demo"] is not None
    assert bases["emodb"] is None


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["suite=sensevoice_paper"], ["no set has its audio", "suite.roots.casia=DIR"]),
        (["suite=sensvoice_paper"], ["sensvoice_paper", "sensevoice_paper"]),
        (["suite=demo", "design=half"], ["design", "full"]),
        (["suite=demo", "backend=onxx"], ["onxx", "onnx"]),
    ],
)
def test_wrong_input_is_explained_in_a_line(arguments: list[str], expected: list[str], tmp_path: Path) -> None:
    done = suite(*arguments, f"out={tmp_path}")

    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for words in expected:
        assert words in done.stderr


def test_help_is_whole() -> None:
    done = suite("suite=demo", "--help")

    assert done.returncode == 0
    assert "suite.roots.casia" in done.stdout
    assert "sensevoice_paper" in done.stdout
