"""Several runs: only those alike are ranked together, and what differs beyond noise is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sv_eval.backends.fake import FakeBackend
from sv_eval.cli.main import command
from sv_eval.config.composing import composed
from sv_eval.record_file.run_records import RunRecords
from sv_eval.report.run_directory import read_report
from sv_eval.reports.page.document import blocks_in
from sv_eval.run.evaluate import evaluate
from sv_eval.studies.view.leaderboard import board_of, run_directories

site = command("site")
QUICK = ("scoring.resamples=100", "load.warmup_clips=0", "run.telemetry_s=null")


def measured(directory: Path, accuracy: float, *words: str) -> Path:
    shared = ["backend=fake", "dataset=simulated", "dataset.simulated.n_clips=140", *QUICK]
    evaluate(composed("config", [*shared, *words]), FakeBackend(accuracy=accuracy), directory)
    return directory


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("board")
    measured(folder / "good", 0.95)
    measured(folder / "bad", 0.5)
    measured(folder / "other_load", 0.9, "load=offline")
    measured(folder / "other_clips", 0.9, "dataset.simulated.shortest_s=2")
    return folder


@pytest.mark.damages_files
def test_unlike_runs_are_never_ranked_together(runs: Path, tmp_path: Path) -> None:
    places = shutil.copytree(runs, tmp_path / "runs")
    command("score")([str(shutil.copytree(runs / "good", places / "other_map")), "labels=three"])
    broken = shutil.copytree(runs / "good", places / "broken")
    (broken / "records.jsonl").write_text("{}\n", encoding="utf-8")

    board = board_of(run_directories([places]))

    groups = [[run["name"] for run in group["runs"]] for group in board.groups]
    assert sorted(map(sorted, groups)) == [["bad", "good"], ["other_clips"], ["other_load"], ["other_map"]]
    assert groups[0] == ["good", "bad"]
    assert [why.partition(":")[0] for why in board.left_out] == ["broken"]


def test_who_differs_beyond_noise_is_said_with_the_figures_of_the_runs(runs: Path) -> None:
    board = board_of((runs / "bad", runs / "good"))

    (group,) = board.groups
    (pair,) = group["pairs"]
    good, bad = read_report(runs / "good"), read_report(runs / "bad")
    assert good.accuracy.uar.value is not None
    assert bad.accuracy.uar.value is not None
    assert group["runs"][0]["accuracy"]["uar"]["value"] == good.accuracy.uar.value
    # The second's less the first's.
    assert pair["value"] == pytest.approx(bad.accuracy.uar.value - good.accuracy.uar.value)
    assert pair["p"] < 0.001


def test_runs_without_a_scored_class_are_ranked_by_the_first_dimensions_concordance(tmp_path: Path) -> None:
    shared = ["backend=fake", "dataset=simulated", "dataset.simulated.n_clips=140", *QUICK]
    asked = ["dataset.simulated.labels=[happy,sad]", "dataset.dimensions={arousal: [1, 7]}"]
    for name, ccc in (("low", 0.3), ("high", 0.9)):
        told = {"arousal": {"ccc": ccc, "range": [0, 1], "reference_range": [1, 7]}}
        backend = FakeBackend(labels=["disgusted"], dimensions=told)
        evaluate(composed("config", [*shared, *asked]), backend, tmp_path / name)

    (group,) = board_of((tmp_path / "low", tmp_path / "high")).groups

    assert (group["labels"], [run["name"] for run in group["runs"]]) == ([], ["high", "low"])
    assert group["runs"][0]["ccc"]["arousal"]["value"] > 0.8


def test_which_clips_only_one_got_right_can_be_told(runs: Path) -> None:
    (group,) = board_of((runs / "good", runs / "bad")).groups

    clips = group["clips"]
    right = [
        {clip for clip, answer, truth in zip(clips["ids"], answers, clips["reference"], strict=True)
         if clips["names"][answer] == clips["references"][truth]}
        for answers in clips["answers"]
    ]  # fmt: skip
    for directory, ids in zip((runs / "good", runs / "bad"), right, strict=True):
        answers = RunRecords.read(directory).answers
        hits = answers.predicted == answers.reference
        assert ids == {clip for clip, hit in zip(answers.clip_ids, hits, strict=True) if hit}


def test_a_site_is_files_that_lead_to_each_other(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "site"

    assert site([str(runs / "good"), str(runs / "bad"), str(out), "report.language=zh"]) == 0

    assert "2 runs:" in capsys.readouterr().out
    blocks, _ = blocks_in((out / "index.html").read_bytes(), "index")
    assert blocks["boot"]["language"] == "zh"
    for number, directory in enumerate((runs / "good", runs / "bad")):
        page = out / blocks["boot"]["places"][number]
        assert page.read_bytes() == (directory / "report.html").read_bytes()


def test_a_folder_without_runs_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert site([str(tmp_path), str(tmp_path / "out")]) == 2
    assert "there is no finished run" in capsys.readouterr().err
    assert site([str(tmp_path)]) == 2
