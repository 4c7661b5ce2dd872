"""`python -m sv_eval.parity`, as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sv_eval.parity.__main__ import main

SIMULATED = ("dataset=simulated", "dataset.limit=60")


def parity(out: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    code = main([*arguments, f"out={out}"])
    return code, json.loads((out / "parity.json").read_text()), (out / "parity.md").read_text()


def test_a_backend_agrees_with_itself(tmp_path: Path) -> None:
    code, found, report = parity(tmp_path, "onnx,threads=1", "onnx,threads=1", "dataset=demo", "dataset.limit=24")

    assert code == 0
    assert found["flips"]["count"] == 0
    assert found["identical"]
    assert found["stages"]["n"] == 24
    assert not found["stages"]["first"]
    assert {row["check"] for row in found["invariance"][0]} == {"rerun", "callers", "batch", "padding"}
    assert all(row["flips"] == 0 and row["max_dp"] < 1e-5 for side in found["invariance"] for row in side)
    assert "The same label on all 24 clips" in report


def test_the_language_prompt_shows_as_a_difference_of_logits(tmp_path: Path) -> None:
    code, found, report = parity(
        tmp_path, "onnx,threads=1", "onnx,threads=1,language=zh", "dataset=demo", "dataset.limit=12",
        "parity.invariance=false",
    )  # fmt: skip

    assert code == 0
    assert found["stages"]["first"] == {"logits": 12}
    assert found["dp"]["max"] > 0
    assert "Not checked" in report


def test_flips_are_listed_and_break_a_limit(tmp_path: Path) -> None:
    code, found, report = parity(tmp_path, "fake,seed=1", "fake,seed=2", *SIMULATED, "parity.max_flips=0")

    assert code == 3
    assert found["broken_limits"] == ["parity.max_flips"]
    assert len(found["flips"]["clips"]) == found["flips"]["count"] > 0
    assert found["stages"] == {"n": 0, "reason": "a side shows no stages", "first": {}, "gaps": []}
    assert found["flips"]["clips"][0]["path"] in report


def test_a_chinese_report_has_no_key_left_open(tmp_path: Path) -> None:
    _, _, report = parity(tmp_path, "fake,seed=1", "fake,seed=2", *SIMULATED, "report.language=zh")

    assert "标签不同" in report
    assert "{" not in report


def test_failures_are_counted_and_named(tmp_path: Path) -> None:
    _, found, report = parity(tmp_path, "fake", "fake,failure_rate=0.5", *SIMULATED)

    assert found["n_compared"] + found["n_failed"] == found["n_clips"] == 60
    assert found["n_failed"] > 10
    assert found["failures"][0]["side"] == 1
    assert "## Failures" in report


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["onx", "fake"], "onnx"),
        (["onnx,presicion=int8", "fake"], "precision"),
        (["onnx", "fake", "dataset=emobd"], "emodb"),
        (["onnx", "fake", "out=/proc/nowhere"], "/proc/nowhere"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main([f"out={tmp_path}", *arguments])

    said = capsys.readouterr().err.strip()
    assert code == 2
    assert words in said
    assert "\n" not in said
