"""What is wrong is said in one clear line with exit code 2, or becomes a FAILURE record; no traceback."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.functional.inside import inside

Call = Callable[..., subprocess.CompletedProcess[str]]


def said(done: subprocess.CompletedProcess[str]) -> str:
    """The one line on stderr of a command that ended with exit code 2."""
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["backend=onxx"], ["onxx", "onnx"]),
        (["dataset=emobd"], ["emobd", "emodb"]),
        (["load=single"], ["single", "single_stream"]),
        (["suite=demo", "gate=ci"], ["gate is no setting or choice of this command"]),
        (["backend.thread=2"], ["backend.thread", "threads"]),
        (["scorings.policy=ban"], ["scoring"]),
        (["run.max_failure=1"], ["max_failures"]),
        (["scoring.policy=bann"], ["scoring.policy", "ban"]),
        (["backend.language=klingon"], ["backend.language", "choose one of", "auto"]),
        (["backend.precision=fp61"], ["backend.precision", "fp32"]),
        (["backend.model=/no/such/model"], ["/no/such/model", "directory"]),
        (["dataset=emodb"], ["dataset.root"]),
        (["dataset=emodb", "dataset.root=/no/such/folder"], ["/no/such/folder", "dataset.root"]),
        (["dataset=emodb", "dataset.root=.", "dataset.split=tset"], ["tset", "did you mean test"]),
        (["backend.threads=two"], ["backend", "threads", "whole number"]),
        (["backend=fake", "backend.seed=x"], ["seed", "whole number"]),
        (["run.max_failures=some"], ["max_failures", "number"]),
        (["report.language=fr"], ["report.language", "en"]),
        (["backend._target_=no.such.Thing"], ["no.such.Thing"]),
        (["dataset.root"], ["dataset.root"]),
        (["scoring=null"], ["group"]),
        (["labels=foru"], ["labels=foru", "four"]),
        (["labels.merges.clam=neutral"], ["clam", "calm"]),
        (["labels.merges.calm=nuetral"], ["labels.merges.calm", "neutral"]),
        (["labels=three", "scoring.labels=[happy]"], ["happy", "three", "positive"]),
        (["backend=[onnx,fake]"], ["backend"]),
    ],
)
def test_a_wrong_command_line_is_explained(tmp_path: Path, arguments: list[str], expected: list[str]) -> None:
    line = said(inside(*arguments, cwd=tmp_path))

    for words in expected:
        assert words in line


def test_an_empty_corpus_is_refused(call: Call, tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()

    line = said(call("backend=fake", "dataset=folder", f"dataset.root={tmp_path / 'corpus'}"))

    assert str(tmp_path / "corpus") in line


def test_a_label_that_the_card_does_not_hold_is_named(call: Call, tmp_path: Path, write_tone: Any) -> None:
    write_tone(tmp_path / "corpus" / "hapy" / "a.wav")

    line = said(call("backend=fake", "dataset=folder", f"dataset.root={tmp_path / 'corpus'}"))

    assert "hapy" in line
    assert "happy" in line
    assert "dataset.labels" in line


def test_a_run_directory_that_can_not_be_written_is_named(call: Call, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    line = said(call("backend=fake", "dataset=simulated", f"hydra.run.dir={tmp_path / 'file' / 'run'}"))

    assert str(tmp_path / "file") in line


def test_files_that_are_no_usable_audio_become_failures_and_the_others_are_answered(
    call: Call, tmp_path: Path, write_tone: Any, records_of: Callable[[Path], list[dict[str, Any]]]
) -> None:
    happy = tmp_path / "corpus" / "happy"
    whole = write_tone(happy / "whole.wav")
    (happy / "truncated.wav").write_bytes(whole.read_bytes()[:20_000])
    (happy / "text.wav").write_text("this is not audio", encoding="utf-8")
    (happy / "empty.wav").touch()
    write_tone(happy / "no_samples.wav", seconds=0)
    write_tone(happy / "twenty_ms.wav", seconds=0.02)
    write_tone(happy / "telephone.wav", rate_hz=8000, channels=2)
    write_hours(happy / "hours.flac", 3)

    done = call(
        "backend=fake", "dataset=folder", f"dataset.root={tmp_path / 'corpus'}", "hydra.run.dir=run",
        "run.max_failures=10",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    records = {Path(record["clip"]["path"]).name: record for record in records_of(tmp_path / "run")}
    kinds = {name: record.get("failure", {}).get("kind") for name, record in records.items()}
    assert kinds == {
        "whole.wav": None,
        "telephone.wav": None,
        "truncated.wav": "truncated",
        "text.wav": "not_audio",
        "empty.wav": "empty",
        "no_samples.wav": "empty",
        "twenty_ms.wav": "too_short",
        "hours.flac": "too_long",
    }
    assert records["telephone.wav"]["audio_s"] == pytest.approx(1.0, abs=0.01)
    for name, record in records.items():
        if kinds[name]:
            assert name in record["failure"]["message"]


def test_a_hopeless_run_ends_early_with_a_partial_report(call: Call, tmp_path: Path) -> None:
    done = call(
        "backend=fake", "backend.failure_rate=0.9", "dataset=simulated",
        "dataset.simulated.n_clips=500", "hydra.run.dir=run",
    )  # fmt: skip

    assert done.returncode == 5
    assert "failure budget" in done.stderr
    assert "Traceback" not in done.stderr
    report = (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    assert "Incomplete run" in report


def test_a_changed_configuration_is_refused_with_the_difference(call: Call, tmp_path: Path) -> None:
    arguments = ["backend=fake", "dataset=simulated", "dataset.simulated.n_clips=50", "hydra.run.dir=run"]
    assert call(*arguments).returncode == 0
    before = (tmp_path / "run" / ".hydra" / "config.yaml").read_text(encoding="utf-8")

    line = said(call(*arguments, "backend.accuracy=0.9"))

    assert "backend.accuracy: 0.8 -> 0.9" in line
    assert (tmp_path / "run" / ".hydra" / "config.yaml").read_text(encoding="utf-8") == before


@pytest.mark.parametrize("arguments", [[], ["nowhere"], ["nowhere", "scoring.polcy=ban"], ["nowhere", "wrong"]])
def test_scoring_something_that_is_no_run_is_refused(call: Call, arguments: list[str]) -> None:
    done = call(*arguments, module="sv_eval.score")

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def write_hours(path: Path, hours: float) -> None:
    """Silence, which FLAC keeps small."""
    with soundfile.SoundFile(path, "w", samplerate=16_000, channels=1) as file:
        minute = np.zeros(16_000 * 60, dtype=np.int16)
        for _ in range(round(hours * 60)):
            file.write(minute)
