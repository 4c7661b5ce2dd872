"""The figures of a report, as SVG text. Two renderings of one run are byte-equal."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sv_eval.foreign_text import visible
from sv_eval.report.accuracy import Confusion
from sv_eval.report.calibration import ReliabilityBin
from sv_eval.report.latency import Histogram, Latency
from sv_eval.report.report import Report
from sv_eval.report.streaming import StreamExample
from sv_eval.reports.wording import Wording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CONFUSION = "confusion.svg"
LATENCY = "latency.svg"
TIMELINE = "timeline.svg"
RELIABILITY = "reliability.svg"

INK = "#24292f"
"""Text and axes."""
BAR = "#4878a8"
"""What is counted, and points."""
MARK = "#b3541e"
"""What is to be noticed."""
_WORTH_A_LINE = 0.05
"""Emotions that never reach this probability are left out of a timeline."""
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#666666", "#000000")
"""Told apart by everybody (Okabe and Ito 2008, Color Universal Design), the darkest for text last."""
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "sv_eval",
    "svg.fonttype": "none",
    # Text stays text (svg.fonttype), so whoever shows the figure finds a font with Chinese by itself.
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#8c959f",
    "xtick.color": INK,
    "ytick.color": INK,
    # A word of a corpus may hold dollars; it is no formula.
    "text.parse_math": False,
}


def drawable(word: object) -> str:
    """A foreign word as a figure may hold it: matplotlib fails over half a surrogate pair."""
    return " ".join(visible(word).split())


def named(words: Wording, name: str) -> str:
    """An emotion's or an answer's name as a figure may hold it; a foreign one keeps its own."""
    return words.emotion(name) if words.has(f"emotions.{name}") else drawable(name).replace("_", " ")


def draw_figures(report: Report, language: str = "en") -> dict[str, str]:
    """File name to SVG, for the figures that the report supports, with words in its language."""
    words = Wording(language)
    drawn = {}
    if any(map(any, report.confusion.counts)):
        drawn[CONFUSION] = draw_confusion(report.confusion, words)
    if report.latency_ms.histogram:
        drawn[LATENCY] = draw_latency(report.latency_ms.histogram, report.latency_ms, words)
    if report.calibration and report.calibration.confidence:
        bins = {"": report.calibration.confidence.bins}
        if before := report.calibration.confidence_as_given:
            bins = {words("figure.as_given"): before.bins, words("figure.calibrated"): bins[""]}
        drawn[RELIABILITY] = draw_reliability(bins, words)
    example = report.streaming.example if report.streaming else None
    if example is not None and any(step.scores for step in example.steps):
        drawn[TIMELINE] = draw_timeline(example, words)
    return drawn


def draw_confusion(confusion: Confusion, words: Wording) -> str:
    """Counts in cells, coloured by their share of the row; rows are references, columns answers."""
    import matplotlib

    rows, columns, counts = confusion.rows, confusion.columns, confusion.counts
    shares = [[count / max(sum(row), 1) for count in row] for row in counts]
    with matplotlib.rc_context(STYLE):
        figure, axes = plot(width=0.68 * len(columns), height=0.46 * len(rows), left=1.2, bottom=1.0)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axes.set_xticks(range(len(columns)), [named(words, name) for name in columns], rotation=35, ha="right")
        axes.set_yticks(range(len(rows)), [named(words, name) for name in rows])
        axes.set_xlabel(words("figure.answer"))
        axes.set_ylabel(words("figure.reference"))
        axes.tick_params(length=0)
        for y, row in enumerate(counts):
            for x, count in enumerate(row):
                colour = "white" if shares[y][x] > 0.55 else INK
                if count:
                    axes.text(x, y, str(count), ha="center", va="center", color=colour)
        return svg(figure)


def draw_latency(histogram: Histogram, latency: Latency, words: Wording) -> str:
    """A histogram of the latency with its percentiles marked."""
    import matplotlib

    edges, counts = histogram.edges_ms, histogram.counts
    with matplotlib.rc_context(STYLE):
        figure, axes = plot(width=5.6, height=2.0, left=0.7, bottom=0.55)
        widths = [right - left for left, right in pairwise(edges)]
        axes.bar(edges[:-1], counts, width=widths, align="edge", color=BAR, edgecolor="white", linewidth=0.4)
        top = max(counts)
        for height, name in zip((1.0, 0.88, 0.76), ("p50", "p95", "p99"), strict=True):
            value = getattr(latency, name).value
            if value is None:
                continue
            axes.axvline(value, color=MARK, linewidth=1)
            axes.annotate(
                f"{name} {value:.3g} ms",
                (value, top * height),
                xytext=(4, 0),
                textcoords="offset points",
                color=MARK,
                va="top",
            )
        axes.set_xlabel(words("figure.latency"))
        axes.set_ylabel(words("figure.calls"))
        axes.spines[["top", "right"]].set_visible(False)
        return svg(figure)


def draw_reliability(found: Mapping[str, Sequence[ReliabilityBin]], words: Wording) -> str:
    """What answers of about the same confidence were right in, with bounds; the diagonal is what they say.

    A plot for each, side by side, under its title.
    """
    import matplotlib
    from matplotlib.figure import Figure

    across = 0.7 + 3.4 * len(found) + 0.5 * (len(found) - 1) + 0.25
    titled = 0.25 if any(found) else 0.0
    tall = 0.55 + 3.0 + titled + 0.2
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(across, tall))
        for place, (title, bins) in enumerate(found.items()):
            axes = figure.add_axes(((0.7 + 3.9 * place) / across, 0.55 / tall, 3.4 / across, 3.0 / tall))
            _reliability(axes, bins)
            axes.set_title(title, fontsize=9)
            axes.set_xlabel(words("figure.confidence"))
            if not place:
                axes.set_ylabel(words("figure.right"))
        return svg(figure)


def _reliability(axes: Axes, bins: Sequence[ReliabilityBin]) -> None:
    axes.plot([0, 1], [0, 1], color="#8c959f", linewidth=0.8, linestyle="--", zorder=1)
    for one in bins:
        low, high = one.observed.low or 0.0, 1.0 if one.observed.high is None else one.observed.high
        axes.plot([one.mean, one.mean], [low, high], color=BAR, linewidth=1.2, zorder=2)
        axes.plot([one.low, one.high], [one.observed.value or 0.0] * 2, color=BAR, linewidth=1.2, zorder=2)
    means, shares = [one.mean for one in bins], [one.observed.value or 0.0 for one in bins]
    axes.plot(means, shares, color=BAR, marker="o", markersize=4, linestyle="none", zorder=3)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.spines[["top", "right"]].set_visible(False)


def draw_timeline(example: StreamExample, words: Wording) -> str:
    """The running probability of each emotion that was ever likely, at the moments when it was known."""
    import matplotlib

    known = [(step.emitted_s, step.scores) for step in example.steps if step.scores]
    names = [name for name in known[0][1] if max(scores.get(name, 0.0) for _, scores in known) >= _WORTH_A_LINE]
    times = [emitted_s for emitted_s, _ in known]
    end_s = max(example.audio_s, times[-1])
    with matplotlib.rc_context(STYLE):
        figure, axes = plot(width=5.6, height=2.2, left=0.7, bottom=0.55)
        for number, name in enumerate(names):
            values = [scores.get(name, 0.0) for _, scores in known]
            held = [*values, values[-1]]
            axes.step(
                [*times, end_s * 1.06],
                held,
                where="post",
                color=COLOURS[number % len(COLOURS)],
                label=named(words, name),
                marker=".",
            )
        for step in example.steps:
            axes.axvline(step.end_s, color="#d0d7de", linewidth=0.6, zorder=0)
        axes.axvline(example.audio_s, color=MARK, linewidth=1, linestyle="--")
        axes.annotate(
            words("figure.audio_ends"),
            (example.audio_s, 1.0),
            xytext=(-4, 0),
            textcoords="offset points",
            color=MARK,
            ha="right",
            va="top",
        )
        axes.set_xlim(0, end_s * 1.06)
        axes.set_ylim(0, 1.04)
        axes.set_xlabel(words("figure.seconds"))
        axes.set_ylabel(words("figure.probability"))
        axes.legend(frameon=False, loc="center left", fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        return svg(figure)


def plot(*, width: float, height: float, left: float, bottom: float) -> tuple[Figure, Axes]:
    """A figure with one plot of this size and these margins, inches.

    The margins are ours: letting matplotlib find them draws everything twice.
    """
    from matplotlib.figure import Figure

    whole, tall = left + width + 0.25, bottom + height + 0.2
    figure = Figure(figsize=(whole, tall))
    return figure, figure.add_axes((left / whole, bottom / tall, width / whole, height / tall))


def svg(figure: Figure) -> str:
    """The figure as SVG text."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = io.StringIO()
    with warnings.catch_warnings():
        # It measures words in a font that may lack them; they are drawn by whoever shows the figure.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None})  # type: ignore[no-untyped-call]
    return buffer.getvalue()
