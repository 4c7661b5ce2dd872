"""The command on the cards' corpora: notes reach the report, and mistakes are one line with exit code 2."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

NUMBERS = {"Neutral": 21, "Angry": 371, "Happy": 721, "Sad": 1071, "Surprise": 1421}


def sv_eval(environment: dict[str, str], cwd: Path, *overrides: str) -> subprocess.CompletedProcess[str]:
    """The finished command, with a backend that answers at once."""
    command = [sys.executable, "-m", "sv_eval", "backend=fake", *overrides, "hydra.run.dir=run"]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=1800, check=False
    )


@pytest.fixture
def esd(tmp_path: Path, write_tone: Callable[..., Path]) -> Path:
    """Two speakers of each language, a sentence in every emotion."""
    for speaker in ("0001", "0004", "0011", "0015"):
        for emotion, number in NUMBERS.items():
            write_tone(tmp_path / "ESD" / speaker / emotion / f"{speaker}_{number:06d}.wav")
    return tmp_path / "ESD"


def test_esd_by_half_and_part(environment, tmp_path, esd):
    done = sv_eval(environment, tmp_path, "dataset=esd_zh", f"dataset.root={esd}", "dataset.split=test")

    assert done.returncode == 0, done.stderr
    report = (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    assert "10 evaluated, 10 scored" in report
    assert "Only 10 of 20 clips, as dataset.only asks (language=zh)." in report
    assert "Speakers with other numbers of clips than the card expects: 10 (0002 0/1750" in report


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("dataset=esd",), "dataset.root isn't set: give the folder of Emotional Speech Dataset (ESD)"),
        (("dataset=ezd",), "there is no such dataset; did you mean esd"),
        (("dataset=emobox", "dataset.root=."), "dataset.name is needed"),
        (("dataset=meld", "dataset.root=."), "no file matches every audio file"),
        (("dataset=esd", "dataset.root=.", "dataset.only={sexx: [male]}"), "did you mean sex"),
    ],
)
def test_mistake_is_one_line(environment, tmp_path, overrides, message):
    done = sv_eval(environment, tmp_path, *overrides)

    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
