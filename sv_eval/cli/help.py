"""`python -m sv_eval --help`: every choice and setting, with the comments that stand beside them.

Read off the configuration files themselves, without Hydra: its own help takes four times as long and drops
the comments.
"""

from __future__ import annotations

from collections.abc import Sequence

from sv_eval.cli.commands import COMMANDS
from sv_eval.config.commented import whole_text
from sv_eval.config.places import conf_dir
from sv_eval.config.settings_index import groups_of, options_of
from sv_eval.errors import ConfigError, nearest

_HEADER = """\
sv-eval measures speech emotion recognition: how right per emotion, how fast, and on what it was measured.

  sv-eval                                       bundled demonstration model on bundled clips
  sv-eval dataset=emodb dataset.root=DIR        a corpus of yours
  sv-eval backend=remote backend.url=URL        a service somewhere else, of yours or of others
  sv-eval gate=ci gate.baseline=RUN_OR_FILE     run, and fail when it is worse than a baseline
  sv-eval sweep vad_chunk                       every combination of two settings, one report on all of them
  sv-eval hydra.run.dir=DIR                     choose the run directory; the same command resumes it
  sv-eval backend=fake dataset=folder --help    the settings of other choices
"""


def _commands() -> str:
    """The table of commands."""
    rows = [f"  {command.name:12}{command.does}" for command in COMMANDS.values()]
    return "\n".join(
        ["Commands (sv-eval COMMAND --help says more; python -m sv_eval.COMMAND is the same):", "", *rows, ""]
    )


_FOOTER = """\
Flags:
  -m, --multirun      run every combination of comma-separated values
  -c job, --cfg job   print the composed configuration and run nothing
  --json              one JSON document on stdout, everything else on stderr; of every command with a result
  --version           the version of sv-eval
  --hydra-help        what else Hydra offers (search path, launchers)

A run directory holds report.md, figures/, metrics.json, records.jsonl, environment.json and .hydra/.
Exit codes: 0 done, 1 error, 2 wrong usage or configuration, 3 gate failed, 4 gate inconclusive, 5 incomplete.
"""
_OWN_SETTINGS = ("run", "report", "robust", "export")


def wants_help(arguments: Sequence[str]) -> bool:
    """Whether this help answers the command line; configuration from elsewhere is left to Hydra's."""
    elsewhere = ("hydra.searchpath", "--config", "-cp", "-cn", "-cd")
    asked = {"-h", "--help"} & set(arguments)
    return bool(asked) and not any(word.startswith(elsewhere) for word in arguments)


def help_of(
    arguments: Sequence[str] = (),
    *,
    main_file: str = "config",
    header: str | None = None,
    footer: str = _FOOTER,
    own: Sequence[str] = _OWN_SETTINGS,
) -> str:
    """The help for the choices that the command line makes; a choice that is not there raises ConfigError.

    main_file: the command's main configuration file; groups that it has no default for are left out. own: the keys
    of that file that are settings.
    """
    conf = conf_dir()
    defaults = groups_of(main_file)
    options = {group: options_of(group) for group in sorted(defaults)}
    chosen = dict(defaults)
    for word in arguments:
        group, equals, option = word.partition("=")
        if equals and group in options:
            if option not in options[group]:
                raise ConfigError(f"{word}: there is no such {group}; {nearest(option, options[group])}")
            chosen[group] = option
    lines = [header or f"{_HEADER}\n{_commands()}", "Choices (GROUP=OPTION, * is the default):", ""]
    for group, names in options.items():
        lines.append(f"  {group}: " + ", ".join(f"{name}*" if name == defaults[group] else name for name in names))
    lines += ["", "Settings (KEY=VALUE, with the group in front, e.g. backend.threads=1):", ""]
    for group, option in chosen.items():
        lines += [f"  {group}={option}", *_indented(whole_text(conf / group / f"{option}.yaml", conf / group)), ""]
    if settings := _own_settings(whole_text(conf / f"{main_file}.yaml"), own):
        lines += [*_indented(settings, "  "), ""]
    return "\n".join([*lines, footer])


def _own_settings(main: str, names: Sequence[str]) -> str:
    """The settings of these names that belong to no group."""
    kept, keeping = [], False
    for line in main.splitlines():
        if line and not line[0].isspace():
            keeping = line.partition(":")[0] in names
        if keeping:
            kept.append(line)
    return "\n".join(kept).strip()


def _indented(text: str, by: str = "    ") -> list[str]:
    return [by + line if line else "" for line in text.strip().splitlines()]
