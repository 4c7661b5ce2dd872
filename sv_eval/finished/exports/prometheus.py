"""Prometheus' text format, for a textfile collector or a push gateway."""

from __future__ import annotations

from collections.abc import Iterator

from sv_eval.finished.exports.figures import SEVERAL, SOFT
from sv_eval.finished.exports.run import ExportedRun
from sv_eval.finished.exports.score_figures import score_figures
from sv_eval.report.report import Report

_QUANTILES = {"p50": "0.5", "p90": "0.9", "p95": "0.95", "p99": "0.99"}


def prometheus_text(run: ExportedRun) -> str:
    """Gauges of a run, labelled with backend, dataset and schedule; a figure that was refused is left out."""
    report = run.report
    labels = {
        "backend": report.run.backend,
        "dataset": report.run.dataset,
        "schedule": run.environment.load["schedule"],
    }
    lines: list[str] = []
    for name, meaning, rows in _gauges(report):
        kept = [(more, value) for more, value in rows if value is not None]
        if kept:
            lines += [f"# HELP sv_eval_{name} {meaning}", f"# TYPE sv_eval_{name} gauge"]
            lines += [f"sv_eval_{name}{_labels(labels | more)} {value:.10g}" for more, value in kept]
    return "\n".join(lines) + "\n"


_Rows = list[tuple[dict[str, str], float | None]]


def _gauges(report: Report) -> Iterator[tuple[str, str, _Rows]]:
    yield "uar", "Unweighted average recall, 0 to 1.", [({}, report.accuracy.uar.value)]
    yield "accuracy", "Share of right answers, 0 to 1.", [({}, report.accuracy.accuracy.value)]
    recalls: _Rows = [({"emotion": label}, row.recall.value) for label, row in report.per_emotion.items()]
    yield "recall", "Recall of an emotion, 0 to 1.", recalls
    concordance: _Rows = [
        ({"dimension": name}, one.ccc.value)
        for name, one in (report.dimensions.figures if report.dimensions else {}).items()
    ]
    yield "ccc", "Concordance of an emotional dimension, -1 to 1.", concordance
    latency = report.latency_ms
    yield (
        "latency_seconds",
        "Latency of a clip.",
        [({"quantile": quantile}, _seconds(getattr(latency, name).value)) for name, quantile in _QUANTILES.items()],
    )
    yield (
        "emotion_latency_seconds",
        "Latency of a clip of an emotion.",
        [
            ({"emotion": label, "quantile": _QUANTILES[name]}, _seconds(getattr(row.latency_ms, name).value))
            for label, row in report.per_emotion.items()
            for name in ("p50", "p95")
        ],
    )
    yield "rtf", "Seconds of work per second of audio.", [({}, report.rtf)]
    run = report.run
    counts: _Rows = [
        ({"kind": kind}, n)
        for kind, n in (("scored", run.n_scored), ("unknown", run.n_unknown), ("failed", run.n_failed))
    ]
    yield "clips", "Clips by how they ended.", counts
    if soft := report.soft_labels:
        rows: _Rows = []
        for name in SOFT:
            figure = getattr(soft, name)
            rows.append(({"figure": name, "of": "answers"}, figure.of_answers.value))
            if figure.of_raters:
                rows.append(({"figure": name, "of": "raters"}, figure.of_raters.value))
        yield "soft", "Answers held against raters' votes, and raters against each other.", rows
        yield "raters_alpha", "Krippendorff's alpha of the raters.", [({}, soft.alpha.value)]
    if several := report.several_emotions:
        found: _Rows = [({"figure": name}, getattr(several, name).value) for name in SEVERAL]
        yield "several", "Answers held against all that is true of a clip.", found
    told: _Rows = [
        ({"figure": name} | ({} if of == "all" else {"emotion": of}), figure.value)
        for of, name, figure in score_figures(report)
    ]
    yield "scores", "What scores and confidence are worth: errors, areas, shares.", told
    goodput = report.load.goodput
    yield (
        "goodput_per_second",
        "Answers within the objective, a second.",
        [({}, goodput.per_s if goodput else None)],
    )


def _seconds(value_ms: float | None) -> float | None:
    return None if value_ms is None else value_ms / 1000


def _labels(labels: dict[str, str]) -> str:
    escaped = {
        name: value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for name, value in labels.items()
    }
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped.items()) + "}"
