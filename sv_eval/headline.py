"""The lines that end a run on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sv_eval.command import relative
from sv_eval.rescore import Summary


def headline(summary: Summary) -> str:
    """What was scored, UAR, latency and where the report is, a line each."""
    metrics = summary.metrics
    run, uar, latency = metrics["run"], metrics["accuracy"]["uar"], metrics["latency_ms"]
    # Rare with most recognisers, and nearly everything where a threshold is too high.
    without = [
        f"{run[key]} {name}" for key, name in (("n_no_tag", "no tag"), ("n_no_speech", "no speech")) if run[key]
    ]
    lines = [
        f"{run['dataset']} on {run['backend']}: {run['n_scored']} of {run['n_clips']} clips scored, "
        + ", ".join([f"{run['n_unknown']} unknown", *without, f"{run['n_failed']} failed"]),
        f"UAR {_interval(uar, 3)} over {', '.join(metrics['labels']) or 'no emotion'}",
        "latency " + ", ".join(f"{name} {_interval(latency[name], 2, ' ms')}" for name in ("p50", "p95")),
    ]
    if any(caveat["code"] == "training_overlap" for caveat in metrics["caveats"]):
        lines.append(
            "caveat: the model was trained on some of these speakers, which flatters it (training_overlap)"
        )
    return "\n".join([*lines, f"report: {relative(summary.report)}"])


def _interval(figure: Mapping[str, Any], digits: int, unit: str = "") -> str:
    if figure["value"] is None:
        return f"- ({figure.get('reason', 'not given')})"
    text = f"{figure['value']:.{digits}f}{unit}"
    if figure["low"] is None or figure["high"] is None:
        return text
    return f"{text} [{figure['low']:.{digits}f}, {figure['high']:.{digits}f}]"
