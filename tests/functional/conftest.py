"""Calls the commands as a user does, in processes of their own, and reads what they leave."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def call(tmp_path: Path, environment: dict[str, str]) -> Call:
    """`call(*arguments)` is `python -m sv_eval ARGUMENTS` in the test's own folder."""

    def run(*arguments: str, module: str = "sv_eval", cwd: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def metrics_of() -> Callable[[Path], dict[str, Any]]:
    """Reads a run's metrics.json."""

    def read(run: Path) -> dict[str, Any]:
        data: dict[str, Any] = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
        return data

    return read


@pytest.fixture(scope="session")
def records_of() -> Callable[[Path], list[dict[str, Any]]]:
    """Reads a run's records, in the order in which they were written."""

    def read(run: Path) -> list[dict[str, Any]]:
        lines = (run / "records.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    return read
