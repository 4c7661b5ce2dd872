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
from sv_eval.machine.process import leave_threads_behind, run_command
from sv_eval.machine.terminal import collecting, give, print_json, say
from sv_eval.version import __version__

_HELP = {"-h", "--help"}
_VERSION, _JSON = "--version", "--json"


def main(arguments: Sequence[str] | None = None, *, command: str | None = None) -> int:
    """Run `command` (by default what the first word says, and `run` without one) with the words behind it.

    arguments: by default this process's. The exit code comes back.
    """
    code = _ended(list(sys.argv[1:] if arguments is None else arguments), command)
    if arguments is None:
        leave_threads_behind(code)
    return code


def _ended(given: list[str], command: str | None) -> int:
    """The exit code of the words."""
    if _VERSION in given:
        return run_command(lambda: say(f"sv_eval {__version__}"))
    # Hydra then raises its errors instead of printing them, and we say them in one line.
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    words = [word for word in given if word != _JSON]
    if words == given:
        return run_command(lambda: _run(words, command))
    collected: dict[str, Any] = {"command": command, "exit_code": EXIT_PASS, "result": None}
    with collecting(collected):
        code = run_command(lambda: _run(words, command))
    print_json(collected | {"exit_code": code})
    return code


def command(name: str) -> Callable[[Sequence[str]], int]:
    """The command as a function of its words; the exit code comes back."""
    return partial(main, command=name)


def _run(words: Sequence[str], name: str | None) -> int | None:
    """What the words ask for; its exit code comes back, or None for 0."""
    which, rest = (COMMANDS[name], list(words)) if name else _chosen(words)
    give(command=which.name)
    module = importlib.import_module(which.module)
    if wants_help(rest):
        say(module.help_text([word for word in rest if word not in _HELP]))
        return EXIT_PASS
    if not rest and which.needs_words:
        say(module.help_text(rest))
        return EXIT_USAGE
    code: int | None = module.run(rest)
    return code


def _chosen(given: Sequence[str]) -> tuple[Command, list[str]]:
    """The command that the first word names, and the words behind it; without a name it is `run`, or `suite`."""
    first = given[0] if given else ""
    if first in COMMANDS:
        return COMMANDS[first], list(given[1:])
    if first and not first.startswith(("-", "~")) and "=" not in first:
        raise UsageError(f"'{first}' is no command; {nearest(first, COMMANDS)} (see sv-eval --help)")
    suite = any(word.startswith("suite=") for word in given)
    return COMMANDS["suite" if suite else DEFAULT], list(given)
