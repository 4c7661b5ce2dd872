"""The runs of a sweep, read back from their directories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.errors import RunDirectoryError
from sv_eval.finished.reading import FinishedRun, read_run
from sv_eval.record_file.table import RecordTable
from sv_eval.report.environment import Environment
from sv_eval.report.interval import Interval
from sv_eval.report.latency import Latency, Waited
from sv_eval.report.report import Report
from sv_eval.report.run_directory import METRICS, write_text
from sv_eval.scoring.call_sample import CallSample
from sv_eval.studies.sweep.plan import Setting

Floats = NDArray[np.float64]


WHY = "error.txt"
"""In the directory of a setting that has no result: why."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SweptRun:
    """A setting and what was measured under it."""

    setting: Setting
    """Which one."""
    run: FinishedRun
    """What was measured."""

    @property
    def report(self) -> Report:
        """Its metrics.json."""
        return self.run.report

    @property
    def environment(self) -> Environment:
        """Its environment.json."""
        return self.run.environment

    @property
    def table(self) -> RecordTable:
        """Its answers, under the label map that it was scored with: what accuracy is from."""
        return self.run.answers

    @property
    def waited(self) -> CallSample:
        """All calls that were answered, second attempts included: what callers waited."""
        return self.run.timing.waited

    @property
    def p50(self) -> Interval:
        """The median of what callers waited, milliseconds."""
        return self.waiting.p50

    @property
    def p95(self) -> Interval:
        """The 95th percentile of the same."""
        return self.waiting.p95

    @property
    def waiting(self) -> Waited | Latency:
        """What its report says of that; of an early version's run, of clean calls alone."""
        latency = self.report.latency_ms
        return latency.waited or latency

    @property
    def busy_s(self) -> Floats:
        """Seconds that each clean record whose length is known kept the backend busy."""
        timing = self.run.timing
        return timing.busy_s[np.isfinite(timing.audio_s)]

    @property
    def audio_s(self) -> Floats:
        """Seconds of audio of each such record."""
        audio_s = self.run.timing.audio_s
        return audio_s[np.isfinite(audio_s)]


def read_runs(directory: Path, settings: Sequence[Setting]) -> tuple[list[SweptRun], dict[int, str]]:
    """The runs that have results, and of the other settings, by number, why there are none.

    Raises RunDirectoryError when the weights changed although no setting says so.
    """
    runs: list[SweptRun] = []
    missing: dict[int, str] = {}
    for setting in settings:
        try:
            runs.append(read_swept(directory / setting.directory, setting))
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


def read_swept(run: Path, setting: Setting) -> SweptRun:
    """What one directory holds; raises RunDirectoryError when it is not a scored run over all clips."""
    found = read_run(run)
    finished, total = found.report.run.n_clips, found.environment.dataset.n_clips
    if finished < total:
        raise RunDirectoryError(f"{run}: stopped after {finished} of {total} clips")
    return SweptRun(setting=setting, run=found)


def _refuse_mixture(runs: Sequence[SweptRun]) -> None:
    """A model that changed between two starts of a sweep is none of its settings."""
    weights: dict[str, tuple[Any, str]] = {}
    for run in runs:
        backend = run.environment.backend
        settings = run.setting.measured["backend"]
        if "model" not in settings:
            # What it is depends on its settings and not on any file that could change.
            continue
        key = repr([settings.get(name) for name in ("_target_", "model", "precision", "revision")])
        before = weights.setdefault(key, (backend.model_hash, run.setting.directory))
        if before[0] != backend.model_hash:
            raise RunDirectoryError(
                f"the model changed during the sweep: runs {before[1]} and {run.setting.directory} have the "
                f"weights {before[0]} and {backend.model_hash}; sweep again in another hydra.sweep.dir"
            )
