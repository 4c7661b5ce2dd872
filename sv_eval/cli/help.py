"""`python -m sv_eval --help`: every choice and setting, with the comments that stand beside them.

Read off the configuration files themselves, without Hydra: its own help takes four times as long and drops
the comments.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sv_eval.config.commented import whole_text
from sv_eval.config.places import conf_dir
from sv_eval.errors import ConfigError, nearest

_HEADER = """\
sv_eval measures speech emotion recognition: how right per emotion, how fast, and on what it was measured.

  python -m sv_eval                                     bundled demonstration model on bundled clips
  python -m sv_eval dataset=emodb dataset.root=DIR      a corpus of yours
  python -m sv_eval backend=fake dataset=simulated      a simulated recogniser: does the harness tell the truth?
  python -m sv_eval -m sweep=vad_chunk                  every combination of two settings, one report on all of them
  python -m sv_eval -m backend.chunk_size=3,4,5         the same for any values; hydra.sweep.dir=DIR resumes it
  python -m sv_eval.tune sweep.holdout=0.3              look for a good setting where a grid would be too large
  python -m sv_eval hydra.run.dir=DIR                   choose the run directory; the same command resumes it
  python -m sv_eval backend=fake dataset=folder --help  the settings of other choices
  python -m sv_eval suite=sensevoice_paper              published figures, measured under a matrix of switches
  python -m sv_eval.corpus check esd root=DIR           is a corpus whole and sound? list, show, sample, …
  python -m sv_eval.labels diff RUN four native         a run under two label maps
  python -m sv_eval gate=ci gate.baseline=RUN_OR_FILE   run, and fail when it is worse than a baseline
  python -m sv_eval.compare A B [C ...]                 finished runs side by side, tested on pairs
  python -m sv_eval.race onnx onnx,threads=1            backends measured in turns, then compared
  python -m sv_eval.gate baseline=A candidate=B         gate two finished runs
  python -m sv_eval.baseline save RUN FILE              a baseline to commit
  python -m sv_eval.score RUN                           score and report a finished run again
  python -m sv_eval.parity A B                          do two backend configurations agree?
  python -m sv_eval.serve                               the HTTP and gRPC service
  python -m sv_eval backend=remote backend.url=URL      a service somewhere else, of yours or of others
  python -m sv_eval.capacity slo.p95_ms=200             the highest rate that keeps an objective
  python -m sv_eval.export RUN                          for pytest-benchmark, HdrHistogram, Prometheus, CSV
  python -m sv_eval.probe url=URL                       which dialect is spoken there? does it tell emotions?
"""
_FOOTER = """\
Flags:
  -m, --multirun      run every combination of comma-separated values
  -c job, --cfg job   print the composed configuration and run nothing
  --hydra-help        what else Hydra offers (completion, search path, launchers)

A run directory holds report.md, figures/, metrics.json, records.jsonl, environment.json and .hydra/.
Exit codes: 0 done, 1 error, 2 wrong usage or configuration, 3 gate failed, 4 gate inconclusive, 5 incomplete.
"""
_OWN_SETTINGS = ("run", "report")


def wants_help(arguments: Sequence[str]) -> bool:
    """Whether this help answers the command line; configuration from elsewhere is left to Hydra's."""
    elsewhere = ("hydra.searchpath", "--config", "-cp", "-cn", "-cd")
    asked = {"-h", "--help"} & set(arguments)
    return bool(asked) and not any(word.startswith(elsewhere) for word in arguments)


def help_text(
    arguments: Sequence[str] = (),
    *,
    main_file: str = "config.yaml",
    header: str = _HEADER,
    footer: str = _FOOTER,
    own: Sequence[str] = _OWN_SETTINGS,
) -> str:
    """The help for the choices that the command line makes; a choice that is not there raises ConfigError.

    main_file: the command's main configuration file; groups that it has no default for are left out. own: the keys
    of that file that are settings.
    """
    conf = conf_dir()
    main = (conf / main_file).read_text(encoding="utf-8")
    everything = {path.name: _options(path) for path in sorted(conf.iterdir()) if path.is_dir()}
    chosen = _defaults(main, everything)
    groups = {group: options for group, options in everything.items() if group in chosen}
    for word in arguments:
        group, equals, option = word.partition("=")
        if equals and group in groups:
            if option not in groups[group]:
                raise ConfigError(f"{word}: there is no such {group}; {nearest(option, groups[group])}")
            chosen[group] = option
    lines = [header, "Choices (GROUP=OPTION, * is the default):", ""]
    defaults = _defaults(main, groups)
    for group, options in groups.items():
        lines.append(f"  {group}: " + ", ".join(f"{o}*" if o == defaults.get(group) else o for o in options))
    lines += ["", "Settings (KEY=VALUE, with the group in front, e.g. backend.threads=1):", ""]
    for group, option in chosen.items():
        lines += [f"  {group}={option}", *_indented(whole_text(conf / group / f"{option}.yaml", conf / group)), ""]
    if settings := _own_settings(whole_text(conf / main_file), own):
        lines += [*_indented(settings, "  "), ""]
    return "\n".join([*lines, footer])


def _options(group: Path) -> list[str]:
    """The options of a group; a file that begins with an underscore is a part of others."""
    files = [path for path in group.rglob("*.yaml") if not path.name.startswith("_")]
    return sorted(path.relative_to(group).with_suffix("").as_posix() for path in files)


def _defaults(main: str, groups: dict[str, list[str]]) -> dict[str, str]:
    """The default option of each group, as the main file's `defaults` list has them."""
    found = {}
    for line in main.splitlines():
        group, colon, option = line.strip().removeprefix("- ").partition(": ")
        if line.strip().startswith("- ") and colon and group in groups:
            found[group] = option.strip()
    return found


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
