"""CSV, for a spreadsheet or a data frame."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from sv_eval.finished.exports.run import ExportedRun
from sv_eval.finished.exports.score_figures import score_figures
from sv_eval.foreign_text import spreadsheet_cell
from sv_eval.record_file.rows import OUTCOMES
from sv_eval.report.interval import Interval
from sv_eval.report.report import Report
from sv_eval.scoring.policies import HEADLINE

SOFT = ("cross_entropy", "kl", "js", "tvd", "soft_macro_f1", "soft_accuracy")
SEVERAL = ("macro_f1", "micro_f1", "hit_rate", "hamming_loss", "exact")
_RECORD_COLUMNS = (
    "clip", "round", "speaker", "reference", "outcome", "answer", "forced", "confidence", "audio_s", "latency_ms",
    "sent_s", "late_ms", "attempts", "session", "shared", "failure",
)  # fmt: skip


def records_csv(run: ExportedRun) -> str:
    """A row for each record, by clip id and round; empty cells for what there is not.

    Accuracy is of the rows of round 0, one a clip; latency of all rows.
    """
    table = run.requests
    told = [
        (f"{side}{name}", columns[name])
        for side, columns in (("reference_", table.true_dimensions), ("", table.dimensions))
        for name in columns
    ]
    rows: list[list[Any]] = []
    for place, clip_id in enumerate(table.clip_ids):
        speaker, forced = table.speaker[place], table.forced[place]
        rows.append(
            [
                clip_id,
                int(table.round[place]),
                table.speakers[speaker] if speaker >= 0 else "",
                table.class_codes.references[table.reference[place]] or "",
                OUTCOMES[table.outcome[place]].value,
                table.class_codes.answers[table.predicted[place]],
                table.class_codes.classes[forced] if 0 <= forced < len(table.class_codes.classes) else "",
                *(
                    _number(column[place])
                    for column in (table.confidence, table.audio_s, table.latency_ms, table.sent_s, table.late_ms)
                ),
                int(table.attempts[place]),
                int(table.session[place]),
                int(table.shared[place]),
                table.failures[place][0] if place in table.failures else "",
                *(_number(column[place]) for _, column in told),
            ]
        )
    return _csv((*_RECORD_COLUMNS, *(name for name, _ in told)), rows)


def figures_csv(run: ExportedRun) -> str:
    """A row for each figure: what it is of, its name, value and bounds, and how many measurements it rests on."""
    report = run.report
    rows = [["all", name, *_interval(getattr(report.accuracy, name))] for name in HEADLINE]
    rows += [
        ["all", f"latency_ms_{p}", *_interval(getattr(report.latency_ms, p))] for p in ("p50", "p90", "p95", "p99")
    ]
    rows.append(["all", "rtf", report.rtf if report.rtf is not None else "", "", "", "", ""])
    for label, row in report.per_emotion.items():
        rows += [[label, name, *_interval(getattr(row, name))] for name in ("recall", "precision", "f1")]
        rows += [
            [label, f"latency_ms_{name}", *_interval(getattr(row.latency_ms, name))] for name in ("p50", "p95")
        ]
    for name, one in (report.dimensions.figures if report.dimensions else {}).items():
        rows += [[name, figure, *_interval(getattr(one, figure))] for figure in ("ccc", "pearson", "rmse", "bias")]
    rows += [[of, name, *_interval(figure)] for of, name, figure in score_figures(report)]
    return _csv(("of", "figure", "value", "low", "high", "n", "reason"), [*rows, *_of_raters(run.report)])


def _of_raters(report: Report) -> Iterator[list[Any]]:
    """Answers held against raters' votes, the same of people beside them, and several emotions a clip."""
    if soft := report.soft_labels:
        for name in SOFT:
            figure = getattr(soft, name)
            yield ["all", name, *_interval(figure.of_answers)]
            if figure.of_raters:
                yield ["all", f"{name}_of_raters", *_interval(figure.of_raters)]
        yield ["all", "alpha", *_interval(soft.alpha)]
        for label, figure in soft.per_emotion.items():
            yield [label, "soft_f1", *_interval(figure.of_answers)]
    if several := report.several_emotions:
        for name in SEVERAL:
            yield ["all", f"several_{name}", *_interval(getattr(several, name))]
        for label, one in several.per_emotion.items():
            yield [label, "several_f1", *_interval(one.f1)]


def _interval(figure: Interval) -> list[Any]:
    cells = (figure.value, figure.low, figure.high, figure.n, figure.reason or None)
    return ["" if cell is None else cell for cell in cells]


def _number(value: float) -> Any:
    return "" if value != value else round(float(value), 6)


def _csv(head: Any, rows: list[list[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([spreadsheet_cell(value) for value in row] for row in rows)
    return text.getvalue()
