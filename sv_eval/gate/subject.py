"""What a gate compares: a finished run, or the baseline file that was saved of one, in one form."""

from __future__ import annotations

import re
from collections.abc import Mapping
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
from sv_eval.run_directory import METRICS, read_json
from sv_eval.scoring.calls import calls_of
from sv_eval.scoring.latency import clean_records
from sv_eval.scoring.table import RecordTable

_OF_LOAD = (
    "schedule", "rate", "rate_end", "ramp_s", "concurrency", "think_s", "chunk_size", "pace", "trace_file",
)  # fmt: skip
"""The settings of a load under which latencies are the same kind of figure."""
IDENTITY = (
    "dataset", "dataset_hash", "split", "label_map_hash", "labels_hash", "n_clips", "backend", "model",
    "model_hash", "precision", "device", "load", "started_at", "commit",
)  # fmt: skip
"""What is known of a run beside its answers; `settings`, the backend's, is known of newer ones only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One side of a comparison."""

    source: str
    """Where it was read from."""
    table: RecordTable
    """Its answers, under the label map that it was scored with; sorted by clip id."""
    labels: tuple[str, ...]
    """The scored classes."""
    policy: str
    """The unknown policy of its headline."""
    latency_ms: NDArray[np.float64]
    """Latency of every clean call, milliseconds."""
    latency_refused: str | None
    """Why its latency is no result; None where it is one."""
    identity: Mapping[str, Any]
    """By the names in IDENTITY."""
    figures: Mapping[str, Any]
    """`accuracy`, `per_emotion`, `latency_ms` of its metrics.json: what floors and ceilings look at."""


def subject_of_run(directory: Path) -> Subject:
    """The run in a directory; raises RunDirectoryError when there is none."""
    metrics, environment = read_json(directory / METRICS), read_json(directory / ENVIRONMENT)
    try:
        return _subject_of(directory, metrics, environment)
    except (KeyError, TypeError, AttributeError) as error:
        raise RunDirectoryError(
            f"{directory}: its {METRICS} or {ENVIRONMENT} lacks something ({error!r}); "
            f"python -m sv_eval.score {directory} writes the first anew"
        ) from error


def _subject_of(directory: Path, metrics: Mapping[str, Any], environment: Mapping[str, Any]) -> Subject:
    chosen = labels_config_from(_label_map(metrics))
    plan = relabelling_of(chosen, environment["dataset"])
    table = relabelled(RecordTable.from_json_lines(read_lines(directory / RECORDS)), plan)
    return Subject(
        source=str(directory),
        table=table,
        labels=tuple(metrics["labels"]),
        policy=metrics["policy"],
        latency_ms=_latencies(directory, table, environment),
        latency_refused=metrics["latency_ms"].get("reason"),
        identity=_identity(metrics, environment, chosen.hash),
        figures={key: metrics[key] for key in ("accuracy", "per_emotion", "latency_ms")},
    )


def _label_map(metrics: Mapping[str, Any]) -> dict[str, Any]:
    kept = metrics.get("label_map") or {}
    return {key: kept[key] for key in ("name", "version", "classes", "merges") if key in kept}


def _latencies(directory: Path, table: RecordTable, environment: Mapping[str, Any]) -> NDArray[np.float64]:
    """Of all rounds, where there were several."""
    if environment["config"]["load"].get("rounds", 1) != 1 or environment.get("sharing"):
        table = RecordTable.from_json_lines(read_lines(directory / RECORDS), all_rounds=True)
    clean, _, _ = clean_records(table)
    return calls_of(table, clean).latency_ms


def _identity(metrics: Mapping[str, Any], environment: Mapping[str, Any], labels_hash: str) -> dict[str, Any]:
    dataset, backend = environment["dataset"], environment["backend"]
    git = (environment.get("git") or {}).get("sv_eval") or {}
    return {
        "dataset": dataset["name"],
        "dataset_hash": dataset["hash"],
        "split": dataset["split"],
        "label_map_hash": dataset["label_map"]["hash"],
        "labels_hash": labels_hash,
        "n_clips": dataset["n_clips"],
        "backend": backend["name"],
        "model": backend["model"],
        "model_hash": backend["model_hash"],
        "precision": backend["precision"],
        "device": device_of(metrics, environment),
        "load": load_of(environment["config"]["load"]),
        "started_at": environment["started_at"],
        "commit": git.get("commit"),
        "settings": settings_of(environment),
    }


def settings_of(environment: Mapping[str, Any]) -> dict[str, Any]:
    """The backend's settings that bear on its answers, single values only; empty where it has none.

    A baseline is committed: what belongs to a connection (headers, a name and password in an address) stays out.
    """
    settings = (environment.get("settings") or {}).get("backend") or {}
    return {
        key: re.sub(r"(?<=://)[^/@]*@", "", value) if isinstance(value, str) else value
        for key, value in settings.items()
        if not key.startswith("_") and not isinstance(value, Mapping | list)
    }


def device_of(metrics: Mapping[str, Any], environment: Mapping[str, Any]) -> str:
    """The class of device within which latencies compare: a GPU's, or a processor with its cores.

    Of a backend elsewhere only what it says of itself is known; the processor that asked counts, too.
    """
    backend, machine = environment["backend"], environment["machine"]
    number = metrics["latency_ms"]["session"]
    started = [session for session in environment["sessions"] if session["session"] == number]
    machine = (started[-1] if started else environment).get("machine", machine)
    here = f"{machine['cpu']}, {machine['cores']} cores"
    if not backend["in_process"]:
        return f"{backend['device']}, asked from {here}"
    if not backend["device"].startswith("cuda"):
        return here if backend["device"] in ("cpu", "none") else f"{backend['device']}: {here}"
    gpus = (metrics.get("machine") or {}).get("gpus") or machine.get("gpus") or []
    names = [(gpu.get("class") or {}).get("class") or gpu.get("name") or "unknown GPU" for gpu in gpus]
    return f"{backend['device'].partition(':')[0]}: {', '.join(names) or 'unknown'}"


def load_of(load: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a load that make two latencies the same kind of figure."""
    if load["schedule"] in ("single_stream", "offline"):
        names: tuple[str, ...] = ("schedule",)
    else:
        names = _OF_LOAD
    return {name: load[name] for name in names if load.get(name) is not None}
