"""`sv-eval`: the way into every command, and out of it with one of the documented exit codes."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sv_eval.cli.commands import COMMANDS, DEFAULT, Command
from sv_eval.cli.help import wants_help
from sv_eval.errors import EXIT_PASS, EXIT_USAGE, UsageError, nearest
from sv_eval.machine.process import run_command
from sv_eval.machine.terminal import collecting, print_json, say
from sv_eval.version import __version__

_HELP = {"-h", "--help"}
_VERSION, _JSON = "--version", "--json"


def main(arguments: Sequence[str] | None = None, *, command: str | None = None) -> int:
    """Run `command` (by default what the first word says, and `run` without one) with the words behind it.

    arguments: by default this process's. The exit code comes back.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if _VERSION in given:
        return run_command(lambda: say(f"sv_eval {__version__}"))
    chosen: list[Command] = []

    def choose() -> None:
        chosen.append(_chosen(given) if command is None else COMMANDS[command])

    if code := run_command(choose):
        return code
    (which,) = chosen
    words = given[1:] if command is None and given and given[0] == which.name else given
    # Hydra then raises its errors instead of printing them, and we say them in one line.
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    if _JSON not in words:
        return _run(which, words)
    collected: dict[str, Any] = {}
    with collecting(collected):
        code = _run(which, [word for word in words if word != _JSON])
    print_json({"command": which.name, "exit_code": code, "result": None, **collected})
    return code


def command(name: str) -> Callable[[Sequence[str]], int]:
    """The command as a function of its words; the exit code comes back."""
    return partial(main, command=name)


def _chosen(given: Sequence[str]) -> Command:
    first = given[0] if given else ""
    if not first or first in COMMANDS:
        return COMMANDS[first or DEFAULT]
    if first.startswith(("-", "~")) or "=" in first:
        if any(word.startswith("suite=") for word in given):
            return COMMANDS["suite"]
        return COMMANDS[DEFAULT]
    raise UsageError(f"'{first}' is no command; {nearest(first, COMMANDS)} (see sv-eval --help)")


def _run(which: Command, words: list[str]) -> int:
    module = importlib.import_module(which.module)
    if wants_help(words):
        asked = [word for word in words if word not in _HELP]
        return run_command(lambda: say(module.help_text(asked)))
    if not words and which.needs_words:
        run_command(lambda: say(module.help_text(words)))
        return EXIT_USAGE
    codes: list[int | None] = []
    code = run_command(lambda: codes.append(module.run(words)), main_file=which.main_file, words=words)
    return codes[0] or EXIT_PASS if codes and code == EXIT_PASS else code
