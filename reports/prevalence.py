"""The shares of emotions in unlabelled audio, as Markdown."""

from __future__ import annotations

from sv_eval.foreign_text import each_text, inert
from sv_eval.report.prevalence import PrevalenceFile
from sv_eval.reports.markdown import template
from sv_eval.reports.wording import Wording, share


def render_prevalence(found: PrevalenceFile, language: str = "en") -> str:
    """The report on what prevalence.json holds, in `language` (`en` or `zh`)."""
    return template("prevalence.md.j2").render(
        w=Wording(language),
        p=each_text(found, inert),
        share=share,
        level=f"{100 * found.confidence:g} %",
        growth=None if found.condition is None else f"{found.condition:.1f}",
    )
