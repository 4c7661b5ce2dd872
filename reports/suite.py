"""The report of a suite, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sv_eval.foreign_text import each_text, inert
from sv_eval.reports.markdown import template
from sv_eval.reports.wording import Wording, share


def render_suite(found: Mapping[str, Any], language: str = "en") -> str:
    """The report on what suite.json holds, in `language` (`en` or `zh`)."""
    words, command = Wording(language), " ".join(["python -m sv_eval.suite", *found["overrides"]])
    found = each_text(found, inert)
    return template("suite.md.j2").render(
        w=words,
        s=found,
        share=share,
        points=points,
        measured=[one for one in found["sets"] if one["combinations"][0]["figures"] is not None],
        failed=[one for one in found["sets"] if one["combinations"][0]["figures"] is None],
        command=command,
    )


def points(value: float | None) -> str:
    """A difference of shares as percentage points with its sign; a dash for none."""
    # Adding 0 takes the sign from what rounds to nothing.
    return "–" if value is None else f"{round(100 * value, 1) + 0.0:+.1f}"
