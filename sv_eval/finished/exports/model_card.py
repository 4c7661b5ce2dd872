"""Evaluation results for a model's page on Hugging Face, as YAML."""

from __future__ import annotations

from typing import Any

import yaml

from sv_eval.finished.exports.figures import ALL, NamedFigure, figures_of
from sv_eval.finished.exports.run import ExportedRun
from sv_eval.finished.exports.wanted import Wanted
from sv_eval.scoring.policies import HEADLINE

_TASK = {"type": "audio-classification", "name": "Speech Emotion Recognition"}
_TYPES = {"uar": "recall", "accuracy": "accuracy", "macro_f1": "f1", "weighted_f1": "f1"}
"""The hub's names of metrics; which average it is stands in the metric's `args`."""
_AVERAGES = {"uar": "macro", "macro_f1": "macro", "weighted_f1": "weighted"}
_NAMES = {"uar": "UAR", "accuracy": "Accuracy", "macro_f1": "Macro F1", "weighted_f1": "Weighted F1"}
_DIGITS = 6


def model_index(run: ExportedRun, wanted: Wanted) -> str:
    """`model-index`, to be put between the `---` on top of a model's README.md."""
    environment, report = run.environment, run.report
    headline = [one for one in figures_of(report) if one.of == ALL and one.name in HEADLINE]
    latencies = [one for one in figures_of(report) if one.of == ALL and one.name.startswith("latency_ms_")]
    repository = (wanted.hub_dataset or environment.dataset.identity or environment.dataset.name).partition("#")[0]
    result = {
        "task": _TASK,
        "dataset": {"name": environment.dataset.title, "type": repository, "split": environment.dataset.split},
        "metrics": [_metric(one, run) for one in (*headline, *latencies) if one.value is not None],
    }
    name = wanted.model or environment.backend.model
    return _yaml({"model-index": [{"name": name, "results": [result]}]})


def eval_results(run: ExportedRun, wanted: Wanted) -> str | None:
    """A file for a model's `.eval_results/`, which the corpus's leaderboard reads; None without its repository."""
    uar = run.report.accuracy.uar
    if wanted.hub_dataset is None or uar.value is None:
        return None
    repository, _, task = wanted.hub_dataset.partition("#")
    bounds = "" if uar.low is None or uar.high is None else f" [{uar.low:.4f}, {uar.high:.4f}]"
    entry = {
        "dataset": {"id": repository, "task_id": task or "default"},
        "value": round(uar.value, _DIGITS),
        "date": run.report.run.started_at,
        "notes": f"unweighted average recall{bounds}, {uar.n} clips, unknown policy {run.report.policy}, sv-eval",
    }
    return _yaml([entry])


def _metric(figure: NamedFigure, run: ExportedRun) -> dict[str, Any]:
    accuracy = figure.name in HEADLINE
    args: dict[str, Any] = {"average": _AVERAGES[figure.name]} if figure.name in _AVERAGES else {}
    if accuracy:
        args["unknown_policy"] = run.report.policy
    else:
        args |= {"schedule": run.environment.load["schedule"], "device": run.environment.backend.device}
    if figure.low is not None and figure.high is not None:
        args |= {
            "confidence": run.report.intervals.confidence,
            "low": round(figure.low, _DIGITS),
            "high": round(figure.high, _DIGITS),
        }
    return {
        "type": _TYPES.get(figure.name, figure.name),
        "name": _NAMES.get(figure.name) or f"Latency {figure.name.rpartition('_')[2]} (ms)",
        "value": round(figure.value or 0.0, _DIGITS),
        "args": {**args, "n": figure.n},
    }


def _yaml(data: Any) -> str:
    text: str = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=116)
    return text
