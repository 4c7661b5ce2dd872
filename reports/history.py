"""A series of runs as a figure: values with their intervals, and the levels between changes."""

from __future__ import annotations

from itertools import pairwise

from sv_eval.report.history import LATENCIES, PLAIN, Series
from sv_eval.reports.figures import INK, MARK, STYLE, drawable, plot, svg

_MOST_NAMES = 40


def draw_series(series: Series, figure: str) -> str:
    """The runs in order of time, evenly spaced, each with its bounds; a mark where the level changed."""
    import matplotlib

    points = series.points
    unit = ", ms" if figure in LATENCIES else "" if figure.partition(".")[0] in PLAIN else ", %"
    scale = 100.0 if unit == ", %" else 1.0
    values = [scale * point.value for point in points]
    with matplotlib.rc_context(STYLE):
        drawn, axes = plot(width=max(3.5, min(0.24 * len(points), 12.0)), height=2.4, left=0.7, bottom=1.1)
        for place, point in enumerate(points):
            if point.low is not None and point.high is not None:
                axes.vlines(place, scale * point.low, scale * point.high, color="#8c959f", linewidth=1)
        axes.plot(range(len(values)), values, "o", color=INK, markersize=3)
        edges = [0, *(change.place for change in series.changes), len(points)]
        for begin, end in pairwise(edges):
            level = sum(values[begin:end]) / (end - begin)
            axes.hlines(level, begin - 0.4, end - 0.6, color=MARK if series.changes else INK, linewidth=1.2)
        for change in series.changes:
            axes.axvline(change.place - 0.5, color=MARK, linewidth=0.8, linestyle=":")
        every = max(1, -(-len(points) // _MOST_NAMES))
        names = [(point.commit or point.started_at)[:10] for point in points]
        places = range(0, len(points), every)
        axes.set_xticks(list(places), [drawable(names[place]) for place in places], rotation=60, ha="right")
        axes.set_ylabel(f"{figure}{unit}")
        axes.spines[["top", "right"]].set_visible(False)
        return svg(drawn)
