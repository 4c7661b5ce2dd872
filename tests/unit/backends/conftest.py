"""What tests of backends have in common."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


@pytest.fixture
def silero_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another silero_vad package than the installed one, still without any model; its data folder."""
    folder = tmp_path / "silero_vad" / "data"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    monkeypatch.delitem(sys.modules, "silero_vad", raising=False)  # FunASR may have imported it
    monkeypatch.syspath_prepend(tmp_path)
    return folder
