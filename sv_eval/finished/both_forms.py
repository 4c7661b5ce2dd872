"""A report in both forms: Markdown to be pasted and kept, and a page to be looked at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sv_eval.report.run_directory import write_text


def write_both(path: Path, text: str, *, language: str = "en", figures: Mapping[str, str] | None = None) -> Path:
    """Write `path`, whose name ends with `.md`, and the page beside it, whose place comes back.

    figures: the report's SVGs by the path that it names them with. Raises RunDirectoryError when one can't be
    written.
    """
    from sv_eval.reports.page.written import page_of_markdown

    page = path.with_suffix(".html")
    write_text(path, text)
    write_text(page, page_of_markdown(text, language=language, figures=figures))
    return page
