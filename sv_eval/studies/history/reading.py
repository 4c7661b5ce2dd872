"""Runs and baseline files below a directory, as series of one figure: only like is put beside like."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sv_eval.errors import SvEvalError, UsageError
from sv_eval.machine.file_versions import versions_of
from sv_eval.report.environment import Environment
from sv_eval.report.history import LATENCIES, HistoryFile, LeftOut, Point, Series
from sv_eval.report.interval import Interval
from sv_eval.report.report import Report
from sv_eval.report.run_directory import METRICS, read_environment, read_report
from sv_eval.scoring.labels.config import labels_config_of
from sv_eval.studies.gate.baseline_file import KIND, baseline_in, read_baseline
from sv_eval.studies.gate.subject import condition_of, device_of, figures_of, load_of
from sv_eval.studies.history.changes import change_points
from sv_eval.studies.history.figure_names import figure_of


@dataclass(frozen=True, slots=True)
class _Source:
    """A run directory, a baseline file, or one that a baseline file held before."""

    name: str
    """What it is called: its path, with the commit behind it of what was there before."""
    path: Path
    """Where it lies."""
    text: str | None = None
    """What the file held; None for what is there now."""


def history_below(places: Sequence[Path], figure: str, alpha: float) -> HistoryFile:
    """The series of a figure with their changes; raises UsageError where there is no run and no baseline at all.

    places: folders to be searched, run directories and baseline files. Of a baseline file that is named itself,
    what it held in each commit of its repository is a point, too. A run that is met twice, as itself and in a
    baseline file, counts once.
    """
    together: dict[str, tuple[dict[str, Any], list[Point]]] = {}
    left_out: list[LeftOut] = []
    known: dict[tuple[Any, ...], str] = {}
    seen = False
    for source in _sources(places):
        seen = True
        try:
            what, point, same = _point(source, figure)
        except SvEvalError as error:
            left_out.append(LeftOut(source=source.name, why=str(error)))
            continue
        if (first := known.setdefault(same, source.name)) != source.name:
            left_out.append(LeftOut(source=source.name, why=f"it is the run of {first}"))
        elif point is None:
            left_out.append(LeftOut(source=source.name, why=f"it has no {figure}"))
        else:
            together.setdefault(json.dumps(what, sort_keys=True, default=str), (what, []))[1].append(point)
    if not seen:
        raise UsageError(f"{', '.join(map(str, places))}: there is no run and no baseline file below it")
    series = []
    for what, unordered in together.values():
        points = sorted(unordered, key=lambda point: (point.started_at, point.source))
        changes = change_points([point.value for point in points], alpha=alpha)
        series.append(Series(what=what, points=tuple(points), changes=changes))
    series.sort(key=lambda one: (-len(one.points), str(one.what)))
    return HistoryFile(figure=figure, alpha=alpha, series=tuple(series), left_out=tuple(left_out))


def _sources(places: Sequence[Path]) -> Iterator[_Source]:
    """Run directories, then baseline files, each once: so a run is met before a baseline file of it."""
    files: dict[Path, None] = {}
    runs: dict[Path, None] = {}
    for place in places:
        if place.is_file():
            files[place] = None
            continue
        for path in sorted(place.rglob("*.json")):
            if path.name == METRICS:
                runs[path.parent] = None
            elif _is_baseline(path):
                files[path] = None
    yield from (_Source(str(run), run) for run in runs)
    for file in files:
        yield _Source(str(file), file)
        if file in places:
            yield from (_Source(f"{file}@{commit[:8]}", file, text) for commit, text in versions_of(file))


def _is_baseline(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8") as stream:
            return f'"{KIND}"' in stream.read(200)
    except (OSError, ValueError):
        return False


def _point(source: _Source, figure: str) -> tuple[dict[str, Any], Point | None, tuple[Any, ...]]:
    """What a run compares by, the run with its figure (None where it has none), and what it is known by."""
    if source.path.is_dir():
        report, environment = read_report(source.path), read_environment(source.path)
        what, found = _what_of_run(report, environment, figure), figure_of(figures_of(report), figure)
        state = environment.git.sv_eval
        commit, started_at, model = (
            state.commit if state else None,
            environment.started_at,
            environment.backend.model,
        )
        others: tuple[Interval, ...] = (report.accuracy.uar, report.latency_ms.p50)
    else:
        subject = read_baseline(source.path) if source.text is None else baseline_in(source.text, source.path)
        known = subject.identity
        what = {name: known[name] for name in ("dataset", "dataset_hash", "label_map_hash", "labels_hash")}
        what["policy"] = subject.policy
        if known.get("condition") is not None:
            what["condition"] = known["condition"]
        if figure in LATENCIES:
            what |= {"device": known["device"], "load": known["load"]}
        found = figure_of(subject.figures, figure)
        commit, started_at, model = known["commit"], known["started_at"], known["model"]
        others = (subject.figures.accuracy.uar, subject.figures.latency_ms.p50)
    # Two runs may begin in one second; one to nine digits of both figures is the same one.
    figures = (one.value for one in others)
    same = (started_at, model, what["dataset_hash"], what["labels_hash"], what["policy"], *figures)
    if found is None or found.value is None:
        return what, None, same
    point = Point(
        source=source.name, started_at=started_at, model=model, commit=commit,
        value=found.value, low=found.low, high=found.high,
    )  # fmt: skip
    return what, point, same


def _what_of_run(report: Report, environment: Environment, figure: str) -> dict[str, Any]:
    dataset = environment.dataset
    what: dict[str, Any] = {
        "dataset": dataset.name,
        "dataset_hash": dataset.hash,
        "label_map_hash": dataset.label_map.hash,
        "labels_hash": labels_config_of(report.label_map).hash,
        "policy": report.policy,
    }
    if (condition := condition_of(environment)) is not None:
        what["condition"] = condition
    if figure in LATENCIES:
        what |= {"device": device_of(report, environment), "load": load_of(environment.load)}
    return what
