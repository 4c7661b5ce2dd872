"""pytest-benchmark's JSON, so that `pytest-benchmark compare` and dashboards built on it read a run."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.finished.exports.run import ExportedRun
from sv_eval.finished.exports.score_figures import score_figures

_VERSION = "5.1.0"
"""The format's version, which is that of the first pytest-benchmark that wrote it so."""


def benchmark_json(run: ExportedRun) -> str:
    """A benchmark for the whole run and one for each emotion; times in seconds, one round a call."""
    name = f"{run.report.run.dataset}/{run.report.run.backend}"
    parts = {name: run.latency_ms, **{f"{name}[{label}]": values for label, values in run.by_emotion.items()}}
    machine, git = run.environment.machine, run.environment.git.sv_eval
    data = {
        "machine_info": {
            "node": "", "processor": machine.cpu, "machine": machine.system.split()[-1],
            "system": machine.system.split()[0], "release": machine.system.split()[1],
            "python_version": machine.python, "python_implementation": "CPython",
            "cpu": {"brand_raw": machine.cpu, "count": machine.cores},
            "gpus": list(machine.gpus or ()),
        },
        "commit_info": {
            "id": git.commit if git else None, "dirty": git.dirty if git else False, "branch": None, "time": None,
        },
        "benchmarks": [_benchmark(title, values, run) for title, values in parts.items() if len(values) > 1],
        "datetime": run.report.run.started_at,
        "version": _VERSION,
    }  # fmt: skip
    return json.dumps(data, indent=1, allow_nan=False) + "\n"


def _benchmark(title: str, latency_ms: NDArray[np.float64], run: ExportedRun) -> Mapping[str, Any]:
    accuracy = run.report.accuracy.uar.value
    return {
        "group": "latency",
        "name": title,
        "fullname": title,
        "params": None,
        "param": None,
        "extra_info": {
            "uar": accuracy, "schedule": run.environment.load["schedule"], **_concordances(run), **_scores(run),
        },
        "options": {"disable_gc": False, "timer": "perf_counter", "min_rounds": 1, "warmup": True},
        "stats": stats_of(latency_ms / 1000),
    }  # fmt: skip


def _concordances(run: ExportedRun) -> dict[str, float | None]:
    found = run.report.dimensions.figures if run.report.dimensions else {}
    return {f"ccc_{name}": one.ccc.value for name, one in found.items()}


def _scores(run: ExportedRun) -> dict[str, float | None]:
    return {name: figure.value for of, name, figure in score_figures(run.report) if of == "all"}


def stats_of(seconds: NDArray[np.float64]) -> dict[str, Any]:
    """pytest-benchmark's statistics of times in seconds; at least two.

    Quartiles and fences are its own: Hazen's, and the least and greatest times within 1.5
    interquartile ranges of the quartiles.
    """
    ranked = np.sort(seconds)
    n, middle = len(ranked), float(np.median(ranked))
    q1, q3 = (float(np.quantile(ranked, share, method="hazen")) for share in (0.25, 0.75))
    mean, deviation = float(ranked.mean()), float(ranked.std(ddof=1))
    inside = ranked[(ranked >= q1 - 1.5 * (q3 - q1)) & (ranked <= q3 + 1.5 * (q3 - q1))]
    far = int((np.abs(ranked - mean) > deviation).sum())
    return {
        "min": float(ranked[0]),
        "max": float(ranked[-1]),
        "mean": mean,
        "stddev": deviation,
        "rounds": n,
        "median": middle,
        "iqr": q3 - q1,
        "q1": q1,
        "q3": q3,
        "iqr_outliers": n - len(inside),
        "stddev_outliers": far,
        "outliers": f"{far};{n - len(inside)}",
        "ld15iqr": float(inside[0]),
        "hd15iqr": float(inside[-1]),
        "ops": 1 / mean if mean > 0 and math.isfinite(mean) else 0.0,
        "total": float(ranked.sum()),
        "iterations": 1,
        "data": [float(value) for value in seconds],
    }
