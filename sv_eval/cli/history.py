"""`python -m sv_eval.history PLACE ...`: a figure over many runs, and where it changed for good."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sv_eval.cli.commands import COMMANDS
from sv_eval.cli.words import parse
from sv_eval.errors import UsageError
from sv_eval.machine.terminal import give, relative, say
from sv_eval.report.history import LATENCIES, PLAIN

if TYPE_CHECKING:
    from sv_eval.report.history import Point, Series

_HELP = """\
usage: sv-eval history PLACE [PLACE ...] [figure=uar] [alpha=0.01] [out=DIR]

Puts runs and baseline files in order of time and says from which one on a figure has another level. A PLACE is a
folder to be searched, a run, or a baseline file; of a file in a git repository each committed version is a point.
Only like is put beside like: one corpus, label map and policy; of latencies one device and load as well. A run
that is met twice, as itself and in a baseline file, counts once.

  figure=uar         uar, accuracy, macro_f1, weighted_f1, p50, p95 or p99 (milliseconds of clean calls), ece, aurc,
                     brier, log_loss, soft_macro_f1, soft_accuracy, overlap; of one, recall.angry,
                     average_precision.angry, ccc.valence
  alpha=0.01         the chance of a false change, of each stretch that is looked at
  out=DIR            default runs/history; history.json and a figure for each series of two runs and more

A change needs two runs on either side, and enough of them that chance can't do it: with one change in the middle
ten runs are the fewest for alpha=0.01, and eight for alpha=0.05.
Exit codes: 0 done, 1 error, 2 wrong usage, or nothing to be read.
"""


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints."""
    return _HELP


def run(arguments: Sequence[str]) -> None:
    """Do what the words say."""
    from sv_eval.report.codec import as_json
    from sv_eval.report.run_directory import write_json, write_text
    from sv_eval.reports.history import draw_series
    from sv_eval.studies.history.figure_names import check_figure
    from sv_eval.studies.history.reading import history_below

    typed = parse(arguments, COMMANDS["history"])
    if not typed.names:
        raise UsageError("say where runs or baseline files are: sv-eval history runs/")
    places, figure = [Path(name) for name in typed.names], typed.settings.get("figure", "uar")
    for path in places:
        if not path.exists():
            raise UsageError(f"{path}: there is no such folder or file")
    check_figure(figure)
    found = history_below(places, figure, _alpha(typed.settings.get("alpha", "0.01")))
    out = Path(typed.settings.get("out", "runs/history"))
    write_json(out / "history.json", as_json(found))
    for number, series in enumerate(found.series, 1):
        say(_title(series))
        for place, point in enumerate(series.points):
            change = next((one for one in series.changes if one.place == place), None)
            if change is not None:
                levels = f"{_told(change.before, figure)} -> {_told(change.after, figure)}"
                say(f"  -- another level from here on: {levels}")
            say(f"  {_line(point, figure)}")
        if len(series.points) > 1:
            write_text(out / f"{number}-{figure}.svg", draw_series(series, figure))
    for one in found.left_out:
        say(f"left out: {one.source}: {one.why}")
    say(f"written: {relative(out / 'history.json')}")
    give(result=as_json(found), directory=str(out))


def _alpha(word: str) -> float:
    try:
        alpha = float(word)
    except ValueError:
        alpha = 0.0
    if not 0 < alpha < 0.5:
        raise UsageError(f"alpha={word}: a share above 0 and below 0.5, such as 0.01")
    return alpha


def _title(series: Series) -> str:
    what = series.what
    parts = [f"{what['dataset']} ({str(what['dataset_hash'])[:8]})", f"policy {what['policy']}"]
    if "condition" in what:
        parts.append(f"condition {json.loads(what['condition']).get('name')}")
    if "device" in what:
        parts += [str(what["device"]), str((what["load"] or {}).get("schedule", "unknown load"))]
    return f"{', '.join(parts)}: {len(series.points)} runs, {len(series.changes)} changes"


def _line(point: Point, figure: str) -> str:
    bounds = ""
    if point.low is not None and point.high is not None:
        bounds = f" [{_told(point.low, figure)}, {_told(point.high, figure)}]"
    commit = (point.commit or "-")[:8]
    return f"{point.started_at[:19]}  {commit:8}  {_told(point.value, figure)}{bounds}  {point.source}"


def _told(value: float, figure: str) -> str:
    if figure in LATENCIES:
        return f"{value:.2f} ms"
    return f"{value:.3f}" if figure.partition(".")[0] in PLAIN else f"{100 * value:.1f} %"
