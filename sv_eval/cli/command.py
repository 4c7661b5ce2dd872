"""What all commands share: help, and errors as one line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from sv_eval.errors import EXIT_PASS, EXIT_USAGE
from sv_eval.machine.process import run_command


def main_of(arguments: Sequence[str] | None, usage: str, body: Callable[[list[str]], object]) -> int:
    """The exit code of a command with a command line of its own: its help, or `body` with what was given."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or {"-h", "--help"} & set(given):
        print(usage, end="")
        return EXIT_PASS if given else EXIT_USAGE
    # Hydra raises its errors for us to say.
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    return run_command(lambda: body(given))
