"""A service of a checkout, up for as long as it is measured."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from no_verdict import NoVerdictError

_LAST_LINES = 20
_TO_END_S = 20.0


@contextmanager
def service(command: str, ready: str, wait_s: float, folder: Path, log: Path) -> Iterator[None]:
    """The command started in the folder, once the address `ready` answers; behind, it ends with all it started."""
    if not ready:
        raise NoVerdictError(
            "start: without `ready`, an address that answers as soon as the service can be measured"
        )
    if _answers(ready):
        # It would be measured in the service's stead.
        raise NoVerdictError(
            f"{ready} answers before the service was started; end what runs there, or take another port", 1
        )
    with log.open("wb") as file:
        process = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        _wait(process, ready, wait_s, log)
        yield
    finally:
        _end(process)


def _wait(process: subprocess.Popen[bytes], ready: str, wait_s: float, log: Path) -> None:
    until = time.monotonic() + wait_s
    while not _answers(ready):
        if process.poll() is not None:
            raise NoVerdictError(
                f"the service ended with {process.returncode} before it was ready:\n{_last(log)}", 1
            )
        if time.monotonic() > until:
            raise NoVerdictError(f"{ready} does not answer after {wait_s:g} s:\n{_last(log)}", 1)
        time.sleep(0.2)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=10):
            return True
    except (OSError, urllib.error.URLError):
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_TO_END_S)
            return


def _last(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:])
