"""`python -m sv_eval.export RUN [FORMAT ...]`: a finished run in the formats of other tools."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sv_eval.cli.command import main_of
from sv_eval.errors import MissingPackageError, UsageError, nearest
from sv_eval.machine.terminal import relative, say

if TYPE_CHECKING:
    from sv_eval.finished.exports.run import ExportedRun

_HELP = """\
usage: python -m sv_eval.export RUN [FORMAT ...] [out=DIR]

Writes a finished run in the formats of other tools, into RUN/exports or DIR. Without a FORMAT, all that can be had.

  benchmark    pytest-benchmark's JSON: `pytest-benchmark compare RUN_A/exports/benchmark.json RUN_B/...`
  hdr          an HdrHistogram interval log, microseconds (pip install 'sv-eval[hdr]')
  prometheus   Prometheus' text format, for a textfile collector
  csv          records.csv, a row a record, and figures.csv, a row a figure

A run whose load generator fell behind is refused: its latency is no result.
Exit codes: 0 done, 1 error, 2 wrong usage.
"""
FORMATS = ("benchmark", "hdr", "prometheus", "csv")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit code comes back."""
    return main_of(arguments, _HELP, _export)


def _export(arguments: Sequence[str]) -> None:
    from sv_eval.finished.exports.run import exported_run
    from sv_eval.report.run_directory import write_text

    directory, *words = arguments
    out = Path(directory) / "exports"
    chosen: list[str] = []
    for word in words:
        if word.startswith("out="):
            out = Path(word.removeprefix("out="))
        elif word in FORMATS:
            chosen.append(word)
        else:
            raise UsageError(f"'{word}' is no format; {nearest(word, FORMATS)}")
    run = exported_run(Path(directory))
    for name, make in _files(chosen or FORMATS).items():
        try:
            text = make(run)
        except MissingPackageError as error:
            if chosen:
                raise
            # Whoever asks for all formats has those that can be had.
            print(f"sv_eval: {name} is left out: {error}", file=sys.stderr)
            continue
        write_text(out / name, text)
        say(relative(out / name))


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
