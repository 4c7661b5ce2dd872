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
    """`call(*arguments)` is `python -m sv_eval ARGUMENTS` in the test's own folder; `more` is environment."""

    def run(
        *arguments: str, module: str = "sv_eval", cwd: Path = tmp_path, **more: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=cwd,
            env=environment | more,
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A setting, and the folder that PYTHONPATH needs for it: a simulated recogniser that tells its planted latency
    instead of waiting for it, so that a busy machine adds nothing.
    """
    folder = tmp_path_factory.mktemp("told")
    (folder / "told_backend.py").write_text(
        "import time\n"
        "from dataclasses import replace\n"
        "from sv_eval.backends.fake import FakeBackend\n"
        "from sv_eval.records import Passage\n"
        "class Noted:\n"
        "    waited_s = 0.0\n"
        "    def now(self):\n"
        "        return 0.0\n"
        "    async def wait_until(self, moment_s):\n"
        "        self.waited_s = moment_s\n"
        "class Told(FakeBackend):\n"
        "    def __init__(self, **settings):\n"
        "        self.noted = Noted()\n"
        "        super().__init__(**settings, clock=self.noted)\n"
        "    async def recognize(self, requests):\n"
        "        begin_s, answers = time.perf_counter(), await super().recognize(requests)\n"
        "        passage = Passage(begin_s=begin_s, latency_ms=self.noted.waited_s * 1000)\n"
        "        return [replace(answer, passage=passage) for answer in answers]\n",
        encoding="utf-8",
    )
    return "backend._target_=told_backend.Told", folder


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
