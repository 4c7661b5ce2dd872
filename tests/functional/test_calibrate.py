"""`sv-eval calibrate`, from a run to another run that is judged under it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from sv_eval.cli.main import command
from tests.old_runs import unseal

run = command("run")
calibrate = command("calibrate")
score = command("score")
verify = command("verify")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled model on the bundled clips."""
    directory = tmp_path_factory.mktemp("calibrate") / "run"
    assert (
        run([f"hydra.run.dir={directory}", "load.warmup_clips=0", "run.telemetry_s=null", "scoring.resamples=100"])
        == 0
    )
    return directory


def test_a_file_is_fitted_on_a_run_and_judged_on_speakers_held_out(measured: Path, tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"

    assert calibrate([str(measured), "--out", str(file), "method=temperature"]) == 0

    found = json.loads(file.read_text(encoding="utf-8"))
    assert (found["method"], found["folds"], len(found["fitted_on"]["speakers"])) == ("temperature", 5, 20)
    # The bundled model is less sure than it might be.
    assert 0.3 < found["temperature"] < 0.8
    before, after = (found["held_out"][name]["ece_confidence"]["value"] for name in ("none", "temperature"))
    assert after < before
    assert file.with_suffix(".svg").read_text(encoding="utf-8").count("speakers held out") == 3


def test_the_run_that_it_was_fitted_on_is_not_judged_by_it(
    measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "calibration.json"
    assert calibrate([str(measured), f"out={file}"]) == 0

    assert score([str(measured), f"calibration={file}"]) == 2
    assert "it was fitted on" in capsys.readouterr().err


def test_another_run_of_the_model_is_judged_under_it_and_verified(measured: Path, tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    assert calibrate([str(measured), f"out={file}", "method=vector"]) == 0
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    given = json.loads((measured / "metrics.json").read_text(encoding="utf-8"))["calibration"]
    # As if it came from elsewhere.
    found["fitted_on"] |= {"corpus": "elsewhere", "dataset": "elsewhere", "dataset_hash": "0"}
    file.write_text(json.dumps(found), encoding="utf-8")

    assert score([str(measured), f"calibration={file}"]) == 0
    calibration = json.loads((measured / "metrics.json").read_text(encoding="utf-8"))["calibration"]
    assert calibration["applied"]["method"] == "vector"
    assert calibration["applied"]["dataset"] == "elsewhere"
    # What the model gave stands beside, as it was judged before.
    assert calibration["confidence_as_given"] == given["confidence"]
    assert calibration["distribution_as_given"] == given["distribution"]
    assert (measured / "report.md").read_text(encoding="utf-8").count("as the model gave it") >= 2
    assert "calibrated ones" in (measured / "report.md").read_text(encoding="utf-8")
    assert verify([str(measured)]) == 0

    assert score([str(measured)]) == 0
    assert "applied" not in json.loads((measured / "metrics.json").read_text(encoding="utf-8"))["calibration"]


def test_thresholds_that_keep_a_precision_are_written_and_go_when_none_is_wanted(measured: Path) -> None:
    assert score([str(measured), "scoring.precision=0.9"]) == 0

    found = json.loads((measured / "thresholds.json").read_text(encoding="utf-8"))
    emotions = json.loads((measured / "metrics.json").read_text(encoding="utf-8"))["operating"]["per_emotion"]
    assert {*found["thresholds"], *found["not_promised"]} == {*emotions}
    assert found["thresholds"]
    for label, threshold in found["thresholds"].items():
        assert emotions[label]["wanted"]["threshold"] == threshold
        assert emotions[label]["wanted"]["point"]["precision"]["value"] >= 0.9
    report = (measured / "report.md").read_text(encoding="utf-8")
    assert "Thresholds for a precision of 90.0 %" in report
    assert report.count("can't be promised") == len(found["not_promised"])
    assert verify([str(measured)]) == 0

    assert score([str(measured)]) == 0
    assert not (measured / "thresholds.json").exists()


def test_a_file_that_is_there_is_left_alone(measured: Path, tmp_path: Path) -> None:
    (tmp_path / "there.json").write_text("mine", encoding="utf-8")

    assert calibrate([str(measured), f"out={tmp_path / 'there.json'}"]) == 2
    assert (tmp_path / "there.json").read_text(encoding="utf-8") == "mine"
    (tmp_path / "other.svg").write_text("mine", encoding="utf-8")
    assert calibrate([str(measured), f"out={tmp_path / 'other.json'}"]) == 2
    assert calibrate([str(measured), f"out={tmp_path / 'new.svg'}"]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.svg", "there.json"]


def test_speakers_that_the_model_learned_from_teach_nothing(
    measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = json.loads((measured / "environment.json").read_text(encoding="utf-8"))
    taught = tmp_path / "taught"
    taught.mkdir()
    corpus = environment["dataset"].get("identity") or environment["dataset"]["card"]
    environment["backend"]["card"]["training"] = [{"corpus": corpus}]
    (taught / "environment.json").write_text(json.dumps(environment), encoding="utf-8")
    for name in ("records.jsonl", "metrics.json"):
        (taught / name).write_bytes((measured / name).read_bytes())

    assert calibrate([str(taught), f"out={tmp_path / 'x.json'}"]) == 2
    assert "the model was trained on" in capsys.readouterr().err


@pytest.mark.parametrize(("word", "said"), [("scoring.set_coverage=1", "not from 0.5 to below 1"),
                                            ("thresholds=FILE", "it is of the model other")])  # fmt: skip
def test_what_can_not_judge_a_run_is_told_before_the_first_clip(
    word: str, said: str, measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, begun = tmp_path / "thresholds.json", tmp_path / "begun"
    model = json.loads((measured / "environment.json").read_text(encoding="utf-8"))["backend"]
    told = {"backend": model["name"], "model": "other", "model_hash": "0", "precision": model["precision"]}
    file.write_text(
        json.dumps({"kind": "sv_eval thresholds", "schema_version": 1, "thresholds": {"sad": 0.5}, "model": told}),
        encoding="utf-8",
    )

    assert run([f"hydra.run.dir={begun}", word.replace("FILE", str(file))]) != 0

    assert said in capsys.readouterr().err
    assert not (begun / "records.jsonl").exists()


@pytest.mark.parametrize(
    ("thresholds", "said"),
    [
        ({"joy": 0.5}, "joy is no class here; happy, sad, angry, neutral"),
        ({"angry": 0.5, "unknown": 0.2}, "unknown is no class here"),
        ({}, "it holds no threshold"),
        ({"angry": 1.5}, "a score is from 0 to 1"),
    ],
)
def test_thresholds_of_what_is_not_there_are_refused(
    thresholds: dict[str, float], said: str, measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "thresholds.json"
    told = {"kind": "sv_eval thresholds", "schema_version": 1, "thresholds": thresholds}
    file.write_text(json.dumps(told), encoding="utf-8")

    assert score([str(measured), f"thresholds={file}"]) == 2
    assert said in capsys.readouterr().err


def test_labels_alone_have_nothing_to_hold_against_a_threshold(
    measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(measured, bare)
    lines = [json.loads(line) for line in (bare / "records.jsonl").read_text(encoding="utf-8").splitlines()]
    for line in lines:
        for name in ("scores", "confidence"):
            line.get("prediction", {}).pop(name, None)
    (bare / "records.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    unseal(bare)
    file = tmp_path / "thresholds.json"
    told = {"kind": "sv_eval thresholds", "schema_version": 1, "thresholds": {"angry": 0.5}}
    file.write_text(json.dumps(told), encoding="utf-8")

    assert score([str(bare), f"thresholds={file}"]) == 2
    assert "neither scores nor a confidence" in capsys.readouterr().err
