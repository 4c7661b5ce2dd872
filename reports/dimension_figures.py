"""Answers against references, and their differences by their mean (Bland and Altman), as SVG text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sv_eval.report.dimensions import DimensionFigures
from sv_eval.report.interval import Interval
from sv_eval.report.report import Report
from sv_eval.reports.figures import BAR, MARK, STYLE, svg
from sv_eval.reports.wording import Wording

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIDE = 3.2
_LEFT, _BOTTOM, _TOP, _RIGHT, _BETWEEN = 0.65, 0.55, 0.35, 0.2, 0.75
_LINE = "#8c959f"


def dimension_figure(name: str) -> str:
    """The file of a dimension's figure."""
    return f"dimension_{name}.svg"


def draw_dimensions(report: Report, language: str = "en") -> dict[str, str]:
    """File name to SVG, a figure a dimension; none where the recogniser tells none."""
    words, found = Wording(language), report.dimensions.figures if report.dimensions else {}
    return {dimension_figure(name): draw_dimension(name, one, words) for name, one in found.items()}


def draw_dimension(name: str, found: DimensionFigures, words: Wording) -> str:
    """The scatter with its line of equality, and beside it differences by means, with bias and limits."""
    import matplotlib
    from matplotlib.figure import Figure

    across, tall = _LEFT + 2 * _SIDE + _BETWEEN + _RIGHT, _BOTTOM + _SIDE + _TOP
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(across, tall))
        for place, draw in enumerate((_scatter, _bland_altman)):
            left = _LEFT + place * (_SIDE + _BETWEEN)
            axes = figure.add_axes((left / across, _BOTTOM / tall, _SIDE / across, _SIDE / tall))
            draw(axes, found, words)
            axes.spines[["top", "right"]].set_visible(False)
        told = words("dimensions.drawn", name=words(f"dimensions.names.{name}"), n=len(found.points), of=found.n)
        figure.text(_LEFT / across, 1 - 0.2 / tall, told, fontsize=9, va="center")
        return svg(figure)


def _scatter(axes: Axes, found: DimensionFigures, words: Wording) -> None:
    low, high = _ends(found)
    axes.plot([low, high], [low, high], color=_LINE, linewidth=0.8, linestyle="--", zorder=1)
    _dots(axes, [x for x, _ in found.points], [y for _, y in found.points])
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_xlabel(words("figure.reference"))
    axes.set_ylabel(words("figure.answer"))


def _bland_altman(axes: Axes, found: DimensionFigures, words: Wording) -> None:
    means = [(x + y) / 2 for x, y in found.points]
    _dots(axes, means, [y - x for x, y in found.points])
    axes.axhline(0, color=_LINE, linewidth=0.8, linestyle="--", zorder=1)
    for line, style in ((found.bias, "-"), (found.lower_limit, ":"), (found.upper_limit, ":")):
        _level(axes, line, style)
    axes.set_xlim(*_ends(found))
    axes.set_xlabel(words("figure.mean_of_both"))
    axes.set_ylabel(words("figure.difference"))


def _level(axes: Axes, line: Interval, style: str) -> None:
    """A horizontal line with its bounds as a band."""
    if line.value is None:
        return
    axes.axhline(line.value, color=MARK, linewidth=1.1, linestyle=style, zorder=3)
    if line.low is not None and line.high is not None:
        axes.axhspan(line.low, line.high, color=MARK, alpha=0.12, linewidth=0, zorder=2)
    axes.annotate(
        f"{line.value:+.2f}",
        (1.0, line.value),
        xycoords=("axes fraction", "data"),
        xytext=(-2, 2),
        textcoords="offset points",
        color=MARK,
        fontsize=8,
        ha="right",
    )


def _dots(axes: Axes, across: list[float], up: list[float]) -> None:
    axes.plot(across, up, color=BAR, marker="o", markersize=3, linestyle="none", alpha=0.45, markeredgewidth=0)


def _ends(found: DimensionFigures) -> tuple[float, float]:
    """The declared range, wider where an answer or a reference lies outside it."""
    values = [value for pair in found.points for value in pair] + [*found.reference_range]
    low, high = min(values), max(values)
    margin = 0.02 * (high - low)
    return low - margin, high + margin
