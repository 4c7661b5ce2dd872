"""The files of a run directory, apart from the records: written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from sv_eval.errors import RunDirectoryError
from sv_eval.report.codec import as_json, from_json
from sv_eval.report.environment import Environment
from sv_eval.report.report import Report
from sv_eval.written_files import write_whole

ENVIRONMENT = "environment.json"
METRICS = "metrics.json"
REPORT = "report.md"
FIGURES = "figures"

T = TypeVar("T")


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all; see `write_whole`."""
    write_whole(path, text)


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write JSON for people and programs; NaN is refused, a value that can't be given is null."""
    write_text(path, _json_text(path, data))


def _json_text(path: Path, data: Mapping[str, Any]) -> str:
    try:
        text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise RunDirectoryError(
            f"{path}: a figure comes out as no number ({error}); what it is made of holds numbers beyond all "
            "measure, such as a latency of 1e308 in a record"
        ) from error
    return f"{text}\n"


def read_json(path: Path) -> dict[str, Any]:
    """The mapping in a JSON file; a RunDirectoryError when there is none."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse_constant)
    except FileNotFoundError as error:
        raise RunDirectoryError(f"{path}: no such file; is this a run directory of sv_eval?") from error
    except (OSError, ValueError, RecursionError) as error:
        raise RunDirectoryError(f"{path}: can't be read as JSON ({error})") from error
    if not isinstance(data, dict):
        raise RunDirectoryError(f"{path}: a JSON object is expected")
    return data


def refuse_constant(name: str) -> None:
    """For `json.loads`, which else takes NaN and Infinity; raises ValueError."""
    raise ValueError(f"{name} is no JSON")


def write_report(path: Path, report: Report) -> None:
    """Write `metrics.json`."""
    write_text(path, metrics_text(path, report))


def metrics_text(path: Path, report: Report) -> str:
    """What `metrics.json` holds, at `path`."""
    data = as_json(report)
    latency = data["latency_ms"]
    if report.load.fell_behind:
        # Why nothing is to be had was found out after everything else, and has always stood last.
        latency["reason"] = latency.pop("reason")
    return _json_text(path, data)


def read_report(directory: Path) -> Report:
    """What `metrics.json` in a run directory holds; raises RunDirectoryError when there is none."""
    return _read(Report, directory / METRICS, f"python -m sv_eval.score {directory} writes it anew")


def read_environment(directory: Path) -> Environment:
    """What `environment.json` in a run directory holds; raises RunDirectoryError when there is none."""
    return _read(Environment, directory / ENVIRONMENT, "put the file back as the run wrote it")


def _read(kind: type[T], path: Path, mend: str) -> T:
    data = read_json(path)
    try:
        return from_json(kind, data, str(path))
    except RunDirectoryError as error:
        raise RunDirectoryError(f"{error}; {mend}") from error
