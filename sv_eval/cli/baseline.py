"""`python -m sv_eval.baseline`: baseline files, what the gate needs of a run in one small JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sv_eval.cli.commands import COMMANDS
from sv_eval.cli.words import parse
from sv_eval.config.overrides import as_word
from sv_eval.errors import UsageError, nearest
from sv_eval.machine.terminal import give, relative, say

if TYPE_CHECKING:
    from sv_eval.report.interval import Interval
    from sv_eval.studies.gate.subject import Subject

_HELP = """\
usage: sv-eval baseline save RUN FILE
       sv-eval baseline show FILE
       sv-eval baseline update FILE RUN

A baseline file holds every clip's outcome, the latencies and what the run was, so that a later run can be gated
against it on pairs (`sv-eval gate`); it is small enough to be committed.

  save     writes a new file; one that is there is left alone
  show     prints what a file is of
  update   replaces a file by another run, and prints what changes: the corpus too, if it is another one

Exit codes: 0 done, 1 error, 2 wrong usage.
"""
_NOTHING = "-"
_COMMANDS = {"save": 2, "show": 1, "update": 2}


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints."""
    return _HELP


def run(arguments: Sequence[str]) -> None:
    """Do what the words say."""
    command, *rest = parse(arguments, COMMANDS["baseline"]).names
    if command not in _COMMANDS:
        raise UsageError(f"'{command}' is no command; {nearest(command, _COMMANDS)}")
    if len(rest) != _COMMANDS[command]:
        raise UsageError(f"'{command}' needs other arguments; see sv-eval baseline --help")
    if command == "save":
        _save(Path(rest[0]), Path(rest[1]))
    elif command == "show":
        _show(Path(rest[0]))
    else:
        _update(Path(rest[0]), Path(rest[1]))


def _save(run: Path, file: Path) -> None:
    from sv_eval.studies.gate.baseline_file import write_baseline
    from sv_eval.studies.gate.subject import subject_of_run

    if file.exists():
        raise UsageError(f"{file}: is there already; `sv-eval baseline update {file} {run}` replaces it")
    subject = subject_of_run(run)
    _refuse_incomplete(subject, run)
    write_baseline(file, subject)
    size = file.stat().st_size
    say(f"{relative(file)}: {len(subject.table)} clips, {size / 1000:.1f} kB")
    give(result=_told(subject), file=str(file))


def _show(file: Path) -> None:
    from sv_eval.studies.gate.baseline_file import read_baseline

    subject = read_baseline(file)
    lines = [f"{key}: {_said(value)}" for key, value in subject.identity.items() if value is not None]
    lines += [f"classes: {', '.join(subject.labels)}", f"unknown policy: {subject.policy}"]
    lines += [f"{name}: {_figure(figure)}" for name, figure in _headline(subject)]
    lines += [f"latency {name}: {_milliseconds(figure)}" for name, figure in _latency(subject)]
    say("\n".join(lines))
    give(result=_told(subject), file=str(file))


def _update(file: Path, run: Path) -> None:
    from sv_eval.report.identity import differences
    from sv_eval.studies.gate.baseline_file import read_baseline, write_baseline
    from sv_eval.studies.gate.subject import subject_of_run

    before, after = read_baseline(file), subject_of_run(run)
    _refuse_incomplete(after, run)
    # Of an older baseline the settings aren't known.
    if (settings := before.identity.get("settings")) is not None:
        for key, was, now in differences(settings, after.identity["settings"]):
            say(f"backend.{key}: {as_word(was)} -> {as_word(now)}")
    for key in after.identity:
        if key != "settings" and before.identity.get(key) != after.identity[key]:
            say(f"{key}: {_said(before.identity.get(key))} -> {_said(after.identity[key])}")
    for (name, was), (_, now) in zip(_headline(before), _headline(after), strict=True):
        say(f"{name}: {_figure(was)} -> {_figure(now)}")
    for (name, was), (_, now) in zip(_latency(before), _latency(after), strict=True):
        say(f"latency {name}: {_milliseconds(was)} -> {_milliseconds(now)}")
    write_baseline(file, after)
    say(f"{relative(file)}: {len(after.table)} clips")
    give(result={"before": _told(before), "after": _told(after)}, file=str(file))


def _told(subject: Subject) -> dict[str, Any]:
    """What a baseline file is of, for scripts."""
    from sv_eval.report.codec import as_json

    return {
        "clips": len(subject.table),
        "labels": list(subject.labels),
        "policy": subject.policy,
        "identity": dict(subject.identity),
        "accuracy": {name: as_json(figure) for name, figure in _headline(subject)},
        "latency_ms": {name: as_json(figure) for name, figure in _latency(subject)},
    }


def _refuse_incomplete(subject: Subject, run: Path) -> None:
    missing = subject.identity["n_clips"] - len(subject.table)
    if missing > 0:
        raise UsageError(f"{run} is incomplete: {missing} clips have no record; finish the run first")
    if missing < 0:
        raise UsageError(f"{run} has records of clips that its corpus does not have: {-missing}; delete them")


def _said(value: object) -> str:
    """A value of the identity; settings as on a command line."""
    if isinstance(value, Mapping):
        return " ".join(f"{name}={as_word(one)}" for name, one in value.items())
    return _NOTHING if value is None else str(value)


def _headline(subject: Subject) -> list[tuple[str, Interval]]:
    accuracy = subject.figures.accuracy
    return [(name, getattr(accuracy, name)) for name in ("uar", "accuracy", "macro_f1", "weighted_f1")]


def _latency(subject: Subject) -> list[tuple[str, Interval]]:
    return [("p50", subject.figures.latency_ms.p50), ("p95", subject.figures.latency_ms.p95)]


def _milliseconds(figure: Interval) -> str:
    said = _figure(figure)
    return said if said == _NOTHING else f"{said} ms"


def _figure(figure: Interval) -> str:
    if figure.value is None:
        return _NOTHING
    bounds = "" if figure.low is None or figure.high is None else f" [{figure.low:.4g}, {figure.high:.4g}]"
    return f"{figure.value:.4g}{bounds}"
