"""The script that makes a machine busy beside a command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

BUSY = Path(__file__).resolve().parents[1] / "busy.py"
SIBLINGS = (
    "import json, psutil, sys; own = psutil.Process(); "
    "print(json.dumps([each.pid for each in own.parent().children() if each.pid != own.pid])); "
)


def beside(loops: int, *command: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, str(BUSY), str(loops), "--", *command]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_the_loops_run_beside_the_command_and_end_with_it() -> None:
    done = beside(3, sys.executable, "-c", SIBLINGS + "sys.exit(7)")

    loops = json.loads(done.stdout)
    assert done.returncode == 7
    assert len(loops) == 3
    assert not any(psutil.pid_exists(pid) for pid in loops)


@pytest.mark.parametrize(
    ("command", "code"),
    [(("true",), 0), (("sh", "-c", "kill -9 $$"), 137), (("/no/such/command",), 127)],
    ids=["well", "killed", "not there"],
)
def test_the_exit_code_is_the_command_s(command: tuple[str, ...], code: int) -> None:
    assert beside(1, *command).returncode == code
