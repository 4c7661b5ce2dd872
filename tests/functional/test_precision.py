"""Reduced precisions of the bundled model: what a run says about them, and what `auto` chooses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sv_eval.backends.sensevoice.model_dir import bundled_model
from sv_eval.backends.sensevoice.models.export import export
from sv_eval.cli.main import command
from sv_eval.machine.native_precisions import native_precisions

Metrics = Callable[[Path], dict[str, Any]]
score = command("score")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled model with graphs of every precision."""
    pytest.importorskip("onnx", reason="onnx, which writes fp16 and int8 graphs, is not installed")
    folder = tmp_path_factory.mktemp("exported")
    export(bundled_model(), folder, ["fp32", "fp16", "int8"])
    return folder


def caveats(metrics: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {caveat["code"]: caveat for caveat in metrics["caveats"]}


def test_an_int8_run_says_how_its_labels_compare_with_fp32(
    call: Callable[..., Any], metrics_of: Metrics, exported: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"

    done = call(
        f"backend.model={exported}", "backend.precision=int8", "dataset.limit=40", "load=offline",
        f"hydra.run.dir={run}",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    found = caveats(metrics_of(run))
    assert found["rounding"]["n"] == 24
    assert 0 <= found["rounding"]["differing"] <= 2
    assert "not_batch_invariant" in found
    assert "Weights are int8: on 24 bundled clips" in (run / "report.md").read_text()


def test_without_fp32_beside_it_nobody_can_tell(
    call: Callable[..., Any], metrics_of: Metrics, exported: Path, tmp_path: Path
) -> None:
    alone, run = tmp_path / "alone", tmp_path / "run"
    alone.mkdir()
    for path in exported.iterdir():
        if path.name not in ("model.onnx", "model_fp16.onnx"):
            (alone / path.name).symlink_to(path)

    done = call(f"backend.model={alone}", "backend.precision=int8", "dataset.limit=12", f"hydra.run.dir={run}")

    assert done.returncode == 0, done.stderr
    assert "rounding_unknown" in caveats(metrics_of(run))
    auto = call(f"backend.model={alone}", "backend.precision=auto", "dataset.limit=12")
    assert auto.returncode == 2
    assert "compares with fp32" in auto.stderr


def test_auto_says_what_it_measured_and_runs_what_agrees(
    call: Callable[..., Any], exported: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"

    done = call(f"backend.model={exported}", "backend.precision=auto", "dataset.limit=12", f"hydra.run.dir={run}")

    report = (run / "report.md").read_text()
    assert done.returncode == 0, done.stderr
    assert "precision chosen by measurement at start: fp32" in report
    native = native_precisions() or ("fp32", "fp16", "int8")
    assert all((f"{name} " in report) is (name in native) for name in ("fp32", "fp16", "int8"))


def test_parity_explains_what_int8_changes(call: Callable[..., Any], exported: Path, tmp_path: Path) -> None:
    done = call(
        "onnx,threads=1", f"onnx,threads=1,model={exported},precision=int8", "dataset=demo", "dataset.limit=60",
        f"out={tmp_path}", "parity.invariance_clips=8", module="sv_eval.parity",
    )  # fmt: skip

    report = (tmp_path / "parity.md").read_text()
    assert done.returncode == 0, done.stderr
    assert "The first stage beyond its tolerance is: logits" in report
    assert "B runs int8 weights with dynamic quantisation" in report


def test_a_precision_that_the_processor_imitates_is_a_caveat(
    call: Callable[..., Any], metrics_of: Metrics, exported: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    done = call(f"backend.model={exported}", "backend.precision=int8", "dataset.limit=12", f"hydra.run.dir={run}")
    assert done.returncode == 0, done.stderr
    environment = json.loads((run / "environment.json").read_text(encoding="utf-8"))

    # As on a processor of before 2019, and on one that has them.
    for native, expected in ((["fp32"], True), (["fp32", "int8"], False), (None, False)):
        environment["machine"].pop("native_precisions", None)
        if native is not None:
            environment["machine"]["native_precisions"] = native
        (run / "environment.json").write_text(json.dumps(environment), encoding="utf-8")
        assert score([str(run)]) == 0
        found = caveats(metrics_of(run))
        assert ("precision_imitated" in found) is expected
    environment["machine"]["native_precisions"] = ["fp32"]
    (run / "environment.json").write_text(json.dumps(environment), encoding="utf-8")
    assert score([str(run)]) == 0
    assert "no instructions for int8" in (run / "report.md").read_text(encoding="utf-8")
