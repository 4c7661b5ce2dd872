"""The runs of a sweep, read back from their directories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.errors import RunDirectoryError
from sv_eval.labels.config import labels_config_from
from sv_eval.labels.relabelling import relabelled, relabelling_of
from sv_eval.run.identity import ENVIRONMENT
from sv_eval.run.journal import RECORDS, read_lines
from sv_eval.run_directory import METRICS, read_json, write_text
from sv_eval.scoring.calls import calls_of
from sv_eval.scoring.latency import clean_records
from sv_eval.scoring.table import RecordTable
from sv_eval.sweep.plan import Setting

Floats = NDArray[np.float64]


WHY = "error.txt"
"""In the directory of a setting that has no result: why."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SweptRun:
    """A setting and what was measured under it."""

    setting: Setting
    """Which one."""
    metrics: Mapping[str, Any]
    """Its metrics.json."""
    environment: Mapping[str, Any]
    """Its environment.json."""
    table: RecordTable
    """Its records of the first round, under the label map that it was scored with: what accuracy is from."""
    latency_ms: Floats
    """The clean calls, milliseconds."""
    busy_s: Floats
    """Seconds that each clean record kept the backend busy, batches shared out evenly."""
    audio_s: Floats
    """Seconds of audio of each clean record."""


def read_runs(directory: Path, settings: Sequence[Setting]) -> tuple[list[SweptRun], dict[int, str]]:
    """The runs that have results, and of the other settings, by number, why there are none.

    Raises RunDirectoryError when the weights changed although no setting says so.
    """
    runs: list[SweptRun] = []
    missing: dict[int, str] = {}
    for setting in settings:
        try:
            runs.append(read_run(directory / setting.directory, setting))
        except RunDirectoryError as error:
            missing[setting.number] = _why_missing(directory / setting.directory, error)
    _refuse_mixture(runs)
    return runs, missing


def keep_why(run: Path, error: Exception | None) -> None:
    """Leave word in a setting's directory of what ended it, or, for None, that nothing did any more."""
    if error is None:
        (run / WHY).unlink(missing_ok=True)
    else:
        write_text(run / WHY, f"{error}\n")


def _why_missing(run: Path, error: RunDirectoryError) -> str:
    """What ended a setting; how far it came, where it left records; and that nothing is there else."""
    try:
        said = (run / WHY).read_text(encoding="utf-8").strip()
    except OSError:
        return str(error)
    return f"{error} ({said})" if (run / METRICS).is_file() else said


def read_run(run: Path, setting: Setting) -> SweptRun:
    """What one directory holds; raises RunDirectoryError when it is not a scored run over all clips."""
    metrics, environment = read_json(run / METRICS), read_json(run / ENVIRONMENT)
    finished, total = metrics["run"]["n_clips"], environment["dataset"]["n_clips"]
    if finished < total:
        raise RunDirectoryError(f"{run}: stopped after {finished} of {total} clips")
    plan = relabelling_of(labels_config_from(scored_labels_of(metrics)), environment["dataset"])
    table = relabelled(RecordTable.from_json_lines(read_lines(run / RECORDS)), plan)
    timing = table
    if environment.get("sharing") or environment["config"]["load"].get("rounds", 1) != 1:
        timing = RecordTable.from_json_lines(read_lines(run / RECORDS), all_rounds=True)
    clean, _, _ = clean_records(timing)
    known = clean & np.isfinite(timing.audio_s)
    return SweptRun(
        setting=setting,
        metrics=metrics,
        environment=environment,
        table=table,
        latency_ms=calls_of(timing, clean).latency_ms,
        busy_s=timing.latency_ms[known] / timing.batch_size[known] / 1000,
        audio_s=timing.audio_s[known],
    )


def scored_labels_of(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The label map that a run was scored under, as configuration."""
    kept = metrics.get("label_map") or {}
    return {key: kept[key] for key in ("name", "version", "classes", "merges") if key in kept}


def _refuse_mixture(runs: Sequence[SweptRun]) -> None:
    """A model that changed between two starts of a sweep is none of its settings."""
    weights: dict[str, tuple[Any, str]] = {}
    for run in runs:
        backend = run.environment["backend"]
        settings = run.setting.measured["backend"]
        if "model" not in settings:
            # What it is depends on its settings and not on any file that could change.
            continue
        key = repr([settings.get(name) for name in ("_target_", "model", "precision", "revision")])
        before = weights.setdefault(key, (backend["model_hash"], run.setting.directory))
        if before[0] != backend["model_hash"]:
            raise RunDirectoryError(
                f"the model changed during the sweep: runs {before[1]} and {run.setting.directory} have the "
                f"weights {before[0]} and {backend['model_hash']}; sweep again in another hydra.sweep.dir"
            )
