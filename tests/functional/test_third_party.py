"""Others add a backend and a corpus from outside the repository, with a package of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sv_eval.config.places import house

BACKEND = '''
from sv_eval.backend import BackendInfo, Capabilities
from sv_eval.records import Prediction


class LoudnessBackend:
    """Calls everything loud angry."""

    capabilities = Capabilities(labels=("angry", "neutral"), max_batch=4)
    info = BackendInfo(name="loudness", model="RMS threshold", device="cpu")

    def __init__(self, *, threshold: float) -> None:
        self._threshold = threshold

    async def __aenter__(self):
        return self

    async def __aexit__(self, *reason):
        return None

    async def recognize(self, requests):
        return [self._judge(request.waveform.samples) for request in requests]

    def _judge(self, samples):
        label = "angry" if float((samples**2).mean() ** 0.5) > self._threshold else "neutral"
        return Prediction(label=label, forced=label, scores={label: 1.0}, confidence=1.0)
'''
BACKEND_CONF = "_target_: loud_ser.emotion.LoudnessBackend\nthreshold: 0.1\n"
CARD = """
schema_version: 1
name: shouts
title: Shouts and murmurs
licence: {id: CC0-1.0}
source: {how: "Record them yourself."}
layout: {kind: pattern, glob: "*.wav", pattern: '(?P<speaker>s\\d)_(?P<label>shout|murmur)\\.wav$'}
labels: {map: {shout: angry, murmur: neutral}}
label_order: [angry, neutral]
"""
DATASET_CONF = "defaults: [_common@_here_, _self_]\nname: shouts\ncard: ???\nroot: ???\n"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A small package with a backend, a configuration for it, and a corpus card."""
    files = {
        "loud_ser/__init__.py": "",
        "loud_ser/emotion.py": BACKEND,
        "loud_ser/conf/__init__.py": "",
        "loud_ser/conf/backend/loudness.yaml": BACKEND_CONF,
        "loud_ser/conf/dataset/shouts.yaml": DATASET_CONF,
        "cards/shouts/dataset.yaml": CARD,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_backend_and_a_corpus_of_others_are_used_like_ours(
    package: Path,
    tmp_path: Path,
    environment: dict[str, str],
    write_tone: Callable[..., Path],
    metrics_of: Callable[[Path], dict[str, Any]],
) -> None:
    import soundfile

    for speaker in ("s1", "s2"):
        loud = write_tone(tmp_path / "audio" / f"{speaker}_shout.wav")
        samples, rate = soundfile.read(loud)
        soundfile.write(tmp_path / "audio" / f"{speaker}_murmur.wav", samples * 0.05, rate)
    command = [
        sys.executable, "-m", "sv_eval", "hydra.searchpath=[pkg://loud_ser.conf]", "backend=loudness",
        "dataset=shouts", f"dataset.card={package / 'cards' / 'shouts'}", f"dataset.root={tmp_path / 'audio'}",
        "hydra.run.dir=run",
    ]  # fmt: skip
    paths = f"{house()}:{package}"

    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    metrics = metrics_of(tmp_path / "run")
    assert metrics["run"]["backend"] == "loudness"
    assert metrics["run"]["dataset"] == "shouts"
    assert metrics["accuracy"]["uar"]["value"] == 1.0
    assert metrics["labels"] == ["angry", "neutral"]
