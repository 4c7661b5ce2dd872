"""The report of a comparison, as Markdown, with its plot of accuracy against latency."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence

from sv_eval.config.overrides import as_word
from sv_eval.foreign_text import cell, each_text, inert
from sv_eval.report.change import Change, RatioOfPercentiles
from sv_eval.report.comparison import ComparedRun, Comparison, GroupOfClips, LatencyRatios, PairOfRuns
from sv_eval.report.interval import Interval
from sv_eval.reports.figures import INK, STYLE, drawable, plot, svg
from sv_eval.reports.markdown import template
from sv_eval.reports.suite import points
from sv_eval.reports.wording import Wording, p_value, share
from sv_eval.scoring.contention import CONTENDED

TRADE_OFF = "trade_off.svg"
_SHOWN_FLIPS = 10
_COLOURS = ("#4878a8", "#b3541e", "#2a7f62", "#7a5195", "#8c6d31", "#555555")


def render_compare(found: Comparison, language: str = "en", *, figure: str = TRADE_OFF) -> str:
    """The report on a comparison, in `language` (`en` or `zh`); `figure` is where the plot lies."""
    words, command = Wording(language), shlex.join(found.command)
    found = each_text(found, inert)
    return template("compare.md.j2").render(
        w=words,
        c=found,
        figure=figure,
        share=share,
        points=points,
        interval=_interval,
        p=p_value,
        digits=_digits,
        concordance=_concordance,
        ratio=_ratio,
        bare=_bare,
        told_sign=_told_sign,
        told_clips=_told_clips,
        why_refused=lambda pair: _why_refused(words, pair.latency_ratio),
        failing=words.joined(
            words("compare.failed_of", name=cell(run.name), n=run.n_failed, all=found.n_clips)
            for run in found.runs
            if run.n_failed
        ),
        drawn=words.joined(cell(name) for name in found.of_one_kind),
        contended=words.joined(
            f"{cell(run.name)}: {share(run.others_cpu)}"
            for run in found.runs
            if isinstance(run.others_cpu, float) and run.others_cpu >= CONTENDED
        ),
        groups=(groups := _changed(found.groups)),
        same_rows=sum(map(len, found.groups.values())) - len(groups),
        apart=lambda run: _apart(run, found.runs),
        shown=_SHOWN_FLIPS,
        level=f"{100 * found.confidence:g} %",
        command=command,
    )


def _told_sign(pair: PairOfRuns) -> str:
    """The mark of a pair that is compared by emotional dimensions alone: worse in any goes before better in one."""
    found = [one for one in (pair.dimensions or {}).values() if one.low is not None and one.high is not None]
    if any(one.high < 0 for one in found if one.high is not None):
        return "✗"
    return "✓" if any(one.low > 0 for one in found if one.low is not None) else "?"


def _told_clips(pair: PairOfRuns) -> int:
    """How many clips both told a dimension of, at most."""
    return max((one.n for one in (pair.dimensions or {}).values()), default=0)


def _why_refused(words: Wording, ratios: LatencyRatios) -> str:
    """Why the two latencies are not compared."""
    own = words.has(f"compare.refused.{ratios.refused}")
    return words(
        f"{'compare.refused' if own else 'gate.reasons'}.{ratios.refused}", **words.plain_values(ratios.told)
    )


def _changed(groups: Mapping[str, Sequence[GroupOfClips]]) -> list[tuple[str, GroupOfClips]]:
    """The rows of all groups in which any figure changed, each with what its group is by."""
    return [
        (name, row)
        for name, rows in groups.items()
        for row in rows
        if any(
            one.value is None or one.value or one.low or one.high
            for one in (row.differences.uar, row.differences.accuracy)
        )
    ]


def _apart(run: ComparedRun, runs: Sequence[ComparedRun]) -> str:
    """What tells a run from others: what changed its sound, and the settings of runs of the same backend."""
    said = []
    if len({one.identity.get("condition") for one in runs}) > 1:
        condition = run.identity.get("condition")
        said.append(f"condition {'none' if condition is None else cell(str(json.loads(condition).get('name')))}")
    alike = [one.identity.get("settings") for one in runs if one.identity["backend"] == run.identity["backend"]]
    known = [settings for settings in alike if settings is not None]
    own = run.identity.get("settings")
    if own is not None and len(known) > 1:
        names = (name for name in set().union(*known) if any(one.get(name) != own.get(name) for one in known))
        said += [f"{cell(name)} {cell(as_word(own.get(name)))}" for name in sorted(names)]
    return f": {', '.join(said)}" if said else ""


def _interval(difference: Change) -> str:
    """A difference in points with its bounds."""
    if difference.value is None:
        return "–"
    if difference.low is None:
        return points(difference.value)
    return f"{points(difference.value)} [{points(difference.low)}, {points(difference.high)}]"


def _bare(pair: PairOfRuns) -> bool:
    """Whether any figure changed without a spread that could be seen: it has no bounds and no p-value."""
    overall = pair.differences
    found: list[Change] = [overall.uar, overall.accuracy, overall.macro_f1, *pair.per_emotion.values()]
    found += (pair.dimensions or {}).values()
    if pair.scores:
        found += [*pair.scores.errors.values(), *pair.scores.average_precision.values()]
    return any(one.value and one.p_value is None for one in found)


def _digits(value: float | None) -> str:
    """A coefficient of agreement."""
    return "–" if value is None else f"{value:.3f}"


def _concordance(change: Change) -> str:
    """A difference of coefficients with its bounds."""
    if change.value is None:
        return "–"
    if change.low is None or change.high is None:
        return f"{change.value:+.3f}"
    return f"{change.value:+.3f} [{change.low:+.3f}, {change.high:+.3f}]"


def _ratio(ratio: RatioOfPercentiles) -> str:
    if ratio.value is None:
        return "–"
    bounds = "" if ratio.low is None else f" [{ratio.low:.3f}, {ratio.high:.3f}]"
    return f"{ratio.value:.3f}{bounds}"


def draw_compare(found: Comparison) -> str | None:
    """UAR against latency, a point with both intervals a run; p95 where all runs have it, else the median.

    Of runs whose latencies are figures of one kind; None where no two are, and where no class is scored.
    """
    import matplotlib

    runs = [run for run in found.runs if run.name in found.of_one_kind]
    if not runs or not found.labels:
        return None
    name = "p95" if all(run.latency_ms.p95.value is not None for run in runs) else "p50"
    with matplotlib.rc_context(STYLE):
        drawing, axes = plot(width=5.2, height=3.0, left=0.8, bottom=0.6)
        for place, run in enumerate(runs):
            uar, latency = run.accuracy.uar, getattr(run.latency_ms, name)
            if uar.value is None or latency.value is None:
                continue
            axes.errorbar(
                latency.value,
                100 * uar.value,
                xerr=_reach(latency, 1),
                yerr=_reach(uar, 100),
                fmt="o",
                color=_COLOURS[place % len(_COLOURS)],
                capsize=2,
                markersize=5,
                linewidth=1,
                label=drawable(run.name),
            )
        axes.set_xlabel(f"latency {name}, ms")
        axes.set_ylabel("UAR, %")
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False, fontsize=8)
        else:
            axes.text(0.5, 0.5, "no run has both figures", transform=axes.transAxes, ha="center", color=INK)
        axes.spines[["top", "right"]].set_visible(False)
        return svg(drawing)


def _reach(figure: Interval, scale: float) -> list[list[float]]:
    """How far the bounds lie from the value, as error bars want it; 0 for a side that is not known."""
    value = figure.value or 0.0
    sides = [
        0.0 if bound is None else max(0.0, sign * (bound - value) * scale)
        for bound, sign in ((figure.low, -1), (figure.high, 1))
    ]
    return [[sides[0]], [sides[1]]]
