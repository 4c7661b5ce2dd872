"""The figures of a sweep over conditions, as SVG text, in the report's language."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

from sv_eval.report.robustness import ConditionFigures, RobustnessFile
from sv_eval.reports.figures import INK, STYLE, drawable, svg
from sv_eval.reports.robustness_words import RobustnessWords

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEAT, CURVES = "drops.svg", "curves.svg"
_CURVES_OVER = ("snr_db", "bit_rate", "rt60_s")
_PANEL_WIDTH, _PANEL_HEIGHT = 2.7, 2.1
_MOST_ROWS = 150
"""A heat map with more conditions than this is left to the table."""
_COLOURS = ("#4878a8", "#b3541e", "#2a7f62", "#8a5a9e", "#8c6d1f", "#5c6670")
_MARKERS = ("o", "s", "^", "D", "v", "P")
_OCTAVES = tuple(2.0**power for power in range(-2, 12))
"""Where an axis of bit rates is marked, kbit/s."""
_WORST = 60.0
"""Points lost at which a cell is darkest, or more where more is lost."""


def draw_robustness(found: RobustnessFile, language: str = "en") -> dict[str, str]:
    """File name to SVG, for the figures that the sweep supports."""
    words = RobustnessWords(language)
    drawn: dict[str, str] = {}
    known = [row for row in found.conditions if row.uar.value is not None]
    with _drawing():
        if 1 < len(known) <= _MOST_ROWS:
            drawn[HEAT] = _heat(found, known, words)
        panels = _panels(known)
        if panels:
            drawn[CURVES] = _curves(found, panels, words)
    return drawn


@contextmanager
def _drawing() -> Iterator[None]:
    """In the style of all figures. Text stays text: letters that matplotlib's font lacks are in the reader's."""
    import matplotlib

    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield


def _heat(found: RobustnessFile, rows: Sequence[ConditionFigures], words: RobustnessWords) -> str:
    """Points lost by condition and emotion, UAR first."""
    import matplotlib
    from matplotlib.figure import Figure

    labels = [label for label in found.labels if any(row.recall[label].value is not None for row in rows)]
    columns = [words("robust.figure.uar"), *(drawable(words.emotion(label)) for label in labels)]
    cells = [[_lost(row.uar.value), *(_lost(row.recall[label].value) for label in labels)] for row in rows]
    width, height = 0.72 * len(columns), 0.19 * len(rows)
    whole, tall = 1.75 + width + 0.25, height + 0.75
    worst = max(_WORST, max((value for row in cells for value in row if value == value), default=0.0))
    figure = Figure(figsize=(whole, tall))
    axes = figure.add_axes((1.75 / whole, 0.15 / tall, width / whole, height / tall))
    colours = matplotlib.colormaps["RdBu_r"].with_extremes(bad="#f0f0f0")
    axes.imshow(cells, cmap=colours, aspect="auto", vmin=-worst, vmax=worst)
    axes.xaxis.tick_top()
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), [drawable(row.name) for row in rows], fontsize=7.5)
    axes.tick_params(length=0)
    axes.axvline(0.5, color="white", linewidth=3)
    for y, (before, after) in enumerate(pairwise(rows)):
        if before.corruption != after.corruption:
            axes.axhline(y + 0.5, color="white", linewidth=1.5)
    for y, row in enumerate(cells):
        for x, value in enumerate(row):
            if value == value:
                colour = "white" if abs(value) > 0.65 * worst else INK
                # No minus before a rounded nothing.
                text = f"{round(value) or 0:d}"
                axes.text(x, y, text, ha="center", va="center", fontsize=7, color=colour)
    axes.spines[:].set_visible(False)
    middle, top = (1.75 + width / 2) / whole, 1 - 0.16 / tall
    figure.text(middle, top, words("robust.figure.lost"), ha="center", va="center", fontsize=9)
    return svg(figure)


def _lost(value: float | None) -> float:
    return float("nan") if value is None else -100 * value


def _panels(rows: Sequence[ConditionFigures]) -> Mapping[str, Mapping[str, Sequence[ConditionFigures]]]:
    """By setting, the corruptions with two levels or more of it."""
    found: dict[str, dict[str, list[ConditionFigures]]] = {}
    for axis in _CURVES_OVER:
        lines: dict[str, list[ConditionFigures]] = {}
        for row in rows:
            if row.axis == axis and row.level is not None:
                lines.setdefault(row.corruption, []).append(row)
        lines = {name: sorted(each, key=_level) for name, each in lines.items() if len(each) > 1}
        if lines:
            found[axis] = lines
    return found


def _level(row: ConditionFigures) -> float:
    return row.level or 0.0


def _curves(
    found: RobustnessFile, panels: Mapping[str, Mapping[str, Sequence[ConditionFigures]]], words: RobustnessWords
) -> str:
    """A panel a setting: the change of UAR with its interval at each level, a line a corruption."""
    from matplotlib.figure import Figure

    step = _PANEL_WIDTH + 0.85
    whole, tall = 0.15 + step * len(panels), _PANEL_HEIGHT + 0.85
    figure = Figure(figsize=(whole, tall))
    lowest = min(
        100 * (row.uar.low if row.uar.low is not None else row.uar.value or 0.0)
        for lines in panels.values()
        for rows in lines.values()
        for row in rows
    )
    for place, (axis, lines) in enumerate(panels.items()):
        left = 0.65 + place * step
        axes = figure.add_axes((left / whole, 0.6 / tall, _PANEL_WIDTH / whole, _PANEL_HEIGHT / tall))
        _lines(axes, axis, lines, words)
        axes.axhline(0, color="#8c959f", linewidth=0.8)
        axes.axhline(-100 * found.margin, color=INK, linewidth=0.8, linestyle="--")
        axes.set_ylim(1.08 * lowest, max(6.0, -0.12 * lowest))
        axes.set_xlabel(words.axis(axis))
        axes.set_ylabel(words("robust.figure.change"))
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=7.5, loc="lower right" if axis == "snr_db" else "lower left")
    return svg(figure)


def _lines(axes: Axes, axis: str, lines: Mapping[str, Sequence[ConditionFigures]], words: RobustnessWords) -> None:
    scale: Callable[[float], float] = (lambda value: value / 1000) if axis == "bit_rate" else float
    levels = sorted({scale(_level(row)) for rows in lines.values() for row in rows})
    span = 0.0 if axis == "bit_rate" else levels[-1] - levels[0]
    for number, (corruption, rows) in enumerate(lines.items()):
        # Beside each other, so that intervals at one level can be told apart.
        aside = (number - (len(lines) - 1) / 2) * 0.012
        xs = [scale(_level(row)) + aside * span for row in rows]
        ys = [100 * (row.uar.value or 0.0) for row in rows]
        reach = [[100 * ((row.uar.value or 0.0) - _or(row.uar.low, row)) for row in rows],
                 [100 * (_or(row.uar.high, row) - (row.uar.value or 0.0)) for row in rows]]  # fmt: skip
        colour = _COLOURS[number % len(_COLOURS)]
        marker, name = _MARKERS[number % len(_MARKERS)], drawable(words.corruption(corruption))
        axes.errorbar(xs, ys, yerr=reach, color=colour, marker=marker, markersize=4,
                      linewidth=1.2, elinewidth=0.8, capsize=2, label=name)  # fmt: skip
    if axis == "bit_rate":
        axes.set_xscale("log")
        axes.minorticks_off()
        # Codecs have rates that all but touch each other.
        levels = [octave for octave in _OCTAVES if 0.8 * levels[0] <= octave <= 1.25 * levels[-1]]
    axes.set_xticks(levels, [f"{level:g}" for level in levels])
    axes.tick_params(labelsize=8)


def _or(bound: float | None, row: ConditionFigures) -> float:
    """A bound, or the value itself where there is none."""
    return bound if bound is not None else row.uar.value or 0.0
