"""Finished runs side by side from the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.functional.inside import inside

RUN = (
    "backend=fake", "dataset=simulated", "dataset.simulated.n_clips=280", "dataset.simulated.n_speakers=20",
    "load.warmup_clips=0", "run.telemetry_s=null",
)  # fmt: skip
Runs = dict[str, Path]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Runs of different quality over one simulated corpus, one over part of it, and one over another."""
    folder = tmp_path_factory.mktemp("runs")
    changes = {
        "a": (),
        "b": ("backend.accuracy=0.6",),
        "c": ("backend.accuracy=0.95", "load=offline"),
        "part": ("dataset.limit=210",),
        "three": ("labels=three",),
        "other": ("dataset=demo", "dataset.limit=20"),
        "again": (),
        "failing": ("backend.failure_rate=0.9", "run.max_failures=0.99"),
    }
    for name, extra in changes.items():
        words = [word for word in RUN if name != "other" or not word.startswith("dataset")]
        done = command("sv_eval", *words, *extra, f"hydra.run.dir={folder / name}")
        assert done.returncode == 0, done.stderr
    return {name: folder / name for name in changes}


def command(module: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return inside(*arguments, module=module, cwd=Path.cwd())


def found(out: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((out / "compare.json").read_text(encoding="utf-8"))
    return data


def test_three_runs_side_by_side(runs: Runs, tmp_path: Path) -> None:
    words = (str(runs["a"]), str(runs["b"]), str(runs["c"]), f"out={tmp_path}")
    done = subprocess.run(
        [sys.executable, "-m", "sv_eval.compare", *words], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    data = found(tmp_path)
    first, second, third = data["pairs"]
    assert (first["before"], first["after"]) == ("a", "b")
    assert first["differences"]["uar"]["high"] < 0 < third["differences"]["uar"]["low"]
    assert first["differences"]["uar"]["p_adjusted"] >= first["differences"]["uar"]["p_value"]
    assert first["mcnemar"]["lost"] == len(first["flips"]["lost"]) > first["mcnemar"]["gained"]
    assert second["latency_ratio"]["refused"] == "other_load"
    assert data["agreement"][0][0] == 1.0
    assert data["agreement"][0][1] == data["agreement"][1][0] < 1.0
    assert {row["value"] for row in data["groups"]["sex"]} == {"female", "male"}
    assert data["narrowed"] == {}
    report = (tmp_path / "compare.md").read_text(encoding="utf-8")
    uar = first["differences"]["uar"]
    said = f"- ✗ a → b: **UAR {100 * uar['before']:.1f} % → {100 * uar['after']:.1f} %, {100 * uar['value']:+.1f} ["
    assert said in report[: report.index("| Run |")]
    assert "## a → b" in report
    assert (tmp_path / "figures/trade_off.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_runs_of_a_single_speaker_have_a_difference_without_bounds(tmp_path: Path) -> None:
    for name, accuracy in (("a", 0.9), ("b", 0.4)):
        words = (*RUN, "dataset.simulated.n_clips=70", "dataset.simulated.n_speakers=1")
        done = command("sv_eval", *words, f"backend.accuracy={accuracy}", f"hydra.run.dir={tmp_path / name}")
        assert done.returncode == 0, done.stderr

    done = command("sv_eval.compare", tmp_path / "a", tmp_path / "b", f"out={tmp_path}")

    assert done.returncode == 0, done.stderr
    uar = found(tmp_path)["pairs"][0]["differences"]["uar"]
    assert uar["value"] < 0
    assert (uar["low"], uar["p_value"], uar["p_adjusted"]) == (None, None, None)
    assert "one speaker only" in uar["reason"]
    assert "no spread can be seen" in (tmp_path / "compare.md").read_text(encoding="utf-8")


def test_the_figures_of_a_run_are_those_of_its_own_report(runs: Runs, tmp_path: Path) -> None:
    command("sv_eval.compare", runs["a"], runs["b"], f"out={tmp_path}")

    metrics = json.loads((runs["a"] / "metrics.json").read_text(encoding="utf-8"))
    assert found(tmp_path)["runs"][0]["accuracy"] == metrics["accuracy"]
    assert found(tmp_path)["runs"][0]["latency_ms"]["p95"] == metrics["latency_ms"]["p95"]


def test_clips_of_some_runs_alone_are_left_out_and_the_report_says_so(runs: Runs, tmp_path: Path) -> None:
    done = command("sv_eval.compare", runs["a"], runs["part"], f"out={tmp_path}", "report.language=zh")

    assert done.returncode == 0, done.stderr
    data = found(tmp_path)
    assert data["n_clips"] == 210
    assert data["narrowed"]["clips"] == {"a": 70}
    # Latencies are of all clips of a run, short and long.
    assert data["pairs"][0]["latency_ratio"] == {"refused": "other_clips", "more": {"a": 70}}
    assert "略去的录音：a (70)" in (tmp_path / "compare.md").read_text(encoding="utf-8")


def test_a_baseline_file_takes_part(runs: Runs, tmp_path: Path) -> None:
    file = tmp_path / "b.json"
    command("sv_eval.baseline", "save", runs["b"], file)

    done = command("sv_eval.compare", runs["a"], file, f"out={tmp_path}")

    assert done.returncode == 0, done.stderr
    again = command("sv_eval.compare", runs["a"], runs["b"], f"out={tmp_path / 'again'}")
    assert again.returncode == 0, again.stderr
    ours, theirs = (found(where)["pairs"][0]["differences"] for where in (tmp_path, tmp_path / "again"))
    assert ours == theirs


@pytest.mark.parametrize(
    ("names", "extra", "expected"),
    [
        (("a",), (), "two runs at least"),
        (("a", "other"), (), "no clip in common"),
        (("a", "three"), (), "different label maps"),
        (("a", "b"), ("scoring.polcy=ban",), "did you mean scoring.policy"),
        (("a", "b"), ("scoring.policy=bann",), "did you mean ban"),
        (("a", "b"), ("scoring.confidence=high",), "scoring.confidence=high"),
        (("a", "b"), ("scoring.resamples=inf",), "scoring.resamples=inf"),
        (("a", "b"), ("nowhere",), "nowhere: neither a run directory"),
    ],
)
def test_wrong_input_is_explained_in_a_line(
    runs: Runs, tmp_path: Path, names: tuple[str, ...], extra: tuple[str, ...], expected: str
) -> None:
    done = command("sv_eval.compare", *(runs[name] for name in names), *extra, f"out={tmp_path}")

    assert done.returncode == 2
    assert expected in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_help_is_whole() -> None:
    done = command("sv_eval.compare", "--help")

    assert done.returncode == 0
    assert "policy=wrong|abstain|ban" in done.stdout


def test_what_did_not_change_is_said_once_and_no_table_of_noughts_is_shown(runs: Runs, tmp_path: Path) -> None:
    done = command("sv_eval.compare", runs["a"], runs["again"], runs["b"], f"out={tmp_path}")

    assert done.returncode == 0, done.stderr
    uar = found(tmp_path)["runs"][0]["accuracy"]["uar"]["value"]
    assert (
        f"a -> again: no figure changed, UAR {100 * uar:.1f}, over 280 clips that both answered; p50" in done.stdout
    )
    report = (tmp_path / "compare.md").read_text(encoding="utf-8")
    assert report.count(f"a → again: **no figure changed** (UAR {100 * uar:.1f} %), over 280 clips") == 1
    same, changed = report.split("## a → again")[1].split("## a → b")
    assert "+0.0" not in same
    assert "| UAR (mean recall) |" not in same
    assert "| UAR (mean recall) |" in changed
    # Two of the three pairs changed, in both sexes.
    assert "Rows in which no figure changed are left out: 2." in report
    assert len([line for line in report.splitlines() if line.startswith("| Sex: ")]) == 4


def test_a_figure_over_few_clips_says_so_where_the_others_failed(runs: Runs, tmp_path: Path) -> None:
    done = command("sv_eval.compare", runs["a"], runs["failing"], f"out={tmp_path}")

    assert done.returncode == 0, done.stderr
    data = found(tmp_path)
    (pair,) = data["pairs"]
    failed = data["runs"][1]["n_failed"]
    assert data["runs"][0]["n_failed"] == 0
    assert pair["n"] == 280 - failed < 60
    assert f"answered: a 280, failing {280 - failed}; each two are compared on what both answered" in done.stdout
    assert f"over {pair['n']} clips that both answered" in done.stdout
    report = (tmp_path / "compare.md").read_text(encoding="utf-8")
    assert f"failing failed on {failed} of 280" in report
    assert f"over {pair['n']} clips that both answered" in report[: report.index("| Run |")]


def test_latencies_of_two_kinds_are_neither_compared_nor_drawn_together(runs: Runs, tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "trade_off.svg").write_text("of an earlier comparison")
    done = command("sv_eval.compare", runs["a"], runs["c"], f"out={tmp_path}")
    apart = command("sv_eval.compare", runs["c"], runs["a"], runs["b"], f"out={tmp_path / 'three'}")

    assert done.returncode == apart.returncode == 0, done.stderr + apart.stderr
    assert "latency is not compared: measured under different loads" in done.stdout
    report = (tmp_path / "compare.md").read_text(encoding="utf-8")
    assert "Latency is not compared: it was measured under different loads" in report
    assert "no two of the latencies are figures of one kind" in report
    assert "trade_off.svg" not in report
    assert not (tmp_path / "figures" / "trade_off.svg").exists()
    assert "Drawn are a, b." in (tmp_path / "three" / "compare.md").read_text(encoding="utf-8")
    assert (tmp_path / "three" / "figures" / "trade_off.svg").is_file()
