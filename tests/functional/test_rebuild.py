"""The bundled clips and the bundled model come from the documented commands."""

from __future__ import annotations

import csv
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sv_eval.backends.sensevoice.model_dir import bundled_model, open_model
from sv_eval.config.places import cards_dir

REPOSITORY = Path(__file__).resolve().parents[2]
DEMO = cards_dir() / "demo"
MADE_WITH = "1.51"
"""The espeak-ng release that spoke the bundled clips; another one may speak otherwise."""


def rows_of(manifest: Path) -> list[dict[str, str]]:
    with manifest.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_the_bundled_clips_are_made_again_bit_by_bit(tmp_path: Path) -> None:
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed (make test installs it)")
    version = subprocess.run(["espeak-ng", "--version"], capture_output=True, text=True, check=True).stdout
    command = [sys.executable, str(DEMO / "prepare.py"), "--part", "demo", "--out", str(tmp_path)]

    subprocess.run(command, check=True, capture_output=True, timeout=1800)

    assert (tmp_path / "manifest.csv").read_bytes() == (DEMO / "manifest.csv").read_bytes()
    if MADE_WITH not in version:
        pytest.skip(f"the clips were spoken by espeak-ng {MADE_WITH}, here is {version.split(' Data')[0]}")
    for row in rows_of(DEMO / "manifest.csv"):
        ours, _ = soundfile.read(DEMO / row["path"], dtype="int16")
        again, _ = soundfile.read(tmp_path / row["path"], dtype="int16")
        assert np.array_equal(ours, again), row["id"]


@pytest.mark.slow
def test_the_training_command_writes_a_model_that_is_measured_like_any_other(tmp_path: Path) -> None:
    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("funasr") is None:
        pytest.skip("torch and funasr are not installed (make test installs them)")
    write_synthetic(tmp_path / "synthetic")
    write_emodb(tmp_path / "emodb" / "wav")
    command = [
        sys.executable, "-m", "sv_eval.backends.sensevoice.training", "--synthetic", str(tmp_path / "synthetic"),
        "--emodb", str(tmp_path / "emodb"), "--out", str(tmp_path / "model"), "--steps", "3",
    ]  # fmt: skip

    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, timeout=1800)

    made, bundled = open_model(tmp_path / "model"), open_model(bundled_model())
    assert made.vocabulary.emotions == bundled.vocabulary.emotions
    assert made.card["training"]
    run = [
        sys.executable, "-m", "sv_eval", f"backend.model={tmp_path / 'model'}", "dataset=folder",
        f"dataset.root={tmp_path / 'folder'}", "hydra.run.dir=run",
    ]  # fmt: skip
    for row in rows_of(DEMO / "manifest.csv")[:4]:
        target = tmp_path / "folder" / row["emotion"] / Path(row["path"]).name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(DEMO / row["path"], target)
    environment = {"PYTHONPATH": str(REPOSITORY), "PATH": str(Path(sys.executable).parent)}
    done = subprocess.run(run, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def write_synthetic(folder: Path) -> None:
    """A part of the demo clips, under other voices' names, in the form of the training material."""
    rows = rows_of(DEMO / "manifest.csv")[::8]
    (folder / "clips").mkdir(parents=True)
    for row in rows:
        shutil.copy(DEMO / row["path"], folder / row["path"])
        row["speaker"] = f"train_{row['speaker']}"
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_emodb(folder: Path) -> None:
    """Demo clips under EmoDB's file names: two speakers to train on, one held out, four emotions each."""
    folder.mkdir(parents=True)
    letters = {"angry": "W", "neutral": "N", "happy": "F", "sad": "T"}
    rows = [row for row in rows_of(DEMO / "manifest.csv") if row["emotion"] in letters]
    for speaker, wanted in zip(("03", "08", "12"), ("en_f1", "en_m1", "zh_f1"), strict=True):
        for row in [row for row in rows if row["speaker"] == wanted]:
            samples, rate = soundfile.read(DEMO / row["path"])
            version = "ab"[int(row["id"][-2:]) - 1]
            soundfile.write(folder / f"{speaker}a01{letters[row['emotion']]}{version}.wav", samples, rate)
