"""Prometheus' text format, for a textfile collector or a push gateway."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sv_eval.exports.run import FinishedRun

_QUANTILES = {"p50": "0.5", "p90": "0.9", "p95": "0.95", "p99": "0.99"}


def prometheus_text(run: FinishedRun) -> str:
    """Gauges of a run, labelled with backend, dataset and schedule; a figure that was refused is left out."""
    metrics = run.metrics
    labels = {
        "backend": metrics["run"]["backend"],
        "dataset": metrics["run"]["dataset"],
        "schedule": run.environment["config"]["load"]["schedule"],
    }
    lines: list[str] = []
    for name, meaning, rows in _gauges(metrics):
        kept = [(more, value) for more, value in rows if value is not None]
        if kept:
            lines += [f"# HELP sv_eval_{name} {meaning}", f"# TYPE sv_eval_{name} gauge"]
            lines += [f"sv_eval_{name}{_labels(labels | more)} {value:.10g}" for more, value in kept]
    return "\n".join(lines) + "\n"


_Rows = list[tuple[dict[str, str], float | None]]


def _gauges(metrics: Any) -> Iterator[tuple[str, str, _Rows]]:
    for name, meaning in (("uar", "Unweighted average recall"), ("accuracy", "Share of right answers")):
        yield name, f"{meaning}, 0 to 1.", [({}, metrics["accuracy"][name]["value"])]
    recalls: _Rows = [({"emotion": label}, row["recall"]["value"]) for label, row in metrics["per_emotion"].items()]
    yield "recall", "Recall of an emotion, 0 to 1.", recalls
    latency = metrics["latency_ms"]
    yield (
        "latency_seconds",
        "Latency of a clip.",
        [({"quantile": quantile}, _seconds(latency[name]["value"])) for name, quantile in _QUANTILES.items()],
    )
    yield (
        "emotion_latency_seconds",
        "Latency of a clip of an emotion.",
        [
            ({"emotion": label, "quantile": _QUANTILES[name]}, _seconds(row["latency_ms"][name]["value"]))
            for label, row in metrics["per_emotion"].items()
            for name in ("p50", "p95")
        ],
    )
    yield "rtf", "Seconds of work per second of audio.", [({}, metrics["rtf"])]
    counts: _Rows = [({"kind": kind}, metrics["run"][f"n_{kind}"]) for kind in ("scored", "unknown", "failed")]
    yield "clips", "Clips by how they ended.", counts
    goodput = (metrics.get("load") or {}).get("goodput") or {}
    yield "goodput_per_second", "Answers within the objective, a second.", [({}, goodput.get("per_s"))]


def _seconds(value_ms: float | None) -> float | None:
    return None if value_ms is None else value_ms / 1000


def _labels(labels: dict[str, str]) -> str:
    escaped = {
        name: value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for name, value in labels.items()
    }
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped.items()) + "}"
