"""Backends measured in turns from the command line."""

from __future__ import annotations

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


def test_everybody_has_a_turn_in_every_round_and_is_compared(tmp_path: Path) -> None:
    sides = ("fake", "fake,accuracy=0.5")

    done = race(*sides, *CORPUS, "rounds=4", f"out={tmp_path / 'out'}")

    assert done.returncode == 0, done.stderr
    first, second = sorted(path for path in (tmp_path / "out").iterdir() if path.name[0].isdigit())
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
        (("fake", "fake", "load.rounds=3"), "give rounds=N"),
        (("fake", "fake", "datset=demo"), "did you mean dataset"),
        (("fake", "fake,acuracy=0.3"), "accuracy"),
    ],
)
def test_wrong_input_is_explained_in_a_line(tmp_path: Path, arguments: tuple[str, ...], expected: str) -> None:
    done = race(*arguments, f"out={tmp_path / 'out'}")

    assert done.returncode == 2, done.stderr
    assert expected in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
