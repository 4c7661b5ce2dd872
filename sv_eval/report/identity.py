"""What makes a run that run: the settings that change its records, and a hash over them.

A run directory keeps them in `environment.json`; a later start with the same directory must agree, or the
records of two different measurements would be mixed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sv_eval.backend import BackendInfo
from sv_eval.config.former_names import with_present_names
from sv_eval.dimensions import DIMENSIONS
from sv_eval.errors import RunDirectoryError
from sv_eval.report.run_directory import ENVIRONMENT

_MEASURED = ("backend", "dataset", "load")
_HOW_REACHED = "connection"  # of a backend elsewhere: key, time limits and attempts may change when a run goes on
_CORPORA = ("corpus", "train")  # of a backend that learns from clips: the hash of its model speaks for these
_ADDED: Mapping[str, Any] = {"channel": None, "dimensions": None}
_ADDED_LIMITS: Mapping[str, Any] = {"max_level": 16.0}
"""Settings that came later, as they are by default: runs of before go on, and keep their hashes."""
_ADDED_LOAD: Mapping[str, Any] = {"streams": 1}
_ADDED_HUB: Mapping[str, Any] = {f"{name}_column": None for name in DIMENSIONS}
_ADDED_BACKEND: Mapping[str, Any] = {"dimensions": None}
_WHERE_NOT_WHAT = ("root", "labels_file")  # the same recordings may lie elsewhere; the dataset hash speaks for them


def measured_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a configuration that changes records; scoring, report and run settings do not."""
    settings = {group: config.get(group) for group in _MEASURED}
    settings["dataset"] = _without_places(settings["dataset"])
    load = settings["load"]
    if isinstance(load, Mapping) and load.get("schedule") == "stream":
        # How late its pieces may be judges latency, and changes no record.
        added = {**_ADDED_LOAD, "max_late_ms": load.get("max_late_ms")}
        settings["load"] = {key: value for key, value in load.items() if (key, value) not in added.items()}
    condition = config.get("condition")
    if isinstance(condition, Mapping) and condition.get("steps"):
        # Without one a run is what it was before there were any.
        settings["condition"] = condition
    backend = settings.get("backend")
    if isinstance(backend, Mapping):
        settings["backend"] = {
            key: _without_places(value) if key in _CORPORA else value
            for key, value in backend.items()
            if key != _HOW_REACHED and (key, value) not in _ADDED_BACKEND.items()
        }
    return settings


OF_BACKEND = ("model_hash", "protocol")
"""What a backend alone knows of itself that changes records."""


def of_backend(info: BackendInfo) -> dict[str, Any]:
    """That, of an open backend: the hash of its weights, and what its model is asked, where that is a choice."""
    protocol = info.card.get("protocol")
    asked = {"protocol": protocol["hash"]} if isinstance(protocol, Mapping) and "hash" in protocol else {}
    return {"model_hash": info.model_hash, **asked}


def _without_places(dataset: Any) -> Any:
    """A corpus's settings without where it lies."""
    if not isinstance(dataset, Mapping):
        return dataset
    kept = {
        key: value
        for key, value in dataset.items()
        if key not in _WHERE_NOT_WHAT and (key, value) not in _ADDED.items()
    }
    hub = kept.get("huggingface")
    if isinstance(hub, Mapping):
        kept["huggingface"] = {key: value for key, value in hub.items() if (key, value) not in _ADDED_HUB.items()}
    limits = kept.get("limits")
    if isinstance(limits, Mapping):
        kept["limits"] = {key: value for key, value in limits.items() if (key, value) not in _ADDED_LIMITS.items()}
    return kept


def settings_hash(settings: Mapping[str, Any]) -> str:
    """The first 16 hex digits of a SHA-256 over the settings."""
    text = json.dumps(settings, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]


def refuse_other_run(directory: Path, settings: Mapping[str, Any], dataset_hash: str, *, begun: bool) -> None:
    """Raise RunDirectoryError, with the differences, when the directory holds a run of other settings.

    begun says whether it holds records.
    """
    path = directory / ENVIRONMENT
    if not path.is_file():
        if begun:
            raise RunDirectoryError(
                f"{directory} holds records but no {ENVIRONMENT}, so nobody can tell of which settings they are; "
                "put the file back, or use another hydra.run.dir"
            )
        return
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        before, hash_before = kept["settings"], kept["dataset"]["hash"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunDirectoryError(f"{path}: not this program's file; choose another run directory") from error
    now = json.loads(json.dumps(settings, default=str))
    changes = [f"{key}: {old!r} -> {new!r}" for key, old, new in differences(before, now)]
    if hash_before != dataset_hash:
        changes.append(f"the corpus itself: hash {hash_before} -> {dataset_hash}")
    if changes:
        raise RunDirectoryError(
            f"{directory} holds a run with other settings, which these can't resume: {'; '.join(changes)}. "
            "Use the old settings, or another hydra.run.dir"
        )


def differences(before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    """The dotted keys at which two nested settings differ, with both values.

    A class that had another name when the one was written is still the same.

    >>> list(differences({"a": {"b": 1}}, {"a": {"b": 2}, "c": 3}))
    [('a.b', 1, 2), ('c', None, 3)]
    """
    yield from _differences(with_present_names(before), with_present_names(after), "")


def _differences(before: Any, after: Any, prefix: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from _differences(before.get(key), after.get(key), f"{prefix}.{key}" if prefix else str(key))
    elif before != after:
        yield prefix, before, after
