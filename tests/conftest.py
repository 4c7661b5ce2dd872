"""What several tests need: real recordings where they are at hand, and small clips of our own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def emodb_root() -> Path:
    """362 real recordings; they are no part of the project, so they may be absent."""
    root = REPOSITORY.parent / "shared" / "data" / "emodb"
    if not root.is_dir():
        pytest.skip("the EmoDB recordings are not beside this checkout (../shared/data/emodb)")
    return root


@pytest.fixture
def write_tone() -> Callable[..., Path]:
    """Writes a second of a tone, or another length, rate and channel count."""

    def write(path: Path, *, seconds: float = 1.0, rate_hz: int = 16_000, channels: int = 1) -> Path:
        import soundfile

        path.parent.mkdir(parents=True, exist_ok=True)
        time_s = np.arange(round(seconds * rate_hz)) / rate_hz
        tone = 0.3 * np.sin(2 * np.pi * 220 * time_s)
        soundfile.write(path, np.repeat(tone[:, None], channels, axis=1), rate_hz)
        return path

    return write
