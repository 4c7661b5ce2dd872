"""Commands killed at the worst moment, and given again: what random kills found, each at its own moment."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sv_eval.backends.fake import FakeBackend
from sv_eval.cli.main import command
from sv_eval.config.composing import composed
from sv_eval.record_file.lines import RECORDS
from sv_eval.record_file.set_aside import SET_ASIDE
from sv_eval.run.evaluate import evaluate

pytestmark = pytest.mark.damages_files
KILLER = """
import os, signal, sys
event, name, words = sys.argv[1], sys.argv[2], sys.argv[3:]
def look(seen, given):
    if seen == event and str(given[1 if seen == "os.rename" else 0]).endswith(name):
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(look)
from sv_eval.cli.main import main
raise SystemExit(main(words[1:], command=words[0]))
"""
CONFIG = ("backend=fake", "dataset=simulated", "dataset.simulated.n_clips=30", "scoring.resamples=100",
          "load.warmup_clips=0", "run.telemetry_s=null")  # fmt: skip


def killed(tmp_path: Path, event: str, name: str, *words: str) -> None:
    """Run a command that is killed when it is about to do that to a file whose path ends so."""
    done = subprocess.run(
        [sys.executable, "-c", KILLER, event, name, *words], cwd=tmp_path, check=False, timeout=600
    )
    assert done.returncode == -signal.SIGKILL


def run_with(directory: Path, seed: int = 0) -> list[bytes]:
    evaluate(composed("config", [*CONFIG, f"backend.seed={seed}"]), FakeBackend(seed=seed), directory)
    return (directory / RECORDS).read_bytes().splitlines(keepends=True)


def test_lines_that_are_put_aside_are_there_once_whenever_that_is_killed(tmp_path: Path) -> None:
    own, foreign = run_with(tmp_path / "run"), run_with(tmp_path / "other", seed=1)[:5]
    records = tmp_path / "run" / RECORDS
    records.write_bytes(b"".join(own + foreign))

    killed(tmp_path, "os.rename", RECORDS, "score", "run", "set_aside=true", "scoring.resamples=100")
    assert records.read_bytes() == b"".join(own + foreign)
    assert command("score")([str(tmp_path / "run"), "set_aside=true", "scoring.resamples=100"]) == 0

    aside = [json.loads(line) for line in (tmp_path / "run" / SET_ASIDE).read_bytes().splitlines()]
    assert [one["text"].encode() + b"\n" for one in aside] == foreign
    assert records.read_bytes() == b"".join(own)


def test_a_sample_that_was_killed_can_be_drawn_again(tmp_path: Path) -> None:
    words = ("corpus", "sample", "demo", "per_emotion=1", "out=drawn")
    killed(tmp_path, "open", ".index.md.partial", *words)
    assert not (tmp_path / "drawn").exists()

    done = subprocess.run([sys.executable, "-m", "sv_eval.corpus", *words[1:]], cwd=tmp_path, check=False)

    assert done.returncode == 0
    assert (tmp_path / "drawn" / "index.md").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["drawn"]


def test_a_suite_that_goes_on_and_is_killed_keeps_what_it_found_before(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "suite.json").write_text('{"sets": "found before"}')

    killed(tmp_path, "open", "records.jsonl", "suite", "suite=demo", "limit=5", "out=out")

    assert (tmp_path / "out" / "suite.json").read_text() == '{"sets": "found before"}'


def test_a_setting_that_was_killed_before_its_report_has_one_when_the_sweep_goes_on(tmp_path: Path) -> None:
    words = ("run", "-m", *CONFIG, "backend.seed=1,2", "hydra.sweep.dir=swept")
    killed(tmp_path, "open", "1/.report.md.partial", *words)

    done = subprocess.run([sys.executable, "-m", "sv_eval", *words[1:]], cwd=tmp_path, check=False)

    assert done.returncode == 0
    assert all((tmp_path / "swept" / f"{n}" / "report.md").is_file() for n in range(3))


def test_half_a_file_that_a_kill_left_is_gone_when_the_run_goes_on(tmp_path: Path) -> None:
    run_with(tmp_path / "run")
    half = tmp_path / "run" / ".environment.json.partial"
    half.write_text("{")

    run_with(tmp_path / "run")

    assert not half.exists()
