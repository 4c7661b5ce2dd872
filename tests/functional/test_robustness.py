"""A sweep over conditions as a user meets it: a robustness report in place of a recommended setting."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.functional.inside import inside

Call = Callable[..., subprocess.CompletedProcess[str]]
WORDS = ("condition=none,noisy/white_20,noisy/white_10,line/mulaw", "dataset.limit=40", "run.telemetry_s=null")
SHARED = ("sweep.timed_requests=0",)
TIMELESS = ("clean", "conditions", "breaking", "errors", "n_clips", "units", "n_tests")


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`call(*arguments)` is `python -m sv_eval ARGUMENTS` in the test's own folder, but within this process."""
    return partial(inside, cwd=tmp_path)


def swept(directory: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((directory / "robustness.json").read_text(encoding="utf-8"))
    return {key: data.get(key) for key in TIMELESS}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Path:
    """A sweep over three conditions that ran through."""
    directory = tmp_path_factory.mktemp("robust") / "swept"
    command = [sys.executable, "-m", "sv_eval", "-m", *WORDS, *SHARED, f"hydra.sweep.dir={directory}"]
    done = subprocess.run(
        command, cwd=directory.parent, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "3 of 3 conditions have a result" in done.stdout
    assert "recommended" not in done.stdout
    return directory


def test_it_ends_with_a_robustness_report_and_no_recommendation(finished: Path) -> None:
    report = (finished / "robustness.md").read_text(encoding="utf-8")

    assert not (finished / "sweep.md").exists()
    assert "recommend" not in report.lower()
    assert {path.name for path in (finished / "figures").iterdir()} == {"curves.svg", "drops.svg"}
    for row in swept(finished)["conditions"]:
        assert f"`{row['name']}`" in report
    assert [row["name"] for row in swept(finished)["conditions"]] == [
        "line/mulaw", "noisy/white_20", "noisy/white_10",
    ]  # fmt: skip


def test_a_conditions_accuracy_is_that_of_a_run_by_itself(
    finished: Path, call: Call, tmp_path: Path, metrics_of: Callable[[Path], dict[str, Any]]
) -> None:
    row = next(one for one in swept(finished)["conditions"] if one["name"] == "line/mulaw")

    done = call("condition=line/mulaw", "dataset.limit=40", "run.telemetry_s=null", "hydra.run.dir=alone")

    assert done.returncode == 0, done.stderr
    alone, together = metrics_of(tmp_path / "alone"), metrics_of(finished / row["directory"])
    assert alone["confusion"] == together["confusion"]
    assert alone["accuracy"] == together["accuracy"]
    assert together["latency_ms"]["n"] == 0


def test_a_rerun_finds_the_same_and_a_baseline_makes_it_relative(
    finished: Path, call: Call, tmp_path: Path
) -> None:
    done = call("-m", *WORDS, *SHARED, f"robust.baseline={finished}", "report.language=zh", "hydra.sweep.dir=again")

    assert done.returncode == 0, done.stderr
    first, second = swept(finished), swept(tmp_path / "again")
    errors = second.pop("errors")
    assert first.pop("errors") is None
    assert first == second
    assert errors["paired"]
    assert errors["mce"]["value"] == pytest.approx(100)
    assert "干扰误差" in (tmp_path / "again" / "robustness.md").read_text(encoding="utf-8")


def test_a_finished_one_is_reported_again_under_another_margin(finished: Path, call: Call) -> None:
    before = {path: path.read_bytes() for path in finished.glob("*/records.jsonl")}

    done = call("-m", *WORDS, *SHARED, "robust.margin=0.9", f"hydra.sweep.dir={finished}")

    assert done.returncode == 0, done.stderr
    assert "4 of 4 settings are finished" in done.stderr
    assert {path: path.read_bytes() for path in finished.glob("*/records.jsonl")} == before
    assert "surely in 0" in done.stdout
    assert call("-m", *WORDS, *SHARED, f"hydra.sweep.dir={finished}").returncode == 0


def test_what_cannot_be_is_refused_before_anything_is_measured(call: Call, tmp_path: Path) -> None:
    wrong = call("-m", "condition=none,telephone", "condition.seed=x", "hydra.sweep.dir=one")
    nowhere = call("-m", *WORDS, "robust.baseline=nowhere.json", "hydra.sweep.dir=two")
    elsewhere = call("-m", "backend.chunk_size=1,2", "robust.baseline=x", "hydra.sweep.dir=three")
    swept_over = call("-m", "condition=none,telephone", "robust.margin=0.1,0.2", "hydra.sweep.dir=four")

    assert [done.returncode for done in (wrong, nowhere, elsewhere, swept_over)] == [2, 2, 2, 2]
    assert "condition" in wrong.stderr
    assert "nowhere.json" in nowhere.stderr
    assert "sweep over conditions" in elsewhere.stderr
    assert "changes no record" in swept_over.stderr
    assert not list(tmp_path.glob("*/0/records.jsonl"))


def test_two_sweeps_are_gated(finished: Path, call: Call, tmp_path: Path) -> None:
    same = call("gate", "gate=robust", f"baseline={finished}", f"candidate={finished}", "out=same")
    beside = call("gate=robust", f"gate.baseline={finished}", "hydra.run.dir=run")
    single = call("gate", "gate=robust", f"baseline={finished}", f"candidate={finished / '0'}")

    assert same.returncode == 0, same.stderr
    verdict = json.loads((tmp_path / "same" / "gate.json").read_text(encoding="utf-8"))
    assert verdict["verdict"] == "pass"
    assert {rule["rule"] for rule in verdict["rules"]} == {
        "drop:line/mulaw", "drop:noisy/white_20", "drop:noisy/white_10", "drop:mean",
    }  # fmt: skip
    assert beside.returncode == 2
    assert "judges sweeps over conditions" in beside.stderr
    assert single.returncode == 2
    assert "sweep over conditions" in single.stderr


def test_a_sweep_is_gated_at_its_end(finished: Path, call: Call, tmp_path: Path) -> None:
    words = ("-m", *WORDS, *SHARED, "gate=robust", f"hydra.sweep.dir={finished}")

    same = call(*words, f"gate.baseline={finished}")
    lacking = call(*words)
    nowhere = call(*words, "gate.baseline=nowhere")
    of_settings = call(
        "-m", "backend.chunk_size=1,2", "gate=robust", f"gate.baseline={finished}", "hydra.sweep.dir=other"
    )

    assert same.returncode == 0, same.stderr
    assert "gate robust: pass" in same.stdout
    assert (finished / "gate.md").is_file()
    assert [done.returncode for done in (lacking, nowhere, of_settings)] == [2, 2, 2]
    assert "give gate.baseline=DIR" in lacking.stderr
    assert "nowhere" in nowhere.stderr
    assert "sweeps over conditions alone" in of_settings.stderr
    assert not (tmp_path / "other" / "0" / "records.jsonl").exists()


def test_one_that_loses_far_more_fails_its_sweep(finished: Path, call: Call, tmp_path: Path) -> None:
    """Whoever always says the same loses nothing under any condition."""
    made = call("-m", *WORDS, *SHARED, "backend=majority", "hydra.sweep.dir=same")
    words = ("-m", *WORDS, *SHARED, "gate=robust", f"hydra.sweep.dir={finished}")

    done = call(*words, f"gate.baseline={tmp_path / 'same'}")

    assert made.returncode == 0, made.stderr
    assert done.returncode == 3, done.stdout + done.stderr
    verdict = json.loads((finished / "gate.json").read_text(encoding="utf-8"))
    assert (verdict["verdict"], verdict["exit_code"]) == ("fail", 3)
    rules = {rule["rule"]: rule for rule in verdict["rules"]}
    assert rules["drop:noisy/white_10"]["verdict"] == "fail"
    assert rules["drop:noisy/white_10"]["after"] < rules["drop:noisy/white_10"]["before"] == 0


def test_settings_of_a_condition_are_held_against_the_sound_as_it_is(call: Call, tmp_path: Path) -> None:
    done = call(
        "-m", "condition=noise", "condition.steps.noise.snr_db=30,10", "condition.steps.noise.color=pink",
        "dataset.limit=20", "run.telemetry_s=null", *SHARED, "hydra.sweep.dir=swept",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    found = swept(tmp_path / "swept")
    assert found["clean"]["name"] == "none"
    assert [(row["name"], row["corruption"], row["level"]) for row in found["conditions"]] == [
        ("snr_db=30", "noise_pink", 30.0), ("snr_db=10", "noise_pink", 10.0),
    ]  # fmt: skip
    (breaking,) = found["breaking"]
    assert breaking["levels"] == [30.0, 10.0]
