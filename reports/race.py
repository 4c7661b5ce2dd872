"""The report of a race by its rounds, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sv_eval.foreign_text import each_text, inert
from sv_eval.reports.markdown import template
from sv_eval.reports.wording import Wording, share


def render_race(result: Mapping[str, Any], language: str = "en") -> str:
    """The report on what race.json holds, in `language` (`en` or `zh`)."""
    return template("race.md.j2").render(
        w=Wording(language), r=each_text(result, inert), share=share, times=lambda value: f"{value:.3g}"
    )
