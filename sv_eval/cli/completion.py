"""`sv-eval completion`: what makes bash and zsh complete commands, choices and settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sv_eval.cli.commands import COMMANDS, DEFAULT, Command
from sv_eval.errors import UsageError
from sv_eval.machine.terminal import say

_HELP = """\
usage: sv-eval completion bash|zsh

Prints what makes the shell complete `sv-eval`: commands, choices (backend=o<Tab>), settings (backend.thr<Tab>).

  bash: echo 'eval "$(sv-eval completion bash)"' >> ~/.bashrc
  zsh:  echo 'eval "$(sv-eval completion zsh)"' >> ~/.zshrc       after compinit

`sv-eval completion words LINE` prints what the last word of LINE may become, a line each.
"""
_BASH = r"""
_sv_eval() {
  local line="${COMP_LINE:0:COMP_POINT}" current found behind
  current="${line##*[[:space:]]}"
  local IFS=$'\n'
  COMPREPLY=($("${COMP_WORDS[0]}" completion words "$line" 2>/dev/null))
  # bash takes '=' and ':' for ends of words: what stands before the last one is not replaced.
  behind="${current##*[=:]}"
  found="${current%"$behind"}"
  COMPREPLY=("${COMPREPLY[@]#"$found"}")
  if [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" == *[=.] ]]; then compopt -o nospace; fi
}
complete -o default -F _sv_eval sv-eval
"""
_ZSH = r"""
_sv_eval() {
  local -a found open
  found=("${(@f)$(${words[1]} completion words "${(j: :)words[1,CURRENT]}" 2>/dev/null)}")
  found=(${found:#})
  if (( ! ${#found} )); then compset -P '*='; _files; return; fi
  open=(${(M)found:#*[=.]})
  found=(${found:#*[=.]})
  (( ${#open} )) && compadd -Q -S '' -a open
  (( ${#found} )) && compadd -Q -a found
}
compdef _sv_eval sv-eval
"""
_FLAGS = ("--help", "--version")


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints."""
    return _HELP


def run(words: Sequence[str]) -> None:
    """Print a shell's script, or what a line may go on with."""
    what, *rest = words
    scripts = {"bash": _BASH, "zsh": _ZSH}
    if what in scripts and not rest:
        say(scripts[what].strip())
    elif what == "words":
        line = " ".join(rest)
        for candidate in candidates(line):
            say(candidate)
    else:
        raise UsageError(f"'{what}' is not understood; sv-eval completion bash, or zsh")


def candidates(line: str) -> list[str]:
    """What the last word of a command line may become, the program's name being its first.

    >>> candidates("sv-eval ba")
    ['baseline', 'backend=', 'backend.']
    """
    *before, current = line.split(" ")[1:] or [""]
    typed = [word for word in before if word]
    which = COMMANDS.get(typed[0]) if typed else None
    found = _of_command(which, typed[1:], current) if which else _first_words(typed, current)
    return [one for one in dict.fromkeys(found) if one.startswith(current) and one != current]


def _first_words(typed: Sequence[str], current: str) -> Iterator[str]:
    """Where no command was typed: the commands, while nothing was, and what `run` takes."""
    if not typed:
        yield from COMMANDS
    yield from _of_command(COMMANDS[DEFAULT], typed, current)


def _of_command(which: Command, typed: Sequence[str], current: str) -> Iterator[str]:
    if current.startswith("-"):
        yield from (*_FLAGS, "--json") if which.gives_result else _FLAGS
        return
    yield from which.later if typed else which.first
    equals = "=" in current
    if which.main_file is not None:
        taken = (*which.groups, *which.keys)
        for word in _composed(which.main_file, typed, current):
            if not taken or re.split(r"[.=]", word)[0] in taken:
                yield word
    if not equals:
        yield from (f"{key}=" for key in which.keys)


def _composed(main_file: str, typed: Sequence[str], current: str) -> Iterator[str]:
    """Choices and settings of a configuration."""
    from sv_eval.config.settings_index import choices_in, groups_of, options_of, settings_of

    groups = groups_of(main_file)
    key, equals, _ = current.partition("=")
    if equals:
        if key in groups:
            yield from (f"{key}={option}" for option in options_of(key))
        return
    yield from (f"{group}=" for group in groups)
    names = settings_of(main_file, choices_in(typed, main_file))
    leaves = set(names) - {name.rpartition(".")[0] for name in names}
    yield from (_so_far(name, current) for name in names if name in leaves)


def _so_far(name: str, current: str) -> str:
    """A setting's name up to the next dot behind what was typed."""
    dot = name.find(".", len(current))
    return f"{name}=" if dot < 0 else name[: dot + 1]
