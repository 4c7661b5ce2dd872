"""`python -m sv_eval.site RUN ... OUT`: the pages of runs as files that any web server can hand out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sv_eval.cli.commands import COMMANDS
from sv_eval.cli.words import parse
from sv_eval.errors import UsageError
from sv_eval.machine.terminal import give, relative, say

_HELP = """\
usage: sv-eval site RUN ... OUT [report.language=en|zh]

Writes into the folder OUT what `sv-eval view RUN ...` shows: index.html with all runs ranked among their like, and
the page of each below run/. Any web server can hand these files out; nothing runs on it, and no page asks for
anything else. RUN is a run directory, or a folder with runs below it.

A run's own report.html is taken as it is, with the sound that it holds; without one it is made, without sound.
Exit codes: 0 done, 1 error, 2 wrong usage.
"""


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints."""
    return _HELP


def run(arguments: Sequence[str]) -> None:
    """Do what the words say."""
    from sv_eval.finished.report_config import ReportConfig
    from sv_eval.studies.view.leaderboard import board_of, named, run_directories
    from sv_eval.studies.view.site import write_site

    typed = parse(arguments, COMMANDS["site"])
    if len(typed.names) < 2:
        raise UsageError("give runs and a folder to write to: sv-eval site RUN ... OUT")
    *places, out = typed.names
    language = ReportConfig(language=typed.settings.get("report.language", "en")).language
    board = board_of(run_directories(named(places)))
    index = write_site(board, Path(out), language=language)
    for why in board.left_out:
        say(f"left out: {why}")
    say(f"{len(board.directories)} runs: {relative(index)}")
    give(result={"index": str(index), "runs": len(board.directories), "left_out": list(board.left_out)})
