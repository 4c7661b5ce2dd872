"""The report of a sweep over conditions, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from sv_eval.foreign_text import cell, each_text, inert
from sv_eval.report.interval import Interval
from sv_eval.report.robustness import BreakingPoint, HeardChange, RobustnessFile
from sv_eval.report.shares import Share
from sv_eval.reports import robustness_figures
from sv_eval.reports.markdown import machine_line, template
from sv_eval.reports.robustness_words import RobustnessWords, level_text
from sv_eval.reports.sweep import chance, points
from sv_eval.reports.wording import number, share

_FIGURES = "figures"
_SURE = 0.05


def render_robustness(found: RobustnessFile, language: str = "en", *, figures: Sequence[str] = ()) -> str:
    """The report on what robustness.json holds, in `language`; `figures` are those that were drawn."""
    words, found = RobustnessWords(language), each_text(found, inert)
    known = sorted(
        (row for row in found.conditions if row.uar.value is not None), key=lambda row: row.uar.value or 0.0
    )
    labels = [
        label for label in found.labels if any(row.recall[label].value is not None for row in found.conditions)
    ]
    return template("robustness.md.j2").render(
        w=words,
        d=found,
        labels=labels,
        surely=[row for row in known if row.beyond == "surely"],
        n_perhaps=sum(row.beyond == "perhaps" for row in known),
        worst=known[0] if known else None,
        margin=f"{100 * found.margin:g}",
        scale=f"{100 * found.confidence:g} %",
        figures={name: f"{_FIGURES}/{name}" for name in figures},
        names=robustness_figures,
        named=words.corruption,
        axis=words.axis,
        level=lambda axis, value: words("robust.never") if value is None else level_text(axis, value),
        levels=_levels,
        points=points,
        bold=_bold,
        chance=chance,
        hundredth=lambda figure: _hundredth(words, figure),
        of_clips=_of_clips,
        code=lambda name: f"`{cell(name)}`",
        number=number,
        share=share,
        machine=machine_line(found.machine),
    )


def _levels(one: BreakingPoint) -> list[str]:
    return [level_text(one.axis, level) for level in one.levels]


def _bold(change: HeardChange) -> str:
    """A difference, bold where it is significant once all of them are allowed for."""
    text = points(change)
    return f"**{text}**" if change.p_adjusted is not None and change.p_adjusted < _SURE else text


def _hundredth(words: RobustnessWords, figure: Interval) -> str:
    """Percent with two decimals and bounds, as RobuSER prints it; a dash and the reason for none."""
    if figure.value is None:
        return f"– ({words.why(figure.reason)})" if figure.reason else "–"
    text = f"{figure.value:.2f}"
    if figure.low is None or figure.high is None:
        return text
    return f"{text} [{figure.low:.2f}, {figure.high:.2f}]"


def _of_clips(found: Share) -> str:
    """A share of clips in whole percent, with its bounds."""
    if found.value is None or found.low is None or found.high is None:
        return "–"
    return f"{100 * found.value:.0f} % [{100 * found.low:.0f}, {100 * found.high:.0f}]"
