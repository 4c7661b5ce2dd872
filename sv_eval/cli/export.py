"""`python -m sv_eval.export RUN [FORMAT ...]`: a finished run in the formats of other tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sv_eval.cli.commands import COMMANDS, EXPORTS
from sv_eval.cli.words import parse
from sv_eval.errors import MissingPackageError, UsageError, nearest
from sv_eval.machine.terminal import give, note, relative, say

if TYPE_CHECKING:
    from sv_eval.finished.exports.run import ExportedRun
    from sv_eval.finished.exports.wanted import Wanted

    Files = Mapping[str, str | bytes]
    """Path below the folder of exports to what the file holds."""

_HELP = """\
usage: sv-eval export RUN [FORMAT ...] [out=DIR]

Writes a finished run in the formats of other tools, into RUN/exports or DIR. Without a FORMAT, all files that can
be had; a tracker is written to only when it is named.

  benchmark        pytest-benchmark's JSON: `pytest-benchmark compare RUN_A/exports/benchmark.json RUN_B/...`
  hdr              an HdrHistogram interval log, microseconds (pip install 'sv-eval[hdr]')
  prometheus       Prometheus' text format, for a textfile collector
  csv              records.csv, a row a record, and figures.csv, a row a figure
  parquet          records.parquet, a row a record, the columns of sv_eval.frame (pip install 'sv-eval[parquet]')
  latex            tables.tex: the headline, emotions and confusions as booktabs tables
  model_card       model_index.yaml for a model's page on Hugging Face; eval_results.yaml with hub_dataset=
  every_eval_ever  data/...: an aggregate file of Every Eval Ever 0.3.0, and its samples
  mlflow           a run of MLflow: settings, figures with bounds, reports (pip install 'sv-eval[mlflow]')
  trackio          a run of trackio (pip install 'sv-eval[trackio]')

  model=ORG/NAME        the model's repository on Hugging Face (model_card, every_eval_ever)
  hub_dataset=ORG/NAME  the corpus's; #TASK behind it where its leaderboard has several
  evaluator=NAME        who ran it (every_eval_ever)
  relationship=other    what that is to the model's makers: first_party, third_party, collaborative, other
  to=PLACE              MLflow's tracking URI, or a folder for its database; trackio's folder.
                        Without: $MLFLOW_TRACKING_URI or the folder of the command; trackio's own
  experiment=NAME       MLflow's experiment, trackio's project; the corpus's name

A run whose load generator fell behind is refused: its latency is no result. A tracker that has the run already
is left alone.
Exit codes: 0 done, 1 error, 2 wrong usage.
"""


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints."""
    return _HELP


def run(arguments: Sequence[str]) -> None:
    """Do what the words say."""
    from sv_eval.finished.exports.run import exported_run
    from sv_eval.finished.exports.wanted import Wanted

    typed = parse(arguments, COMMANDS["export"])
    if not typed.names:
        raise UsageError("give a run directory: sv-eval export RUN")
    directory, *chosen = typed.names
    for word in chosen:
        if word not in EXPORTS:
            raise UsageError(f"'{word}' is no format; {nearest(word, EXPORTS)}")
    out = Path(typed.settings.get("out") or Path(directory) / "exports")
    wanted = Wanted.of(typed.settings, out)
    run = exported_run(Path(directory))
    written: list[str] = []
    for name, make in _makers().items():
        if chosen and name not in chosen:
            continue
        try:
            files = make(run, wanted)
        except MissingPackageError as error:
            if chosen:
                raise
            # Whoever asks for all formats has those that can be had.
            note(f"sv_eval: {name} is left out: {error}")
            continue
        written += _write(files, out)
    logged = [log(run, wanted) for name, log in _trackers().items() if name in chosen]
    for line in logged:
        say(line)
    give(result={"files": written, **({"logged": logged} if logged else {})})


def _write(files: Files, out: Path) -> list[str]:
    from sv_eval.written_files import replace_whole, write_whole

    for name, content in files.items():
        if isinstance(content, bytes):
            replace_whole(out / name, content)
        else:
            write_whole(out / name, content)
        say(relative(out / name))
    return [str(out / name) for name in files]


def _makers() -> Mapping[str, Callable[[ExportedRun, Wanted], Files]]:
    """Format to what makes its files, in the order in which they are written."""
    from sv_eval.finished.exports.benchmark_json import benchmark_json
    from sv_eval.finished.exports.every_eval_ever import every_eval_ever
    from sv_eval.finished.exports.hdr import hdr_log
    from sv_eval.finished.exports.latex import latex_tables
    from sv_eval.finished.exports.model_card import eval_results, model_index
    from sv_eval.finished.exports.parquet import records_parquet
    from sv_eval.finished.exports.prometheus import prometheus_text
    from sv_eval.finished.exports.tables import figures_csv, records_csv

    def model_card(run: ExportedRun, wanted: Wanted) -> Files:
        entry = eval_results(run, wanted)
        return {"model_index.yaml": model_index(run, wanted)} | ({"eval_results.yaml": entry} if entry else {})

    return {
        "benchmark": lambda run, _: {"benchmark.json": benchmark_json(run)},
        "prometheus": lambda run, _: {"metrics.prom": prometheus_text(run)},
        "csv": lambda run, _: {"records.csv": records_csv(run), "figures.csv": figures_csv(run)},
        "latex": lambda run, _: {"tables.tex": latex_tables(run)},
        "model_card": model_card,
        "every_eval_ever": every_eval_ever,
        "parquet": lambda run, _: {"records.parquet": records_parquet(run)},
        "hdr": lambda run, _: {"latency.hlog": hdr_log(run)},
    }


def _trackers() -> Mapping[str, Callable[[ExportedRun, Wanted], str]]:
    """Tracker to what logs a run to it, and says where."""
    from sv_eval.finished.exports.mlflow import log_to_mlflow
    from sv_eval.finished.exports.trackio import log_to_trackio

    return {"mlflow": log_to_mlflow, "trackio": log_to_trackio}
