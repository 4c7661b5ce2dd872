"""Every export by its name: what makes its files, or logs the run, and the package that it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sv_eval.errors import ConfigError, MissingPackageError, nearest
from sv_eval.finished.exports.benchmark_json import benchmark_json
from sv_eval.finished.exports.every_eval_ever import every_eval_ever
from sv_eval.finished.exports.hdr import hdr_log
from sv_eval.finished.exports.latex import latex_tables
from sv_eval.finished.exports.mlflow import log_to_mlflow
from sv_eval.finished.exports.model_card import eval_results, model_index
from sv_eval.finished.exports.parquet import records_parquet
from sv_eval.finished.exports.prometheus import prometheus_text
from sv_eval.finished.exports.run import ExportedRun
from sv_eval.finished.exports.tables import figures_csv, records_csv
from sv_eval.finished.exports.trackio import log_to_trackio
from sv_eval.finished.exports.wanted import Wanted
from sv_eval.written_files import replace_whole, write_whole

Files = Mapping[str, str | bytes]
"""Path below the folder of exports to what the file holds."""


def _model_card(run: ExportedRun, wanted: Wanted) -> Files:
    entry = eval_results(run, wanted)
    return {"model_index.yaml": model_index(run, wanted)} | ({"eval_results.yaml": entry} if entry else {})


FILES: Mapping[str, Callable[[ExportedRun, Wanted], Files]] = MappingProxyType(
    {
        "benchmark": lambda run, _: {"benchmark.json": benchmark_json(run)},
        "prometheus": lambda run, _: {"metrics.prom": prometheus_text(run)},
        "csv": lambda run, _: {"records.csv": records_csv(run), "figures.csv": figures_csv(run)},
        "latex": lambda run, _: {"tables.tex": latex_tables(run)},
        "model_card": _model_card,
        "every_eval_ever": every_eval_ever,
        "parquet": lambda run, _: {"records.parquet": records_parquet(run)},
        "hdr": lambda run, _: {"latency.hlog": hdr_log(run)},
    }
)
"""What is written into a folder, in this order."""
TRACKERS: Mapping[str, Callable[[ExportedRun, Wanted], str]] = MappingProxyType(
    {"mlflow": log_to_mlflow, "trackio": log_to_trackio}
)
"""What a run is logged to; it says where."""
_NEEDED = MappingProxyType({"hdr": "hdrh", "parquet": "pyarrow", "mlflow": "mlflow", "trackio": "trackio"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What became of an export."""

    files: tuple[Path, ...]
    """What was written."""
    logged: tuple[str, ...]
    """Where trackers have the run, a line each."""
    left_out: tuple[str, ...]
    """Of all formats, those that need a package that is not there, with what brings it."""


def export_run(run: ExportedRun, wanted: Wanted, chosen: Sequence[str]) -> Exported:
    """Export the run as it is wanted; without a choice, as every file that can be had.

    Raises MissingPackageError for a format that was chosen, ExportError where a tracker does not take the run.
    """
    written: list[Path] = []
    left_out: list[str] = []
    for name, make in FILES.items():
        if chosen and name not in chosen:
            continue
        try:
            files = make(run, wanted)
        except MissingPackageError as error:
            if chosen:
                raise
            left_out.append(f"{name} is left out: {error}")
            continue
        written += [_written(wanted.out / place, content) for place, content in files.items()]
    logged = [log(run, wanted) for name, log in TRACKERS.items() if name in chosen]
    return Exported(files=tuple(written), logged=tuple(logged), left_out=tuple(left_out))


def exports_from(settings: Any) -> tuple[str, ...]:
    """What the setting `export` asks for: a name, or a list of names.

    Raises ConfigError for a name that is none, MissingPackageError for one whose package is not there: neither must
    be noticed after the run.
    """
    names = [settings] if isinstance(settings, str) else list(settings or ())
    for name in names:
        if name not in FILES and name not in TRACKERS:
            raise ConfigError(f"export: '{name}' is no format; {nearest(str(name), (*FILES, *TRACKERS))}")
        if name in _NEEDED and find_spec(_NEEDED[name]) is None:
            raise MissingPackageError(f"export={name} needs another package; pip install 'sv-eval[{name}]'")
    return tuple(names)


def _written(path: Path, content: str | bytes) -> Path:
    if isinstance(content, bytes):
        replace_whole(path, content)
    else:
        write_whole(path, content)
    return path
