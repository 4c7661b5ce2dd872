"""What a file held before: its versions in the git repository that it lies in."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

_TIMEOUT_S = 60


def versions_of(file: Path) -> Iterator[tuple[str, str]]:
    """Commit and text of each version that was committed, the oldest first; none outside of a repository.

    A file that was renamed is followed no further.
    """
    folder = file.resolve().parent
    listed = _git(folder, "log", "--reverse", "--format=%H", "--", file.name)
    for commit in (listed or "").split():
        # Where it was deleted there is nothing to be shown.
        text = _git(folder, "show", f"{commit}:./{file.name}")
        if text is not None:
            yield commit, text


def _git(folder: Path, *words: str) -> str | None:
    command = ["git", "-C", str(folder), *words]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)
        return done.stdout.decode("utf-8") if done.returncode == 0 else None
    except (OSError, UnicodeDecodeError, subprocess.TimeoutExpired):
        return None
