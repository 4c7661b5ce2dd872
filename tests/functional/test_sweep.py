"""`python -m sv_eval -m ...` as a user meets it: one report, nothing twice, and latency without any sharing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.functional.inside import inside

Call = Callable[..., subprocess.CompletedProcess[str]]
FAKE = ("backend=fake", "dataset=simulated", "dataset.simulated.n_clips=210", "run.telemetry_s=null")
REAL = (
    "dataset.limit=60", "sweep.timed_requests=130", "backend.threads=1", "load.warmup_clips=1",
    "run.telemetry_s=null", "backend.vad_threshold=0.5,0.9", "backend.chunk_size=1,2",
)  # fmt: skip


def swept(directory: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((directory / "sweep.json").read_text(encoding="utf-8"))
    return data


def by_values(data: dict[str, Any]) -> dict[tuple[Any, ...], dict[str, Any]]:
    return {tuple(row["values"].values()): row for row in data["settings"]}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Path:
    """A sweep of two thresholds and two chunk sizes that ran through."""
    directory = tmp_path_factory.mktemp("sweep") / "swept"
    command = [sys.executable, "-m", "sv_eval", "-m", *REAL, "sweep.holdout=0.3", f"hydra.sweep.dir={directory}"]
    done = subprocess.run(
        command, cwd=directory.parent, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "sweep: " in done.stdout
    return directory


def test_a_sweep_ends_with_one_report(finished: Path) -> None:
    data = swept(finished)

    assert data["n_settings"] == 5
    assert [row["default"] for row in data["settings"]].count(True) == 1
    assert set(by_values(data)) == {(None, None), (0.5, 1), (0.5, 2), (0.9, 1), (0.9, 2)}
    assert data["steadiness"] is not None
    assert data["unequal_answers"] == 0
    assert data["sharing"]["timed_requests"] == 130
    assert {"heat.svg", "front.svg", "cost_front.svg", "sensitivity.svg"} == {
        path.name for path in (finished / "figures").iterdir()
    }
    report = (finished / "sweep.md").read_text(encoding="utf-8")
    for row in data["settings"]:
        assert row["name"] in report
        assert row["p95"]["value"] is not None
        # Sixty clips are timed more than once: where they differ, bounds that speak of others need more of them.
        assert row["p95"].get("reason") or row["p95"]["low"] <= row["p95"]["value"] <= row["p95"]["high"]
        assert 0 < row["busy_s_per_audio_hour"]["low"] <= row["busy_s_per_audio_hour"]["value"]
        assert 0 <= row["front_share"] <= 1
    assert any(row["front"] for row in data["settings"])
    assert sum(row["best_share"] for row in data["settings"]) == pytest.approx(1)
    assert "demonstration model" in report.lower()
    assert {"demonstration_model", "cpu_run"} <= {caveat["code"] for caveat in data["caveats"]}
    apart, together = set(data["holdout"]["speakers"]), set(data["holdout"]["tuning_speakers"])
    assert len(apart) == round(0.3 * len(apart | together))
    assert not apart & together
    assert data["n_clips"] + data["holdout"]["n_clips"] == 60
    assert all(row["uar"]["n"] == data["n_clips"] for row in data["settings"])


def test_a_settings_accuracy_is_that_of_a_run_by_itself(
    finished: Path, call: Call, metrics_of: Callable[[Path], dict[str, Any]]
) -> None:
    words = [word for word in REAL if not word.startswith(("backend.vad", "backend.chunk", "sweep."))]
    row = by_values(swept(finished))[0.9, 1]

    done = call(*words, "backend.vad_threshold=0.9", "backend.chunk_size=1", "hydra.run.dir=alone")

    assert done.returncode == 0, done.stderr
    alone, together = metrics_of(finished.parent / "alone"), metrics_of(finished / row["directory"])
    assert alone["accuracy"] == together["accuracy"]
    assert alone["confusion"] == together["confusion"]
    assert alone["by_speaker"] == together["by_speaker"]
    assert together["latency_ms"]["n"] == 130


@pytest.fixture
def call(finished: Path) -> Call:
    """`call(*arguments)` is `python -m sv_eval ARGUMENTS` beside the finished sweep, but within this process."""
    return partial(inside, cwd=finished.parent)


def test_a_finished_sweep_is_reported_again_and_nothing_is_run(finished: Path, call: Call) -> None:
    before = {path: path.read_bytes() for path in finished.glob("*/records.jsonl")}
    words = (*REAL, "sweep.holdout=0.3", f"hydra.sweep.dir={finished}")

    done = call("-m", *words, "report.language=zh", "sweep.slo_p95_ms=0.001")

    assert done.returncode == 0, done.stderr
    assert "6 of 6 settings are finished" in done.stderr
    assert {path: path.read_bytes() for path in finished.glob("*/records.jsonl")} == before
    assert swept(finished)["choice"]["why"] == "none_keeps_slo"
    assert "没有任何一组设置能确定满足 p95 ≤ 0.001 ms" in (finished / "sweep.md").read_text(encoding="utf-8")
    assert call("-m", *words).returncode == 0


def test_a_changed_sweep_is_refused_with_the_difference(finished: Path, call: Call) -> None:
    other = [word for word in REAL if not word.startswith("backend.chunk")]

    done = call("-m", *other, "backend.chunk_size=1,2", "backend.language=zh", f"hydra.sweep.dir={finished}")

    assert done.returncode == 2
    assert "backend.language: 'auto' -> 'zh'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_killed_sweep_goes_on_where_it_stopped(
    finished: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    directory = tmp_path / "killed"
    command = [sys.executable, "-m", "sv_eval", "-m", *REAL, "sweep.holdout=0.3", f"hydra.sweep.dir={directory}"]
    for finished_before in (1, 3):
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=-3)
        under_way = directory / str(finished_before) / "records.jsonl"
        while process.poll() is None and not (under_way.is_file() and under_way.read_bytes().count(b"\n") > 20):
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait(600)
    whole = (directory / "0" / "records.jsonl").read_bytes()

    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "settings are finished" in done.stderr
    assert (directory / "0" / "records.jsonl").read_bytes() == whole
    undisturbed, resumed = by_values(swept(finished)), by_values(swept(directory))
    assert set(resumed) == set(undisturbed)
    for values, row in undisturbed.items():
        for key in ("uar", "accuracy", "ranked_uar", "difference", "best_share", "n_failed"):
            assert resumed[values][key] == row[key]
        assert resumed[values]["p95"]["n"] == 130
    assert swept(directory)["holdout"]["speakers"] == swept(finished)["holdout"]["speakers"]


def test_an_interrupted_timed_pass_is_made_again_and_ends_the_sweep_until_then(
    environment: dict[str, str], tmp_path: Path
) -> None:
    words = [word for word in REAL if not word.startswith("backend.vad")]
    # A pass so long that it is still under way when its beginning has been seen here.
    words.append("sweep.timed_requests=500")
    command = [sys.executable, "-m", "sv_eval", "-m", *words, "hydra.sweep.dir=swept"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    records = tmp_path / "swept" / "0" / "records.jsonl"
    while process.poll() is None and not (records.is_file() and records.read_bytes().count(b'"round":1') > 40):
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=600)

    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert process.returncode == 5
    assert "of 60 clips to go; the same command with hydra.sweep.dir=swept goes on" in said or (
        "stopped in the timed pass; the same command with hydra.sweep.dir=swept goes on" in said
    )
    assert done.returncode == 0, done.stderr
    assert "are finished" not in done.stderr
    data = swept(tmp_path / "swept")
    assert [row["p95"]["n"] for row in data["settings"]] == [500, 500, 500]
    assert data["unequal_answers"] == 0


def test_planted_qualities_are_ranked_and_told_apart(call: Call, finished: Path) -> None:
    words = ("backend.accuracy=0.5,0.8,0.52", "backend.latency.p50_ms=0.1", "hydra.sweep.dir=planted")

    done = call("-m", *FAKE, "dataset.simulated.n_clips=700", *words)

    assert done.returncode == 0, done.stderr
    data = swept(finished.parent / "planted")
    rows = by_values(data)
    # 0.8 is what the configuration says, so it is what the others are compared with, and nothing is added.
    assert data["n_settings"] == 3
    assert rows[0.8,]["default"]
    assert data["choice"]["recommended"] == rows[0.8,]["number"]
    assert data["choice"]["why"] == "default_is_best"
    assert rows[0.5,]["difference"]["high"] < 0
    assert rows[0.5,]["difference"]["p"] < 0.01
    assert data["sharing"] is None
    assert not (finished.parent / "planted" / "figures" / "heat.svg").exists()
    assert "Nothing was shared between settings" in (finished.parent / "planted" / "sweep.md").read_text()


def test_a_better_setting_than_the_default_is_recommended_and_held_to_other_speakers(
    call: Call, finished: Path
) -> None:
    words = ("backend.accuracy=0.9,0.3", "sweep.baseline=backend.accuracy=0.4", "sweep.holdout=0.3")

    done = call("-m", *FAKE, "dataset.simulated.n_clips=700", *words, "hydra.sweep.dir=better")

    assert done.returncode == 0, done.stderr
    data = swept(finished.parent / "better")
    rows = by_values(data)
    assert rows[0.4,]["default"]
    assert (data["choice"]["recommended"], data["choice"]["why"]) == (rows[0.9,]["number"], "better")
    assert len(data["holdout"]["speakers"]) == 6
    assert data["holdout"]["difference"]["low"] > 0.3
    assert data["holdout"]["mcnemar_p"] < 0.001
    assert "of accuracy=0.9 against" in (finished.parent / "better" / "sweep.md").read_text(encoding="utf-8")
    assert data["n_clips"] + data["holdout"]["n_clips"] == 700


def test_without_speakers_it_says_that_nobody_was_held_out(call: Call, finished: Path, write_tone: Any) -> None:
    for emotion in ("happy", "sad"):
        for number in range(3):
            write_tone(finished.parent / "tones" / emotion / f"{number}.wav")

    done = call(
        "-m", "backend.chunk_size=0.5,0.7", "dataset=folder", "dataset.root=tones", "sweep.holdout=0.5",
        "sweep.timed_requests=130", "hydra.sweep.dir=tones_swept", "backend.threads=1", "run.telemetry_s=null",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert swept(finished.parent / "tones_swept")["holdout"]["reason"] == "no_speakers"
    assert "No speakers could be held out" in (finished.parent / "tones_swept" / "sweep.md").read_text()


def test_a_setting_that_fails_leaves_the_others_alone(call: Call, finished: Path) -> None:
    done = call("-m", *FAKE, "backend.failure_rate=0,0.9", "hydra.sweep.dir=failing")

    assert done.returncode == 5
    data = swept(finished.parent / "failing")
    assert [row["values"]["backend.failure_rate"] for row in data["settings"]] == [0.0]
    assert data["n_clips"] == 210
    assert "of 210 clips" in data["missing"][0]["reason"]
    assert "failure_rate=0.9) has no result" in (finished.parent / "failing" / "sweep.md").read_text()


def test_baselines_are_swept_beside_a_recogniser(call: Call, finished: Path) -> None:
    corpus = [word for word in FAKE if not word.startswith("backend")]

    done = call("-m", *corpus, "backend=fake,majority,uniform", "labels=three", "hydra.sweep.dir=baselines")

    assert done.returncode == 0, done.stderr
    data = swept(finished.parent / "baselines")
    assert data["labels"] == ["positive", "negative", "neutral"]
    assert by_values(data)["majority",]["uar"]["value"] == pytest.approx(1 / 3)


def test_settings_on_different_clips_are_not_compared(call: Call, finished: Path) -> None:
    done = call("-m", *FAKE, "dataset.simulated.n_clips=150,160", "hydra.sweep.dir=different")

    assert done.returncode == 0, done.stderr
    assert "different clips" in done.stdout
    assert not (finished.parent / "different" / "sweep.md").exists()
    assert len(list((finished.parent / "different").glob("*/report.md"))) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("sweep=vad_chunk",), "sweep=vad_chunk is a grid of settings: add -m"),
        (("-m", *FAKE), "nothing is swept"),
        (("-m", *FAKE, "backend.seed=1,2", "sweep.holdout=1.5"), "sweep.holdout=1.5"),
        (("-m", *FAKE, "backend.seed=1,2", "sweep.timed_requests=10"), "130 or more"),
        (("-m", *FAKE, "backend.sede=1,2"), "backend.sede is not a setting"),
        (("-m", *FAKE, "sweep=vad_chnk"), "sweep=vad_chnk: there is no such sweep; did you mean vad_chunk?"),
        (("-m", *FAKE, "backend.seed=1,2", "hydra.sweep.subdir=same"), "two settings would share a run directory"),
        (("-m", *FAKE, "backend.accuracy=interval(0,1)"), "give the values"),
        (("-m", *FAKE, "labels=three,four"), "labels changes no record"),
        (("-m", *FAKE, "scoring.policy=wrong,ban", "backend.seed=1,2"), "scoring.policy changes no record"),
    ],
)
def test_wrong_words_are_one_line_and_exit_code_2(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    done = inside(*words, "hydra.sweep.dir=wrong", cwd=tmp_path)

    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_setting_that_can_not_be_is_refused_before_any_is_measured(call: Call, tmp_path: Path) -> None:
    done = call("-m", "dataset.limit=10", "backend.vad_threshold=0.4,7", f"hydra.sweep.dir={tmp_path / 'swept'}")

    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "sv_eval: setting vad_threshold=7: backend.vad_threshold=7: a probability between 0 and 1 is needed"
    ]
    assert not list(tmp_path.glob("swept/*/records.jsonl"))


def test_a_setting_that_fails_later_says_why_in_the_report(call: Call, tmp_path: Path) -> None:
    words = ("-m", "dataset.limit=20", "backend.precision=fp32,int8", f"hydra.sweep.dir={tmp_path / 'swept'}")

    done = call(*words, "run.telemetry_s=null", "load.warmup_clips=1", "sweep.timed_requests=130")

    assert done.returncode == 2
    assert "1 of 2 settings have a result" in done.stdout
    assert "recommended" not in done.stdout
    (missing,) = swept(tmp_path / "swept")["missing"]
    assert "backend.precision=int8 can't be run" in missing["reason"]
    top = (tmp_path / "swept" / "sweep.md").read_text(encoding="utf-8").split("##")[0]
    assert "1 of 2 settings have no result" in top
    assert "backend.precision=int8 can't be run" in top
    assert "nothing to choose between" in top
