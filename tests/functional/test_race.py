"""Backends measured in turns from the command line."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

CORPUS = ("dataset=simulated", "dataset.simulated.n_clips=70", "load.warmup_clips=2")


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "sv_eval.race", *map(str, arguments)]


def race(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, check=False)


def records(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "records.jsonl").read_text(encoding="utf-8").splitlines()]


def runs_of(out: Path) -> list[Path]:
    """The run directories of a race, in the order of its backends."""
    return sorted(path for path in out.iterdir() if path.name[0].isdigit())


def test_everybody_has_a_turn_in_every_round_and_is_compared(tmp_path: Path) -> None:
    sides = ("fake", "fake,accuracy=0.5")

    done = race(*sides, *CORPUS, "rounds=4", f"out={tmp_path / 'out'}")

    assert done.returncode == 0, done.stderr
    first, second = runs_of(tmp_path / "out")
    for run in (first, second):
        assert Counter(record.get("round", 0) for record in records(run)) == dict.fromkeys(range(4), 70)
        metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
        assert metrics["latency_ms"]["n"] == 280
        assert metrics["run"]["n_clips"] == 70
        assert metrics["repeats"]["requests"] == 210
        sent = [record["sent_s"] for record in records(run)]
        assert sent == sorted(sent), "rounds follow each other on one clock"
    again = "python -m sv_eval dataset=simulated dataset.simulated.n_clips=70 load.warmup_clips=2 backend=fake"
    assert f"{again} backend.accuracy=0.5 load.rounds=4\n" in (second / "report.md").read_text(encoding="utf-8")
    found = json.loads((tmp_path / "out/compare.json").read_text(encoding="utf-8"))
    assert found["pairs"][0]["differences"]["uar"]["value"] < 0
    by_round = json.loads((tmp_path / "out/race.json").read_text(encoding="utf-8"))["pairs"]
    assert [(one["figure"], one["rounds"]) for one in by_round] == [("p50", 4), ("p95", 4)]
    assert all(one["low"] <= one["ratio"] <= one["high"] and one["needed"] for one in by_round)
    assert f"p50 {by_round[0]['ratio']:.3g} times by 4 rounds" in done.stdout
    assert (tmp_path / "out/race.md").is_file()
    # Who begins changes from round to round.
    begun = [
        line.partition(", ")[2].partition(":")[0] for line in done.stderr.splitlines() if line.startswith("round")
    ]
    assert begun[:4] == [sides[0], sides[1], sides[1], sides[0]]


def test_an_interrupt_after_the_first_round_keeps_what_was_measured(tmp_path: Path) -> None:
    slow = "fake,latency.p50_ms=5,latency.p95_ms=5"
    words = command(slow, "fake", *CORPUS, "rounds=400", f"out={tmp_path / 'out'}")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while "round 3" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=600)

    assert process.returncode == 0, err
    assert "compare.md" in out


def test_a_backend_that_spends_its_failure_budget_ends_the_race(tmp_path: Path) -> None:
    out = tmp_path / "out"

    done = race("fake", "fake,failure_rate=0.9", *CORPUS, "rounds=3", "run.max_failures=0.1", f"out={out}")

    assert done.returncode == 5, done.stderr
    assert "fake,failure_rate=0.9: the failure budget is spent: " in done.stderr.splitlines()[-1]
    assert "run.max_failures=0.1; why: 18 planted" in done.stderr.splitlines()[-1]
    # The first had its turn, the second was stopped in its own, and nobody began another.
    assert [line.partition(":")[0] for line in done.stderr.splitlines()[:-1]] == [
        "round 1 of 3, fake", "round 1 of 3, fake,failure_rate=0.9",
    ]  # fmt: skip
    first, second = runs_of(out)
    assert len(records(first)) == 70
    assert len(records(second)) < 70
    for run in (first, second):
        environment = json.loads((run / "environment.json").read_text(encoding="utf-8"))
        assert environment["sessions"][0]["phases"].get("ended_by") is None, "nobody interrupted it"
    assert (out / "compare.md").is_file()


@pytest.mark.parametrize(("setting", "watched"), [("run.telemetry_s=0.05", True), ("run.telemetry_s=null", False)])
def test_telemetry_stands_beside_every_backend_where_it_is_asked_for(
    tmp_path: Path, setting: str, watched: bool
) -> None:
    done = race("fake", "fake,accuracy=0.5", *CORPUS, "rounds=2", setting, f"out={tmp_path / 'out'}")

    assert done.returncode == 0, done.stderr
    for run in runs_of(tmp_path / "out"):
        machine = json.loads((run / "metrics.json").read_text(encoding="utf-8"))["machine"]
        assert (run / "telemetry.csv").is_file() == watched
        # What others took is told of every run; without samples of anything else.
        assert "others_cpu" in machine
        if not watched:
            assert (machine["samples"], machine["process_cpu"], machine["machine_cpu"]) == (0, None, None)
            continue
        rows = list(csv.DictReader((run / "telemetry.csv").read_text(encoding="utf-8").splitlines()))
        assert machine["interval_s"] == 0.05
        # Each turn takes a sample at its end at least.
        assert machine["samples"] == len(rows) >= 2


def test_a_race_is_not_run_over_another(tmp_path: Path) -> None:
    arguments = ("fake", "fake,accuracy=0.5", *CORPUS, "rounds=2", f"out={tmp_path / 'out'}")
    assert race(*arguments).returncode == 0

    again = race(*arguments)

    assert again.returncode == 2
    assert "choose another out=DIR" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("fake",), "two backends at least"),
        (("fake", "fkae"), "there is no such backend; did you mean fake"),
        (("fake", "fake,accuracy"), "write BACKEND,KEY=VALUE"),
        (("fake", "fake", "rounds=1"), "rounds=1"),
        (("fake", "fake", "rounds=two"), "rounds is a whole number"),
        (("fake", "fake", "find=0"), "find=0.0: the share"),
        (("fake", "fake", "load.rounds=3"), "give rounds=N"),
        (("fake", "fake", "run.decode_workers=0"), "run.decode_workers must be at least 1"),
        (("fake", "fake", "datset=demo"), "did you mean dataset"),
        (("fake", "fake,acuracy=0.3"), "accuracy"),
    ],
)
def test_wrong_input_is_explained_in_a_line(tmp_path: Path, arguments: tuple[str, ...], expected: str) -> None:
    done = race(*arguments, f"out={tmp_path / 'out'}")

    assert done.returncode == 2, done.stderr
    assert expected in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
