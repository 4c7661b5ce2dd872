"""`python -m sv_eval.view RUN ...`: the pages of runs in a browser, with the clips from where they lie."""

from __future__ import annotations

from collections.abc import Sequence

from sv_eval.cli.commands import COMMANDS
from sv_eval.cli.words import parse
from sv_eval.errors import UsageError
from sv_eval.machine.terminal import give, say

_HELP = """\
usage: sv-eval view RUN ... [port=0] [root=DIR] [open=true] [report.language=en|zh]

Serves the page of the run directory RUN on this machine, with the sound of its clips read from where they lie, and
prints its address. The address holds a token; who doesn't know it gets nothing. Ctrl-C ends it.

Of several run directories, or a folder with runs below it (sv-eval view runs/), it serves a page on which those
over the same clips, classes and load are ranked, with who differs from whom beyond noise; each leads to its page.

  port=8080              where to listen; 0 for any port that is free
  root=/data/ESD         the corpus's folder, where it lies elsewhere than when the runs were made
  open=true              open the address in the browser that this machine has

Only loopback (127.0.0.1) is served, only what these runs are of, and no file that is not below the corpus's folder.
From another machine: ssh -L 8080:127.0.0.1:8080 HOST sv-eval view RUN port=8080
Exit codes: 0 ended, 1 error, 2 wrong usage.
"""


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints."""
    return _HELP


def run(arguments: Sequence[str]) -> None:
    """Do what the words say."""
    from sv_eval.finished.report_config import ReportConfig
    from sv_eval.studies.view.leaderboard import board_of, board_page, named, run_directories
    from sv_eval.studies.view.served_run import ServedRun
    from sv_eval.studies.view.server import ReportServer

    typed = parse(arguments, COMMANDS["view"])
    if not typed.names:
        raise UsageError("give a run directory: sv-eval view RUN")
    settings = typed.settings
    language = ReportConfig(language=settings.get("report.language", "en")).language
    port = settings.get("port", "0")
    if not (port.isascii() and port.isdigit() and int(port) < 2**16):
        raise UsageError(f"port={port}: give a number from 0 to 65535")
    directories, front = run_directories(named(typed.names)), None
    if len(directories) > 1:
        board = board_of(directories)
        directories, front = board.directories, board_page(board, language=language, served=True).encode()
    runs = [ServedRun(one, language=language, root=settings.get("root")) for one in directories]
    if len(runs) == 1:
        # What can't be shown is said here, not in the browser.
        _ = runs[0].html
    try:
        server = ReportServer(runs, front=front, port=int(port))
    except OSError as error:
        raise UsageError(f"port={port} can't be listened on ({error.strerror}); give another, or 0") from error
    with server:
        say(f"{server.address}\nCtrl-C ends it")
        give(result={"address": server.address})
        if settings.get("open") == "true":
            import webbrowser

            webbrowser.open(server.address)
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            say("ended")
