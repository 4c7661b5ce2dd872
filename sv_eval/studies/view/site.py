"""Runs as files for a web server."""

from __future__ import annotations

from pathlib import Path

from sv_eval.reports.page.document import PAGE
from sv_eval.studies.view.leaderboard import Board, board_page
from sv_eval.studies.view.served_run import ServedRun
from sv_eval.written_files import replace_whole


def write_site(board: Board, out: Path, *, language: str) -> Path:
    """Write the pages below `out`; the first one's path comes back."""
    for number, directory in enumerate(board.directories):
        own = directory / PAGE
        content = own.read_bytes() if own.is_file() else ServedRun(directory, language=language).file
        replace_whole(out / "run" / str(number) / PAGE, content)
    index = out / "index.html"
    # Last: it leads to all the others.
    replace_whole(index, board_page(board, language=language, served=False).encode())
    return index
