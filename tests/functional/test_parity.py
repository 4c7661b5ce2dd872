"""`python -m sv_eval.parity`, as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sv_eval.cli.main import command
from sv_eval.config.places import house

main = command("parity")

RAISING = '''
import numpy as np

from sv_eval.backend import BackendInfo, Capabilities
from sv_eval.records import Prediction


class RaisingBackend:
    """Raises for every third clip, whatever else is in the call, and shows no stages of another third."""

    capabilities = Capabilities(max_batch=2, traces=("features",))
    info = BackendInfo(name="raising", model="none", device="cpu")

    def __init__(self, *, failure_rate, **others):
        self._blind = failure_rate == 1

    async def __aenter__(self):
        return self

    async def __aexit__(self, *reason):
        return None

    async def recognize(self, requests):
        for request in requests:
            if int(request.clip_id[-2:]) % 3 == 2:
                raise ValueError(f"{request.clip_id} is too much for it")
        return [Prediction(label="sad", forced="sad", scores={"sad": 1.0}, confidence=1.0) for _ in requests]

    async def trace(self, request):
        if self._blind or int(request.clip_id[-2:]) % 3 == 1:
            raise RuntimeError("nothing | to be seen")
        return {"features": np.zeros(3)}
'''
SIMULATED = ("dataset=simulated", "dataset.limit=60")


def parity(out: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    code = main([*arguments, f"out={out}"])
    return code, json.loads((out / "parity.json").read_text()), (out / "parity.md").read_text()


def of_raising(
    folder: Path, environment: dict[str, str], setting: str, *more: str
) -> subprocess.CompletedProcess[str]:
    """Somebody's backend that raises, against itself, over thirty clips."""
    (folder / "raising_ser").mkdir()
    (folder / "raising_ser" / "__init__.py").touch()
    (folder / "raising_ser" / "backend.py").write_text(RAISING, encoding="utf-8")
    # Of one length, so that batches are of neighbours.
    corpus = [f"dataset.simulated.{key}" for key in ("n_clips=30", "shortest_s=1.0", "longest_s=1.0")]
    side = f"fake,_target_=raising_ser.backend.RaisingBackend,{setting}"
    command = [
        sys.executable, "-m", "sv_eval.parity", side, side, "dataset=simulated", *corpus, "parity.trace_clips=30",
        "out=out", *more,
    ]  # fmt: skip
    paths = {**environment, "PYTHONPATH": f"{house()}:{folder}"}
    return subprocess.run(command, cwd=folder, env=paths, capture_output=True, text=True, check=False)


def results(folder: Path) -> tuple[dict[str, Any], str]:
    out = folder / "out"
    return json.loads((out / "parity.json").read_text("utf-8")), (out / "parity.md").read_text("utf-8")


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


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_backend_that_raises_costs_the_clips_that_it_raised_on(
    language: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    done = of_raising(tmp_path, environment, "failure_rate=0.0", f"report.language={language}")

    assert done.returncode == 0, done.stderr
    assert "10 failed" in done.stdout
    found, report = results(tmp_path)
    ids = [f"sim_{number:02d}" for number in range(30)]
    assert (found["n_clips"], found["n_compared"], found["n_failed"]) == (30, 20, 10)
    assert [(one["clip"], one["side"], one["kind"], one["message"]) for one in found["failures"]] == [
        (clip, side, "backend_error", f"ValueError: {clip} is too much for it")
        for clip in ids[2::3]
        for side in (0, 1)
    ]
    assert [(one["clip"], one["side"], one["kind"], one["message"]) for one in found["untraced"]] == [
        (clip, side, "trace_error", "RuntimeError: nothing | to be seen") for clip in ids[1::3] for side in (0, 1)
    ]
    assert found["stages"]["n"] == 10
    for checks in found["invariance"]:
        # Of fifteen pairs of neighbours every third holds none of the ten.
        assert [(check["check"], check["n"], check["failed"]) for check in checks] == [
            ("rerun", 20, 10), ("callers", 20, 10), ("batch", 10, 20), ("padding", 20, 10),
        ]  # fmt: skip
        assert all(check["flips"] == 0 for check in checks)
    assert "{" not in report
    assert report.count("is too much for it") == report.count("nothing \\| to be seen") == 20
    widths = {line.count("|") - line.count("\\|") for line in report.splitlines() if "trace_error" in line}
    assert widths == {5}
    assert report.splitlines()[-1].startswith("| B | `sim_29` |")


def test_where_no_clip_can_be_looked_into_the_report_does_not_blame_a_remote(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    done = of_raising(tmp_path, environment, "failure_rate=1.0", "parity.invariance=false")

    assert done.returncode == 0, done.stderr
    found, report = results(tmp_path)
    assert found["stages"] == {"n": 0, "reason": "no clip could be looked into", "first": {}, "gaps": []}
    assert len(found["untraced"]) == 40
    assert "does not show its stages" not in report
    assert "though both sides answered them: 20." in report


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
