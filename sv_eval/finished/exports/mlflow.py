"""MLflow: a run with its settings, figures, bounds and reports, in any tracking store."""

from __future__ import annotations

import contextlib
import io
import logging
import os
from itertools import islice
from pathlib import Path
from typing import Any

from sv_eval.errors import ExportError, MissingPackageError
from sv_eval.finished.exports.run import ExportedRun
from sv_eval.finished.exports.tracked import (
    begun_ms,
    confusion_of,
    ended_ms,
    experiment_of,
    figures_folder,
    files_of,
    name_of,
    numbers_of,
    settings_of,
    verdict_of,
    without_password,
)
from sv_eval.finished.exports.wanted import Wanted
from sv_eval.version import __version__

_IDENTITY = "sv_eval.identity"
_LONGEST = 6000
"""Characters of a parameter's value."""
_DIGEST = 36
"""Characters of a data set's digest."""
_AT_ONCE = 100
"""Parameters or metrics of one call."""


def log_to_mlflow(run: ExportedRun, wanted: Wanted) -> str:
    """Log the run, and say where it is; one that is there already is left as it is.

    Raises ExportError when the store can't be reached or refuses it.
    """
    # A command that measures for its user tells nobody else of it.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        import mlflow
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        raise MissingPackageError(
            f"MLflow needs other packages ({error}); pip install 'sv-eval[mlflow]'"
        ) from error

    place, artefacts = _store(wanted.to)
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        # It prints where a server has the run; so does whoever asked for it.
        with contextlib.redirect_stdout(io.StringIO()):
            return _logged(mlflow.MlflowClient(tracking_uri=place), run, wanted, place, artefacts)
    except MlflowException as error:
        said = " ".join(str(error).replace(place, without_password(place)).split())
        raise ExportError(f"MLflow at {without_password(place)}: {said}") from error


def _store(to: str | None) -> tuple[str, str | None]:
    """The tracking URI, and where artefacts go in a store that is a folder of ours; None where the store knows."""
    if to is None and (set_elsewhere := os.environ.get("MLFLOW_TRACKING_URI")):
        return set_elsewhere, None
    if to is not None and "://" in to:
        return to, None
    folder = Path(to or ".").expanduser().absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{folder / 'mlflow.db'}", (folder / "mlartifacts").as_uri()


def _logged(client: Any, run: ExportedRun, wanted: Wanted, place: str, artefacts: str | None) -> str:
    title, where = wanted.experiment or experiment_of(run), f"MLflow at {without_password(place)}"
    known = client.get_experiment_by_name(title)
    experiment = known.experiment_id if known else client.create_experiment(title, artifact_location=artefacts)
    found = client.search_runs(
        [experiment], filter_string=f"tags.`{_IDENTITY}` = '{run.identity}' and attributes.status = 'FINISHED'"
    )
    if found:
        return f"{where}: the run is there already, {found[0].info.run_id} in experiment {title}"
    tags = {
        _IDENTITY: run.identity,
        "sv_eval.version": __version__,
        "sv_eval.directory": run.directory.name,
        "mlflow.source.name": "sv-eval",
        "mlflow.note.content": verdict_of(run),
    }
    started = client.create_run(experiment, start_time=begun_ms(run), tags=tags, run_name=name_of(run))
    number = started.info.run_id
    try:
        _fill(client, number, run)
    except BaseException:
        client.set_terminated(number, status="FAILED")
        raise
    client.set_terminated(number, status="FINISHED", end_time=ended_ms(run))
    return f"{where}: run {number} in experiment {title}"


def _fill(client: Any, number: str, run: ExportedRun) -> None:
    from mlflow.entities import Dataset, DatasetInput, Metric, Param

    corpus = run.environment.dataset
    heard = Dataset(name=corpus.name, digest=corpus.hash[:_DIGEST], source_type="sv_eval", source=corpus.title)
    client.log_inputs(number, datasets=[DatasetInput(dataset=heard)])
    at_ms = ended_ms(run)
    params = (Param(name, value[:_LONGEST]) for name, value in settings_of(run).items())
    while part := list(islice(params, _AT_ONCE)):
        client.log_batch(number, params=part)
    metrics = (Metric(name, value, at_ms, 0) for name, value in numbers_of(run).items())
    while measured := list(islice(metrics, _AT_ONCE)):
        client.log_batch(number, metrics=measured)
    for file in files_of(run):
        client.log_artifact(number, str(file))
    if folder := figures_folder(run):
        client.log_artifacts(number, str(folder), folder.name)
    client.log_dict(number, confusion_of(run), "confusion.json")
