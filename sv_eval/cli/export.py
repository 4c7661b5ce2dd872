"""`python -m sv_eval.export RUN [FORMAT ...]`: a finished run in the formats of other tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sv_eval.cli.commands import COMMANDS
from sv_eval.cli.words import parse
from sv_eval.errors import MissingPackageError, UsageError, nearest
from sv_eval.machine.terminal import give, note, relative, say

if TYPE_CHECKING:
    from sv_eval.finished.exports.run import ExportedRun

_HELP = """\
usage: sv-eval export RUN [FORMAT ...] [out=DIR]

Writes a finished run in the formats of other tools, into RUN/exports or DIR. Without a FORMAT, all that can be had.

  benchmark    pytest-benchmark's JSON: `pytest-benchmark compare RUN_A/exports/benchmark.json RUN_B/...`
  hdr          an HdrHistogram interval log, microseconds (pip install 'sv-eval[hdr]')
  prometheus   Prometheus' text format, for a textfile collector
  csv          records.csv, a row a record, and figures.csv, a row a figure

A run whose load generator fell behind is refused: its latency is no result.
Exit codes: 0 done, 1 error, 2 wrong usage.
"""
FORMATS = ("benchmark", "hdr", "prometheus", "csv")


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints."""
    return _HELP


def run(arguments: Sequence[str]) -> None:
    """Do what the words say."""
    from sv_eval.finished.exports.run import exported_run
    from sv_eval.report.run_directory import write_text

    typed = parse(arguments, COMMANDS["export"])
    if not typed.names:
        raise UsageError("give a run directory: sv-eval export RUN")
    directory, *chosen = typed.names
    out = Path(typed.settings.get("out") or Path(directory) / "exports")
    for word in chosen:
        if word not in FORMATS:
            raise UsageError(f"'{word}' is no format; {nearest(word, FORMATS)}")
    written: list[str] = []
    run = exported_run(Path(directory))
    for name, make in _files(chosen or FORMATS).items():
        try:
            text = make(run)
        except MissingPackageError as error:
            if chosen:
                raise
            # Whoever asks for all formats has those that can be had.
            note(f"sv_eval: {name} is left out: {error}")
            continue
        write_text(out / name, text)
        say(relative(out / name))
        written.append(str(out / name))
    give(result={"files": written})


def _files(formats: Sequence[str]) -> Mapping[str, Callable[[ExportedRun], str]]:
    """File name to what makes it."""
    from sv_eval.finished.exports.benchmark_json import benchmark_json
    from sv_eval.finished.exports.hdr import hdr_log
    from sv_eval.finished.exports.prometheus import prometheus_text
    from sv_eval.finished.exports.tables import figures_csv, records_csv

    files: Mapping[str, Mapping[str, Callable[[ExportedRun], str]]] = {
        "benchmark": {"benchmark.json": benchmark_json},
        "prometheus": {"metrics.prom": prometheus_text},
        "csv": {"records.csv": records_csv, "figures.csv": figures_csv},
        "hdr": {"latency.hlog": hdr_log},
    }
    return {name: make for key in files if key in formats for name, make in files[key].items()}
