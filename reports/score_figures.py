"""What thresholds on scores give, and what confident answers are worth, as figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sv_eval.report.operating import Operating
from sv_eval.report.report import Report
from sv_eval.report.selective import Selective
from sv_eval.reports.figures import COLOURS, STYLE, named, plot, svg
from sv_eval.reports.wording import Wording

if TYPE_CHECKING:
    from matplotlib.axes import Axes

THRESHOLDS = "thresholds.svg"
RISK = "risk.svg"

_LINE, _BEST = COLOURS[0], COLOURS[1]
_SIDE, _GAP = 1.3, 0.16
_BETWEEN = 0.45
_ACROSS = 7
"""Emotions side by side."""


def draw_score_figures(report: Report, language: str = "en") -> dict[str, str]:
    """File name to SVG, for those that the report supports."""
    words = Wording(language)
    drawn = {}
    if report.operating and any(each.curve for each in report.operating.per_emotion.values()):
        drawn[THRESHOLDS] = draw_thresholds(report.operating, words)
    if report.selective:
        drawn[RISK] = draw_risk(report.selective, words)
    return drawn


def draw_thresholds(found: Operating, words: Wording) -> str:
    """Precision by recall of each emotion, and beneath it its ROC, with bands that allow for speakers.

    A dot is the threshold that is promised for the wanted precision, a square that of the allowed false alarms.
    """
    import matplotlib
    from matplotlib.figure import Figure

    names = list(found.per_emotion)
    across = min(_ACROSS, len(names))
    rows = 2 * -(-len(names) // across)
    wide = 0.55 + across * (_SIDE + _GAP) + 0.1
    tall = 0.25 + rows * (_SIDE + _BETWEEN) + 0.2 * (rows // 2 - 1)
    with matplotlib.rc_context({**STYLE, "font.size": 8}):
        figure = Figure(figsize=(wide, tall))
        for place, name in enumerate(names):
            each = found.per_emotion[name]
            row, column = 2 * (place // across), place % across
            left = 0.55 + column * (_SIDE + _GAP)

            def panel(number: int, left: float = left) -> Axes:
                bottom = tall - 0.22 - (number + 1) * _SIDE - number * _BETWEEN - 0.2 * (number // 2)
                return figure.add_axes((left / wide, bottom / tall, _SIDE / wide, _SIDE / tall))

            upper, lower = panel(row), panel(row + 1)
            upper.set_title(named(words, name), fontsize=8)
            _band(upper, [one.recall[1] for one in each.curve], [one.precision for one in each.curve])
            _band(lower, [one.false_alarm_rate[1] for one in each.curve], [one.recall for one in each.curve])
            lower.plot([0, 1], [0, 1], color="#8c959f", linewidth=0.8, linestyle="--", zorder=1)
            for wanted, marker in ((each.wanted, "o"), (each.rare, "s")):
                if wanted and wanted.point:
                    one = wanted.point
                    recall = one.recall.value or 0.0
                    upper.plot([recall], [one.precision.value or 0.0], marker, color=_BEST, markersize=5, zorder=4)
                    lower.plot(
                        [one.false_alarm_rate.value or 0.0], [recall], marker, color=_BEST, markersize=5, zorder=4
                    )
            upper.set_xlabel(words("figure.recall"), labelpad=1)
            lower.set_xlabel(words("figure.false_alarms"), labelpad=1)
            if column:
                upper.tick_params(labelleft=False)
                lower.tick_params(labelleft=False)
            else:
                upper.set_ylabel(words("figure.precision"))
                lower.set_ylabel(words("figure.recall"))
        return svg(figure)


def _band(axes: Axes, x: Sequence[float], y: Sequence[tuple[float, float, float]]) -> None:
    axes.fill_between(x, [one[0] for one in y], [one[2] for one in y], color=_LINE, alpha=0.18, linewidth=0)
    axes.plot(x, [one[1] for one in y], color=_LINE, linewidth=1.2, marker=".", markersize=3, zorder=3)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.spines[["top", "right"]].set_visible(False)


def draw_risk(found: Selective, words: Wording) -> str:
    """The share of wrong ones among the most confident answers, by how many are kept."""
    import matplotlib

    with matplotlib.rc_context(STYLE):
        figure, axes = plot(width=4.2, height=2.0, left=0.7, bottom=0.55)
        coverage, risk = zip(*found.curve, strict=True)
        axes.plot(coverage, risk, color=_LINE, linewidth=1.4, marker=".", markersize=4)
        wrong = risk[-1]
        # Of the best order: no wrong one before all right ones are in.
        fine = [one / 200 for one in range(1, 201)]
        axes.plot(
            fine, [max(0.0, 1 - (1 - wrong) / one) for one in fine],
            color="#8c959f", linewidth=1, linestyle="--", label=words("figure.best_order"),
        )  # fmt: skip
        for one in found.at:
            if one.accuracy.value is not None and one.accuracy.low is not None and one.accuracy.high is not None:
                axes.plot(
                    [one.coverage] * 2, [1 - one.accuracy.high, 1 - one.accuracy.low], color=_LINE, linewidth=1
                )
        axes.set_xlim(0, 1.02)
        axes.set_ylim(bottom=0)
        axes.set_xlabel(words("figure.kept"))
        axes.set_ylabel(words("figure.wrong"))
        axes.legend(frameon=False, fontsize=8, loc="upper left")
        axes.spines[["top", "right"]].set_visible(False)
        return svg(figure)
