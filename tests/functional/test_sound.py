"""Sound that speech models aren't made for can't be reported without its caveat."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from sv_eval.data.audio.decoding import decode
from tests.functional.inside import inside

Samples = NDArray[np.float32]
Call = Callable[..., subprocess.CompletedProcess[str]]
Metrics = Callable[[Path], dict[str, Any]]
Records = Callable[[Path], list[dict[str, Any]]]
DEMO = Path(__file__).resolve().parents[2] / "datasets" / "demo"


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`call(*arguments)` is `python -m sv_eval ARGUMENTS` in the test's own folder, but within this process."""
    return partial(inside, cwd=tmp_path)


def _at_8_khz(samples: Samples) -> Samples:
    return np.asarray(soxr.resample(samples, 16_000, 8000), dtype=np.float32)


def _telephone(samples: Samples) -> Samples:
    """300 to 3400 Hz, back at 16 kHz."""
    from scipy.signal import butter, sosfiltfilt

    narrow = sosfiltfilt(butter(4, [300, 3400], "bandpass", fs=8000, output="sos"), _at_8_khz(samples))
    return np.asarray(soxr.resample(narrow, 8000, 16_000), dtype=np.float32)


CORPORA: dict[str, tuple[Callable[[Samples], Samples], int, str, str]] = {
    "files of 8 kHz": (_at_8_khz, 8000, "PCM_16", "sound_narrow"),
    "resampled to 16 kHz": (
        lambda samples: np.asarray(soxr.resample(_at_8_khz(samples), 8000, 16_000)),
        16_000, "PCM_16", "sound_narrow",
    ),
    "8 kHz under a 16 kHz header": (_at_8_khz, 16_000, "PCM_16", "sound_fast"),
    "mu-law of 300 to 3400 Hz": (lambda samples: _telephone(samples)[::2], 8000, "ULAW", "sound_narrow"),
    "mu-law at 16 kHz": (_telephone, 16_000, "PCM_16", "sound_narrow"),
    "a second of silence at both ends": (lambda samples: np.pad(samples, 16_000), 16_000, "PCM_16", "sound_padded"),
    "white noise at 10 dB": (
        lambda samples: samples
        + np.random.default_rng(0).normal(0, 0.316 * samples.std(), len(samples)).astype(np.float32),
        16_000, "PCM_16", "sound_noisy",
    ),
    "white noise at 20 dB": (
        lambda samples: samples
        + np.random.default_rng(0).normal(0, 0.1 * samples.std(), len(samples)).astype(np.float32),
        16_000, "PCM_16", "sound_background",
    ),
    "40 dB less": (lambda samples: samples / 100, 16_000, "PCM_24", "sound_quiet"),
}  # fmt: skip


@pytest.mark.parametrize("made", CORPORA)
def test_a_corpus_of_such_sound_is_not_reported_without_the_caveat(
    made: str, call: Call, tmp_path: Path, metrics_of: Metrics
) -> None:
    change, rate_hz, subtype, code = CORPORA[made]
    _write_corpus(tmp_path, change, rate_hz, subtype)

    done = call("dataset=manifest", "dataset.manifest.file=m.csv", "load=offline", "hydra.run.dir=run")

    assert done.returncode == 0, done.stderr
    assert code in [caveat["code"] for caveat in metrics_of(tmp_path / "run")["caveats"]]
    head, _, rest = (tmp_path / "run" / "report.md").read_text(encoding="utf-8").partition("## What was measured")
    # In the first screens: beneath the summary, or among the caveats.
    assert ("The level of 23 of 23 clips" if code == "sound_quiet" else "> **") in head
    assert "## What the sound was" in rest

    audited = call("check", "manifest", "manifest.file=m.csv", "out=audit", module="sv_eval.corpus")

    found = json.loads((tmp_path / "audit" / "audit.json").read_text(encoding="utf-8"))["findings"]
    assert code in [finding["code"] for finding in found], audited.stderr


def test_clean_sound_is_reported_without_any(
    call: Call, tmp_path: Path, metrics_of: Metrics, records_of: Records
) -> None:
    _write_corpus(tmp_path, lambda samples: samples, 16_000, "PCM_16")

    done = call("dataset=manifest", "dataset.manifest.file=m.csv", "hydra.run.dir=run", "report.language=zh")

    assert done.returncode == 0, done.stderr
    found = metrics_of(tmp_path / "run")
    told = {caveat["code"] for caveat in found["caveats"]}
    assert not told & {"sound_narrow", "sound_fast", "sound_noisy", "sound_background", "sound_padded"}
    assert not told & {"sound_clipped", "sound_offset"}
    assert found["sound"]["n"] == 23
    assert all(record["sound"]["band_hz"] > 7000 for record in records_of(tmp_path / "run"))
    assert "## 声音的状况" in (tmp_path / "run" / "report.md").read_text(encoding="utf-8")


def _write_corpus(folder: Path, change: Callable[[Samples], Samples], rate_hz: int, subtype: str) -> None:
    """Every ninth demo clip, changed, and a manifest of them."""
    rows = list(csv.DictReader((DEMO / "manifest.csv").read_text("utf-8").splitlines()))[::9]
    with (folder / "m.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "emotion", "speaker"])
        for number, row in enumerate(rows):
            samples = np.asarray(decode(DEMO / row["path"]).samples)
            soundfile.write(folder / f"{number}.wav", np.clip(change(samples), -1, 1), rate_hz, subtype=subtype)
            writer.writerow([f"{number}.wav", row["emotion"], row["speaker"]])
