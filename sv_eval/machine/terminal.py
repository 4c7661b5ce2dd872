"""What a person reads on a terminal: a command's own output, what went wrong, and paths from here."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def say(message: object) -> None:
    """Print a command's own output; a reader that has seen enough (`| head`) ends nothing."""
    try:
        print(message, flush=True)
    except BrokenPipeError:
        # The interpreter must not try to flush the rest when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(message: object) -> None:
    """Print what went wrong on stderr, in one line."""
    print(f"sv_eval: {' '.join(str(message).split())}", file=sys.stderr)


def relative(path: Path) -> str:
    """The path from here where it lies below, else as it is."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
