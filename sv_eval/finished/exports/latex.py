"""LaTeX tables for a paper, ruled by booktabs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sv_eval.finished.exports.figures import ALL, PERCENTILES, NamedFigure, figures_of
from sv_eval.finished.exports.run import ExportedRun
from sv_eval.foreign_text import visible
from sv_eval.report.accuracy import Confusion
from sv_eval.report.report import Report

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}",
    # Behind the end of a line it would be that end's argument.
    "[": "{[}",
}  # fmt: skip
_NAMES = {
    "uar": "UAR", "accuracy": "Accuracy", "macro_f1": "Macro F1", "weighted_f1": "Weighted F1", "rtf": "RTF",
    "ccc": "CCC", "pearson": "Pearson's r", "rmse": "RMSE", "bias": "Bias", "cross_entropy": "Cross entropy",
    "kl": "KL divergence", "js": "JS divergence", "tvd": "Total variation", "alpha": "Krippendorff's alpha",
    "several_exact": "Exact sets", "ece": "ECE", "ece_classwise": "Classwise ECE", "brier": "Brier score",
    "aurc": "AURC", "aurc_excess": "Excess AURC",
    **{f"latency_ms_{percentile}": f"Latency {percentile} (ms)" for percentile in PERCENTILES},
}  # fmt: skip
_NOTHING = "--"


def latex_tables(run: ExportedRun) -> str:
    """Three tables or four: the headline, by emotion, dimensions where there are any, and the confusions.

    Shares are in per cent. A figure that can't be given is a dash, and a comment says why.
    """
    report = run.report
    figures = list(figures_of(report))
    what = f"{escaped(run.environment.backend.model)} on {escaped(run.environment.dataset.title)}"
    bounds = f"{100 * report.intervals.confidence:g}\\,\\% intervals in brackets"
    policy = f"unknown policy \\emph{{{escaped(report.policy)}}}"
    whole = [figure for figure in figures if figure.of == ALL]
    parts = [
        "% \\usepackage{booktabs}",
        _table(
            "overall", f"{what}: {report.run.n_scored} clips scored, {policy}; {bounds}.", "lrr",
            ("", "Value", "$n$"), [(_name(one), _value(one), _count(one.n)) for one in whole],
        ),
        _table(
            "emotions", f"{what}, by emotion; {bounds}.", "lrrrrr",
            ("Emotion", "Recall (\\%)", "Precision (\\%)", "F1 (\\%)", "Clips", "Latency p95 (ms)"),
            _emotions(report, figures),
        ),
    ]  # fmt: skip
    if dimensions := report.dimensions:
        columns = ("ccc", "pearson", "rmse", "bias")
        parts.append(
            _table(
                "dimensions", f"{what}, emotional dimensions; {bounds}.", "lrrrr",
                ("Dimension", *(_NAMES[name] for name in columns)),
                [
                    (escaped(name), *(_value(_found(figures, name, column)) for column in columns))
                    for name in dimensions.figures
                ],
            )
        )  # fmt: skip
    parts.append(_confusions(report.confusion, f"{what}: references by row, answers by column."))
    reasons = [f"% {_name(one)} ({escaped(one.of)}): {escaped(one.reason)}" for one in figures if one.reason]
    return "\n\n".join([*parts, *(["\n".join(reasons)] if reasons else [])]) + "\n"


def escaped(text: object) -> str:
    r"""Text of which LaTeX makes nothing but itself, on one line.

    >>> escaped("50 % of a_b & \\input{x}")
    '50 \\% of a\\_b \\& \\textbackslash{}input\\{x\\}'
    """
    seen = visible(" ".join(str(text).split()))
    return re.sub(r'[\\{}$&#%_~^<>|"[]', lambda found: _SPECIAL[found.group()], seen)


def _emotions(report: Report, figures: Sequence[NamedFigure]) -> Iterable[tuple[str, ...]]:
    for label, row in report.per_emotion.items():
        shares = (_value(_found(figures, label, name)) for name in ("recall", "precision", "f1"))
        yield escaped(label), *shares, str(row.support), _value(_found(figures, label, "latency_ms_p95"))


def _confusions(confusion: Confusion, caption: str) -> str:
    head = ("", *(escaped(name) for name in confusion.columns), "failed")
    rows = [
        (escaped(name), *map(str, counts), str(failed))
        for name, counts, failed in zip(confusion.rows, confusion.counts, confusion.failed, strict=True)
    ]
    return _table("confusion", caption, "l" + "r" * (len(head) - 1), head, rows)


def _table(label: str, caption: str, columns: str, head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [
        "\\begin{table}",
        "\\centering",
        f"\\caption{{{caption}}}",
        f"\\label{{tab:sv-eval-{label}}}",
        f"\\begin{{tabular}}{{{columns}}}",
        "\\toprule",
        _row(head),
        "\\midrule",
        *(_row(row) for row in rows),
        "\\bottomrule",
        "\\end{tabular}",
        "\\end{table}",
    ]
    return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    return " & ".join(cells) + " \\\\"


def _found(figures: Sequence[NamedFigure], of: str, name: str) -> NamedFigure:
    return next(one for one in figures if (one.of, one.name) == (of, name))


def _name(figure: NamedFigure) -> str:
    base = figure.base
    known = _NAMES.get(base) or escaped(base.replace("_", " ").capitalize())
    known += " (\\%)" if figure.scale.unit == "proportion" else ""
    return f"{known}, raters" if figure.name != base else known


def _value(figure: NamedFigure) -> str:
    """Value and bounds: shares as per cent with one decimal, milliseconds with two, others with three."""
    scale, digits = {"proportion": (100.0, 1), "ms": (1.0, 2)}.get(figure.scale.unit, (1.0, 3))
    if figure.scale.unit == "ratio":
        digits = 4
    if figure.value is None:
        return _NOTHING
    text = f"${scale * figure.value:.{digits}f}$"
    if figure.low is None or figure.high is None:
        return text
    return f"{text} [${scale * figure.low:.{digits}f}$, ${scale * figure.high:.{digits}f}$]"


def _count(n: int | None) -> str:
    return _NOTHING if n is None else str(n)
