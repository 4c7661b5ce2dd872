"""A run as a notebook shows it: a few tables of HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from sv_eval.report.interval import Interval
from sv_eval.report.report import Report
from sv_eval.reports.wording import Wording

_STYLE = "text-align: left; vertical-align: top"


def render_run(report: Report) -> str:
    """What was scored, the headline figures with their intervals, the emotions, and the caveats."""
    run, accuracy, latency = report.run, report.accuracy, report.latency_ms
    title = f"{run.backend} on {run.dataset}: {run.n_scored} of {run.n_clips} clips scored"
    left = ", ".join(
        f"{n} {what}"
        for n, what in ((run.n_unknown, "unknown"), (run.n_no_tag, "without a tag"), (run.n_failed, "failed"))
        if n
    )
    figures = [
        ("unweighted average recall (UAR)", _interval(accuracy.uar)),
        ("accuracy", _interval(accuracy.accuracy)),
        ("macro F1", _interval(accuracy.macro_f1)),
        ("latency p50", _interval(latency.p50, 1, " ms")),
        ("latency p95", _interval(latency.p95, 1, " ms")),
    ]
    emotions = [
        (
            label,
            str(row.support),
            _interval(row.recall),
            _interval(row.precision),
            _interval(row.latency_ms.p50, 1, " ms"),
        )
        for label, row in report.per_emotion.items()
    ]
    words = Wording("en")
    # Their sentences are Markdown, of which nothing but stress is left here.
    said = (words.caveat(caveat).replace("**", "").replace("`", "") for caveat in report.caveats)
    caveats = "".join(f"<li>{escape(sentence)}</li>" for sentence in said)
    return (
        f"<div><strong>{escape(title)}</strong>{escape(f' ({left})' if left else '')}"
        + _table(("", f"value [{100 * report.intervals.confidence:g} % interval]"), figures)
        + _table(("emotion", "clips", "recall", "precision", "latency p50"), emotions)
        + (f"<p>Caveats</p><ul>{caveats}</ul>" if caveats else "")
        + "</div>"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = "".join(f'<th style="{_STYLE}">{escape(name)}</th>' for name in head)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_STYLE}">{escape(cell)}</td>' for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


def _interval(figure: Interval, digits: int = 3, unit: str = "") -> str:
    if figure.value is None:
        return f"not given ({figure.reason})" if figure.reason else "not given"
    text = f"{figure.value:.{digits}f}{unit}"
    if figure.low is None or figure.high is None:
        return text
    return f"{text} [{figure.low:.{digits}f}, {figure.high:.{digits}f}]"
