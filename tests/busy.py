"""Runs a command on a busy machine: beside busy loops, which end when it ends.

`python tests/busy.py 20 -- python -m pytest -n 2` runs the tests beside 20 loops, each of which takes all of a core
that it is given. The exit code is the command's; where a signal ended it, 128 and the signal's number.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# A loop ends by itself when it has lost its parent, whatever has become of this process.
_LOOP = """
import os, sys
while os.getppid() == int(sys.argv[1]):
    for _ in range(1_000_000):
        pass
"""


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Within it, `count` busy loops run, each in a process of its own."""
    loops: list[subprocess.Popen[bytes]] = []
    try:
        loops.extend(subprocess.Popen([sys.executable, "-c", _LOOP, str(os.getpid())]) for _ in range(count))
        yield
    finally:
        for loop in loops:
            loop.kill()
        for loop in loops:
            loop.wait()


def beside(count: int, command: list[str]) -> int:
    """Run `command` beside `count` busy loops; its exit code."""
    with busy(count):
        try:
            process = subprocess.Popen(command)
        except OSError as error:
            print(f"{command[0]} can not be run: {error.strerror}", file=sys.stderr)
            return 127
        # To end this is to end the command; Ctrl-C in a terminal reaches the command by itself.
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        code = process.wait()
    return code if code >= 0 else 128 - code


def main() -> int:
    parser = argparse.ArgumentParser(description="Run a command beside busy loops.")
    parser.add_argument("loops", type=int, help="how many busy loops")
    parser.add_argument("command", nargs="+", help="after --: the command and its arguments")
    given = parser.parse_args()
    return beside(given.loops, given.command)


if __name__ == "__main__":
    sys.exit(main())
