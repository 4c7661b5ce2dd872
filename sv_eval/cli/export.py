"""`python -m sv_eval.export RUN [FORMAT ...]`: a finished run in the formats of other tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sv_eval.cli.commands import COMMANDS, EXPORTS
from sv_eval.cli.words import parse
from sv_eval.errors import UsageError, nearest
from sv_eval.machine.terminal import give, note, relative, say

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
`sv-eval export=[mlflow,latex] ...` exports a run when it has ended.
Exit codes: 0 done, 1 error, 2 wrong usage.
"""


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints."""
    return _HELP


def run(arguments: Sequence[str]) -> None:
    """Do what the words say."""
    typed = parse(arguments, COMMANDS["export"])
    if not typed.names:
        raise UsageError("give a run directory: sv-eval export RUN")
    directory, *chosen = typed.names
    for word in chosen:
        if word not in EXPORTS:
            raise UsageError(f"'{word}' is no format; {nearest(word, EXPORTS)}")
    give(result=export(Path(directory), chosen, typed.settings))


def export(directory: Path, chosen: Sequence[str], settings: Mapping[str, str]) -> dict[str, list[str]]:
    """Export the run in `directory`, say what was written, and give that."""
    from sv_eval.finished.exports.formats import export_run
    from sv_eval.finished.exports.run import exported_run
    from sv_eval.finished.exports.wanted import Wanted

    wanted = Wanted.of(settings, Path(settings.get("out") or directory / "exports"))
    done = export_run(exported_run(directory), wanted, chosen)
    for line in done.left_out:
        # Whoever asks for all formats has those that can be had.
        note(f"sv_eval: {line}")
    for file in done.files:
        say(relative(file))
    for line in done.logged:
        say(line)
    return {"files": [str(file) for file in done.files]} | ({"logged": list(done.logged)} if done.logged else {})
