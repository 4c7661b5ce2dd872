"""Runs and baseline files below a directory, as series of one figure: only like is put beside like."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sv_eval.errors import SvEvalError, UsageError
from sv_eval.report.environment import Environment
from sv_eval.report.history import LATENCIES, HistoryFile, LeftOut, Point, Series
from sv_eval.report.interval import Interval
from sv_eval.report.report import Report
from sv_eval.report.run_directory import METRICS, read_environment, read_report
from sv_eval.scoring.labels.config import labels_config_of
from sv_eval.studies.gate.baseline_file import KIND, read_baseline
from sv_eval.studies.gate.subject import Figures, device_of, load_of
from sv_eval.studies.history.changes import change_points

ACCURACIES = ("uar", "accuracy", "macro_f1", "weighted_f1")
FIGURES = (*ACCURACIES, *LATENCIES)


def history_below(directory: Path, figure: str, alpha: float) -> HistoryFile:
    """The series of a figure with their changes; raises UsageError where there is no run and no baseline at all."""
    together: dict[str, tuple[dict[str, Any], list[Point]]] = {}
    left_out: list[LeftOut] = []
    seen = False
    for source in _sources(directory):
        seen = True
        try:
            what, point = _point(source, figure)
        except SvEvalError as error:
            left_out.append(LeftOut(source=str(source), why=str(error)))
            continue
        if point is None:
            left_out.append(LeftOut(source=str(source), why=f"it has no {figure}"))
            continue
        together.setdefault(json.dumps(what, sort_keys=True, default=str), (what, []))[1].append(point)
    if not seen:
        raise UsageError(f"{directory}: there is no run and no baseline file below it")
    series = []
    for what, unordered in together.values():
        points = sorted(unordered, key=lambda point: (point.started_at, point.source))
        changes = change_points([point.value for point in points], alpha=alpha)
        series.append(Series(what=what, points=tuple(points), changes=changes))
    series.sort(key=lambda one: (-len(one.points), str(one.what)))
    return HistoryFile(figure=figure, alpha=alpha, series=tuple(series), left_out=tuple(left_out))


def _sources(directory: Path) -> Iterator[Path]:
    """Run directories and baseline files."""
    for path in sorted(directory.rglob("*.json")):
        if path.name == METRICS:
            yield path.parent
        elif not (path.parent / METRICS).exists() and _is_baseline(path):
            yield path


def _is_baseline(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8") as stream:
            return f'"{KIND}"' in stream.read(200)
    except (OSError, ValueError):
        return False


def _point(source: Path, figure: str) -> tuple[dict[str, Any], Point | None]:
    """What a run compares by, and the run with its figure; None where it has none."""
    if source.is_dir():
        report, environment = read_report(source), read_environment(source)
        what, found = _what_of_run(report, environment, figure), _of_report(report, figure)
        state = environment.git.sv_eval
        commit, started_at, model = (
            state.commit if state else None,
            environment.started_at,
            environment.backend.model,
        )
    else:
        subject = read_baseline(source)
        known = subject.identity
        what = {name: known[name] for name in ("dataset", "dataset_hash", "label_map_hash", "labels_hash")}
        what["policy"] = subject.policy
        if figure in LATENCIES:
            what |= {"device": known["device"], "load": known["load"]}
        found = _of_figures(subject.figures, figure)
        commit, started_at, model = known["commit"], known["started_at"], known["model"]
    if found.value is None:
        return what, None
    point = Point(
        source=str(source), started_at=started_at, model=model, commit=commit,
        value=found.value, low=found.low, high=found.high,
    )  # fmt: skip
    return what, point


def _what_of_run(report: Report, environment: Environment, figure: str) -> dict[str, Any]:
    dataset = environment.dataset
    what: dict[str, Any] = {
        "dataset": dataset.name,
        "dataset_hash": dataset.hash,
        "label_map_hash": dataset.label_map.hash,
        "labels_hash": labels_config_of(report.label_map).hash,
        "policy": report.policy,
    }
    if figure in LATENCIES:
        what |= {"device": device_of(report, environment), "load": load_of(environment.load)}
    return what


def _of_report(report: Report, figure: str) -> Interval:
    found: Interval = getattr(report.latency_ms if figure in LATENCIES else report.accuracy, figure)
    return found


def _of_figures(figures: Figures, figure: str) -> Interval:
    found: Interval = getattr(figures.latency_ms if figure in LATENCIES else figures.accuracy, figure)
    return found
