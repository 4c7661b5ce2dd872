"""A condition as a user meets it: in the report, in the identity of the run, and the same on every rerun."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.functional.inside import inside

Call = Callable[..., subprocess.CompletedProcess[str]]
Metrics = Callable[[Path], dict[str, Any]]
Records = Callable[[Path], list[dict[str, Any]]]

CALLED = ("condition=street_call", "dataset.limit=10")


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`call(*arguments)` is `python -m sv_eval ARGUMENTS` in the test's own folder, but within this process."""
    return partial(inside, cwd=tmp_path)


def told(records: list[dict[str, Any]]) -> dict[str, Any]:
    return {one["clip"]["id"]: (one["prediction"]["scores"], one["sound"]) for one in records}


def test_a_rerun_hears_the_same_in_any_order_and_with_any_number_of_threads(
    call: Call, tmp_path: Path, metrics_of: Metrics, records_of: Records
) -> None:
    first = call(*CALLED, "hydra.run.dir=one")
    second = call(*CALLED, "hydra.run.dir=two", "run.decode_workers=3", "report.language=zh")

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert told(records_of(tmp_path / "one")) == told(records_of(tmp_path / "two"))
    codes = [caveat["code"] for caveat in metrics_of(tmp_path / "one")["caveats"]]
    assert {"changed_sound", "sound_narrow"} <= set(codes)
    english, chinese = ((tmp_path / run / "report.md").read_text(encoding="utf-8") for run in ("one", "two"))
    assert (
        "| Condition | `street_call`: noise color=babble snr_db=10.0 talkers=6; telephone codec=amr_nb" in english
    )
    assert "a wav of 16 kHz and 16 bits, which loses nothing of it" in english
    assert "| 声音条件 | `street_call`" in chinese


def test_a_run_under_another_condition_is_another_run(call: Call, tmp_path: Path, metrics_of: Metrics) -> None:
    assert call("condition=padding", "dataset.limit=6", "hydra.run.dir=run").returncode == 0
    padded = metrics_of(tmp_path / "run")["run"]["config_hash"]

    refused = call("condition=none", "dataset.limit=6", "hydra.run.dir=run")

    assert refused.returncode == 2
    assert "condition" in refused.stderr
    assert call("dataset.limit=6", "hydra.run.dir=clean").returncode == 0
    assert metrics_of(tmp_path / "clean")["run"]["config_hash"] != padded
    settings = json.loads((tmp_path / "clean" / "environment.json").read_text("utf-8"))["settings"]
    assert "condition" not in settings


def test_a_sweep_over_conditions_hears_each_of_them(call: Call, tmp_path: Path, records_of: Records) -> None:
    done = call(
        "-m", "condition=none,telephone", "dataset.limit=10", "hydra.sweep.dir=sweep", "sweep.timed_requests=130"
    )

    assert done.returncode == 0, done.stderr
    clean, narrow = ([one for one in records_of(tmp_path / "sweep" / str(n)) if "sound" in one] for n in (0, 1))
    assert {one["sound"]["band_hz"] > 7000 for one in clean} == {True}
    assert {one["sound"]["band_hz"] < 4100 for one in narrow} == {True}


def test_a_step_that_is_not_there_is_wrong_usage(call: Call) -> None:
    done = call("condition=telephone", "condition.steps.telephone.codec=g729", "hydra.run.dir=run")

    assert done.returncode == 2
    assert "g722" in done.stderr


def test_the_library_hears_it_too(tmp_path: Path) -> None:
    from sv_eval.library import evaluate

    run = evaluate(overrides=["condition=line/mulaw", "dataset.limit=5"], directory=tmp_path / "run")

    assert run.report.sound
    assert run.report.sound.facts["band_hz"].most < 4100
