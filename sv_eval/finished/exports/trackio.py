"""trackio: a run in a project of the local dashboard, `trackio show`."""

from __future__ import annotations

import contextlib
import io
import os
import sqlite3
from pathlib import Path
from typing import Any

from sv_eval.errors import ExportError, MissingPackageError
from sv_eval.finished.exports.run import ExportedRun
from sv_eval.finished.exports.tracked import confusion_of, experiment_of, key_of, name_of, numbers_of, settings_of
from sv_eval.finished.exports.wanted import Wanted
from sv_eval.report.run_directory import REPORT


def log_to_trackio(run: ExportedRun, wanted: Wanted) -> str:
    """Log the run, and say where it is; one that is there already is left as it is.

    Raises ExportError when the store refuses it.
    """
    if wanted.to:
        # Read once, when the package is imported.
        os.environ["TRACKIO_DIR"] = str(Path(wanted.to).expanduser().absolute())
    try:
        import trackio
        from trackio.utils import TRACKIO_DIR
    except ImportError as error:
        raise MissingPackageError(
            f"trackio needs another package ({error}); pip install 'sv-eval[trackio]'"
        ) from error

    project, name = key_of(wanted.experiment or experiment_of(run)), name_of(run)
    where = f"trackio in {TRACKIO_DIR}"
    try:
        # What it prints is for somebody who calls it from a notebook.
        with contextlib.redirect_stdout(io.StringIO()):
            if name in _known(project):
                return f"{where}: the run is there already, {name} in project {project}"
            _log(trackio, run, project, name)
    except (OSError, ValueError, sqlite3.Error) as error:
        raise ExportError(f"{where}: {' '.join(str(error).split())}") from error
    return f"{where}: run {name} in project {project}"


def _known(project: str) -> list[str]:
    """The names of the project's runs; none where there is no such project."""
    import trackio

    try:
        return [one.name for one in trackio.Api().runs(project)]
    except ValueError:
        return []


def _log(trackio: Any, run: ExportedRun, project: str, name: str) -> None:
    import pandas as pd

    config = {**settings_of(run), "identity": run.identity}
    trackio.init(project, name=name, config=config, embed=False, auto_log_gpu=False, auto_log_cpu=False)
    confusion = confusion_of(run)
    rows = pd.DataFrame(confusion["data"], columns=confusion["columns"])
    extra: dict[str, object] = {"confusion": trackio.Table(dataframe=rows)}
    report = run.directory / REPORT
    if report.is_file():
        extra["report"] = trackio.Markdown(report.read_text(encoding="utf-8"))
    trackio.log({**numbers_of(run), **extra}, step=0)
    trackio.finish()
