"""CSV, for a spreadsheet or a data frame."""

from __future__ import annotations

import csv
import io
from typing import Any

from sv_eval.finished.exports.figures import NamedFigure, figures_of
from sv_eval.finished.exports.run import ExportedRun
from sv_eval.foreign_text import spreadsheet_cell
from sv_eval.record_file.rows import OUTCOMES

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
    rows = [_cells(figure) for figure in figures_of(run.report)]
    return _csv(("of", "figure", "value", "low", "high", "n", "reason"), rows)


def _cells(figure: NamedFigure) -> list[Any]:
    cells = (figure.of, figure.name, figure.value, figure.low, figure.high, figure.n, figure.reason)
    return ["" if cell is None else cell for cell in cells]


def _number(value: float) -> Any:
    return "" if value != value else round(float(value), 6)


def _csv(head: Any, rows: list[list[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([spreadsheet_cell(value) for value in row] for row in rows)
    return text.getvalue()
