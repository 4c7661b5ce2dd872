"""The figures of a sweep, as SVG text, with words in its report's language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sv_eval.config.overrides import as_word
from sv_eval.report.interval import Interval
from sv_eval.report.sweep import Cost, Sensitivity, SettingFigures, SweepFile
from sv_eval.reports.figures import INK, MARK, STYLE, drawable, plot, svg
from sv_eval.reports.wording import Wording

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEAT, FRONT, COST, LEVELS = "heat.svg", "front.svg", "cost_front.svg", "sensitivity.svg"

_QUIET = "#b6bec6"
_FRONT_COLOUR = "#2a7f62"
_CHOSEN = MARK
_BLUE = "#4878a8"
_PANEL_WIDTH = 2.6
_MOST_CELLS = 144
"""A heat map with more cells than this is left to the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Against:
    """What a figure holds UAR against."""

    figure: Callable[[SettingFigures], Interval | Cost | None]
    """That of a setting."""
    front: Callable[[SettingFigures], bool]
    """Whether a setting is on the front."""
    label: str
    """What the axis says."""
    limit: float | None
    """The objective, where there is one."""

    def value(self, row: SettingFigures) -> float | None:
        """The number of a setting."""
        figure = self.figure(row)
        return None if figure is None else figure.value


def draw_sweep(found: SweepFile, language: str = "en") -> dict[str, str]:
    """File name to SVG, for the figures that the sweep supports."""
    drawn: dict[str, str] = {}
    words = Wording(language)
    if _is_heat(found):
        drawn[HEAT] = _heat(found, words)
    latency = _Against(
        figure=lambda row: row.p95, front=lambda row: row.front, label=words("figure.p95"), limit=found.slo_p95_ms
    )
    cost = _Against(
        figure=lambda row: row.busy_s_per_audio_hour,
        front=lambda row: row.cost_front,
        label=words("figure.gpu_s" if found.backend.device.startswith("cuda") else "figure.compute_s"),
        limit=None,
    )
    for name, against in ((FRONT, latency), (COST, cost)):
        if len(_points(found, against)) > 1:
            drawn[name] = _front(found, against, words)
    if any(len(one.levels) > 1 for one in found.sensitivity):
        drawn[LEVELS] = _levels(found.sensitivity, words)
    return drawn


def _is_heat(found: SweepFile) -> bool:
    """Two parameters, both with several values, every combination there."""
    levels = [len(one.levels) for one in found.sensitivity]
    if len(levels) != 2 or min(levels) < 2 or levels[0] * levels[1] > _MOST_CELLS:
        return False
    return found.grid_complete and all("–" not in one.value for p in found.sensitivity for one in p.levels)


def _heat(found: SweepFile, words: Wording) -> str:
    """UAR and p95 of the grid, side by side; recommended is framed, the best within the objective dotted."""
    import matplotlib
    from matplotlib.figure import Figure

    down, across = found.sensitivity
    rows, columns = ([level.value for level in one.levels] for one in (down, across))
    cell_width, cell_height = 0.5, 0.32
    width, height = cell_width * len(columns), cell_height * len(rows)
    whole, tall = 2 * (0.75 + width) + 0.3, height + 0.95
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(whole, tall))
        for panel, (title, colours) in enumerate(
            ((words("figure.uar"), "Blues"), (words("figure.p95"), "Oranges"))
        ):
            left = 0.65 + panel * (width + 0.85)
            axes = figure.add_axes((left / whole, 0.55 / tall, width / whole, height / tall))
            _heat_panel(axes, found, (down.parameter, across.parameter), rows, columns, panel, colours)
            axes.set_title(title, fontsize=9)
            axes.set_xlabel(_short(across.parameter))
            axes.set_ylabel(_short(down.parameter))
        return svg(figure)


def _heat_panel(
    axes: Axes,
    found: SweepFile,
    keys: tuple[str, str],
    rows: Sequence[str],
    columns: Sequence[str],
    panel: int,
    colours: str,
) -> None:
    import matplotlib
    from matplotlib.patches import Rectangle

    cells: list[list[float]] = [[float("nan")] * len(columns) for _ in rows]
    framed: dict[int, tuple[int, int]] = {}
    for one in found.settings:
        down, across = (as_word(one.values[key]) for key in keys)
        if down in rows and across in columns:
            place = rows.index(down), columns.index(across)
            value = one.ranked_uar if panel == 0 else one.p95.value
            cells[place[0]][place[1]] = float("nan") if value is None else value * (100 if panel == 0 else 1)
            framed[one.number] = place
    known = [value for row in cells for value in row if value == value]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    colour_map = matplotlib.colormaps[colours].with_extremes(bad="#f0f0f0")
    axes.imshow(cells, cmap=colour_map, aspect="auto", vmin=low - 0.15 * (high - low), vmax=high + 1e-9)
    axes.set_xticks(range(len(columns)), list(map(drawable, columns)))
    axes.set_yticks(range(len(rows)), list(map(drawable, rows)))
    axes.tick_params(length=0)
    for y, row in enumerate(cells):
        for x, value in enumerate(row):
            if value == value:
                dark = value - low > 0.6 * (high - low) and high > low
                text = f"{value:.1f}" if value < 100 else f"{value:.0f}"
                axes.text(x, y, text, ha="center", va="center", fontsize=7, color="white" if dark else INK)
    for number, style in ((found.choice.best_within_slo, ":"), (found.choice.recommended, "-")):
        if number in framed:
            y, x = framed[number]
            axes.add_patch(
                Rectangle((x - 0.5, y - 0.5), 1, 1, fill=False, edgecolor=_CHOSEN, linewidth=1.6, linestyle=style)
            )


def _points(found: SweepFile, against: _Against) -> list[tuple[SettingFigures, float, float]]:
    """The settings that have both measures, with their places in the figure."""
    places = ((row, against.value(row), row.ranked_uar) for row in found.settings)
    return [(row, x, 100 * uar) for row, x, uar in places if x is not None and uar is not None]


def _front(found: SweepFile, against: _Against, words: Wording) -> str:
    """Every setting with its intervals; those on the front are joined and bear their numbers."""
    import matplotlib

    points = _points(found, against)
    held = sorted((point for point in points if against.front(point[0])), key=lambda point: point[1])
    with matplotlib.rc_context(STYLE):
        figure, axes = plot(width=5.6, height=3.2, left=0.7, bottom=0.55)
        for row, x, y in points:
            front = against.front(row)
            _point(axes, row, (x, y), against, _FRONT_COLOUR if front else _QUIET, 3 if front else 2)
        axes.step(
            [x for _, x, _ in held], [y for _, _, y in held],
            where="post", color=_FRONT_COLOUR, linewidth=1, zorder=3, label=words("figure.front"),
        )  # fmt: skip
        for row, x, y in held:
            axes.annotate(
                str(row.number), (x, y),
                xytext=(3, 4), textcoords="offset points", fontsize=7, color=_FRONT_COLOUR,
            )  # fmt: skip
        for number, marker, word in (
            (found.choice.default, "D", words("figure.default")),
            (found.choice.recommended, "*", words("figure.recommended")),
        ):
            for _, x, y in (point for point in points if point[0].number == number):
                size = 90 if marker == "*" else 36
                axes.scatter([x], [y], marker=marker, s=size, facecolors="none",
                             edgecolors=_CHOSEN, linewidths=1.3, zorder=5, label=word)  # fmt: skip
        if against.limit is not None and against.limit <= 2 * max(x for _, x, _ in points):
            axes.axvline(against.limit, color=INK, linewidth=0.8, linestyle="--")
        axes.set_xlabel(against.label)
        axes.set_ylabel(words("figure.uar"))
        axes.legend(frameon=False, fontsize=8, loc="best")
        axes.spines[["top", "right"]].set_visible(False)
        return svg(figure)


def _point(
    axes: Axes, row: SettingFigures, at: tuple[float, float], against: _Against, colour: str, order: int
) -> None:
    """A setting with the intervals of both measures; UAR's lies around the value that settings are ranked by."""
    (x, y), figure = at, against.figure(row)
    low, high = (None, None) if figure is None else (figure.low, figure.high)
    # Bounds and value are rounded each by itself, and may be one and the same call.
    across = [[max(0.0, x - (low if low is not None else x))], [max(0.0, (high if high is not None else x) - x)]]
    uar = row.uar
    reach = [0.0, 0.0]
    if uar.value is not None and uar.low is not None and uar.high is not None:
        reach = [max(0.0, 100 * (uar.value - uar.low)), max(0.0, 100 * (uar.high - uar.value))]
    axes.errorbar([x], [y], xerr=across, yerr=[[reach[0]], [reach[1]]], fmt="o", markersize=3.5, color=colour,
                  elinewidth=0.5, alpha=1.0 if order == 3 else 0.7, zorder=order)  # fmt: skip


def _levels(sensitivity: Sequence[Sensitivity], words: Wording) -> str:
    """A panel a parameter: the mean UAR and the mean p95 of the settings at each of its values."""
    import matplotlib
    from matplotlib.figure import Figure

    shown = [one for one in sensitivity if len(one.levels) > 1]
    whole, tall, height = 0.15 + (_PANEL_WIDTH + 1.15) * len(shown), 2.6, 1.75
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(whole, tall))
        uars = [100 * level.uar for one in shown for level in one.levels if level.uar is not None]
        for place, one in enumerate(shown):
            left = 0.6 + place * (_PANEL_WIDTH + 1.15)
            axes = figure.add_axes((left / whole, 0.6 / tall, _PANEL_WIDTH / whole, height / tall))
            values = [level.value for level in one.levels]
            uar = [float("nan") if level.uar is None else 100 * level.uar for level in one.levels]
            p95 = [float("nan") if level.p95_ms is None else level.p95_ms for level in one.levels]
            axes.plot(range(len(values)), uar, color=_BLUE, marker="o", markersize=4)
            if uars:
                room = 0.15 * (max(uars) - min(uars)) or 1.0
                axes.set_ylim(min(uars) - room, max(uars) + room)
            axes.set_xticks(
                range(len(values)), list(map(drawable, values)), rotation=30 if max(map(len, values)) > 6 else 0
            )
            axes.set_xlabel(_short(one.parameter))
            axes.set_ylabel(words("figure.mean_uar"), color=_BLUE)
            other = axes.twinx()
            other.plot(range(len(values)), p95, color=MARK, marker="s", markersize=3, linestyle="--")
            other.set_ylabel(words("figure.mean_p95"), color=MARK)
            other.set_ylim(bottom=0)
            axes.spines["top"].set_visible(False)
            other.spines["top"].set_visible(False)
        return svg(figure)


def _short(key: str) -> str:
    return drawable(key.rpartition(".")[2])
