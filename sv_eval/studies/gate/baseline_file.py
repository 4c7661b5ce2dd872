"""Baseline files: what a comparison needs of a run, in one small JSON that can be committed.

Outcomes are kept clip by clip, a character each, so that tests stay paired; latencies of clean calls are kept to
four digits, and those of all calls where they are others. That is about 15 bytes a clip beside the clip's own name.
"""

from __future__ import annotations

import json
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.errors import RunDirectoryError, UsageError
from sv_eval.record_file.bare_table import bare_table
from sv_eval.record_file.class_codes import ClassCodes
from sv_eval.record_file.table import RecordTable
from sv_eval.report.codec import as_json, from_json
from sv_eval.report.interval import plain
from sv_eval.report.reasons import Why
from sv_eval.report.run_directory import refuse_constant, write_text
from sv_eval.report.shares import Share
from sv_eval.scoring.call_sample import CallSample
from sv_eval.scoring.dependence import Dependence
from sv_eval.studies.gate.kept_dimensions import KeptDimension, kept_dimensions, with_dimensions
from sv_eval.studies.gate.kept_scores import KeptScores, kept_scores, with_scores
from sv_eval.studies.gate.subject import IDENTITY, Figures, Subject, subject_of_run

SCHEMA_VERSION = 2
_READABLE = (1, SCHEMA_VERSION)
"""The first version kept clean latencies alone, and no shares."""
_PERCENTILES = (0.5, 0.95)
KIND = "sv_eval baseline"
_CODES = string.digits + string.ascii_letters
_NONE = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class _WrittenIdentity:
    """The types of what a baseline says about its run."""

    dataset: str
    dataset_hash: str
    split: str | None
    label_map_hash: str | None
    labels_hash: str | None
    n_clips: int
    backend: str
    model: str
    model_hash: str | None
    precision: str | None
    device: str
    load: Mapping[str, Any] | str | None
    started_at: str
    commit: str | None
    settings: Mapping[str, Any] | None = None
    condition: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """The types of a baseline file; what they leave open is looked at where it is used."""

    identity: _WrittenIdentity
    labels: tuple[str, ...]
    policy: str
    latency_refused: str | None
    classes: tuple[str, ...]
    clip_ids: tuple[str, ...]
    reference: str
    predicted: str
    forced: str
    speakers: tuple[str, ...]
    speaker: tuple[int, ...]
    latency_ms: tuple[float, ...]
    waited_ms: tuple[float, ...] | None = None
    others_cpu: float | None = None
    dependence: Mapping[str, Any] | None = None
    waited_dependence: Mapping[str, Any] | None = None
    dimensions: Mapping[str, KeptDimension] | None = None
    soft: Mapping[str, tuple[float | None, ...]] | None = None
    scores: KeptScores | None = None


def read_subject(path: str) -> Subject:
    """A run directory or a baseline file; raises UsageError that says what was wrong with it."""
    place = Path(path).expanduser()
    if place.is_dir():
        return subject_of_run(place)
    if not place.is_file():
        raise UsageError(f"{path}: neither a run directory nor a baseline file is there; check the path")
    return read_baseline(place)


def read_baseline(path: Path) -> Subject:
    """The run that a baseline file was saved of; raises UsageError when it is no such file."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: can't be read as a baseline ({error}); save it anew") from error
    return baseline_in(text, path)


def baseline_in(text: str, path: Path) -> Subject:
    """The run that the text of a baseline file tells of; path: what errors call it. Raises UsageError."""
    try:
        data = json.loads(text, parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: can't be read as a baseline ({error}); save it anew") from error
    if not isinstance(data, dict) or data.get("kind") != KIND:
        raise UsageError(
            f"{path}: not a baseline; make one with `python -m sv_eval.baseline save RUN {path.name}`, "
            "or give a run directory"
        )
    if data.get("schema_version") not in _READABLE:
        raise UsageError(
            f"{path}: its form is version {data.get('schema_version')}, this sv_eval reads "
            f"{' and '.join(map(str, _READABLE))}; save it anew"
        )
    try:
        written = from_json(_Written, data, f"{path}: a damaged baseline")
        clean = _sample(data["latency_ms"], data.get("dependence"))
        waited_ms = data.get("waited_ms")
        table, scores = with_scores(with_dimensions(_table(data), written.dimensions or {}), written.scores)
        return Subject(
            source=str(path),
            table=table,
            scores=scores,
            labels=tuple(data["labels"]),
            policy=data["policy"],
            clean=clean,
            waited=clean if waited_ms is None else _sample(waited_ms, data.get("waited_dependence")),
            shares=from_json(dict[str, Share], data.get("shares") or {}, f"{path}: shares"),
            others_cpu=None if data.get("others_cpu") is None else float(data["others_cpu"]),
            latency_refused=None if data["latency_refused"] is None else Why.read(data["latency_refused"]),
            identity=_identity(data["identity"]),
            figures=from_json(Figures, data["figures"], f"{path}: figures"),
            soft=_soft(written),
            ranges={name: one.ranges for name, one in written.dimensions.items()} if written.dimensions else {},
        )
    except RunDirectoryError as error:
        raise UsageError(f"{error}; save it anew") from error
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise UsageError(f"{path}: a damaged baseline ({error!r}); save it anew") from error


def write_baseline(path: Path, subject: Subject) -> None:
    """Write the file whole or not at all; raises RunDirectoryError when that can't be done."""
    if path.is_dir():
        raise RunDirectoryError(f"{path}: is a folder; give the name of a file, such as baseline.json")
    write_text(path, baseline_text(subject))


def baseline_text(subject: Subject) -> str:
    """The file's text: what is for people on lines of its own, the clips' outcomes on one each."""
    table = subject.table
    clean, waited = _rounded(subject.clean), _rounded(subject.waited)
    speakers = ["" if code < 0 else table.speakers[code] for code in table.speaker.tolist()]
    names = sorted(set(speakers))
    place = {name: code for code, name in enumerate(names)}
    data = {
        "kind": KIND,
        "schema_version": SCHEMA_VERSION,
        "identity": dict(subject.identity),
        "labels": list(subject.labels),
        "policy": subject.policy,
        "figures": as_json(subject.figures),
        "latency_refused": None if subject.latency_refused is None else str(subject.latency_refused),
        "classes": list(table.class_codes.classes),
        "clip_ids": list(table.clip_ids),
        "reference": _written(table.reference),
        "predicted": _written(table.predicted),
        "forced": _written(table.forced),
        "speakers": names,
        "speaker": [place[name] for name in speakers] if len(names) > 1 else [],
        "others_cpu": subject.others_cpu,
        "shares": as_json(dict(subject.shares)),
        "dependence": _dependence(subject.clean),
        "waited_dependence": _dependence(subject.waited),
        "latency_ms": clean,
        "waited_ms": None if waited == clean else waited,
    }
    if kept := kept_dimensions(table, subject.ranges):
        data["dimensions"] = as_json(kept)
    if subject.soft:
        data["soft"] = {name: [_short(value) for value in column] for name, column in subject.soft.items()}
    if (held := kept_scores(table, subject.scores)) is not None:
        data["scores"] = as_json(held)
    lines = [f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in data.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _short(value: float) -> float | None:
    """To five digits; None for NaN."""
    return None if value != value else float(f"{value:.5g}")


def _soft(written: _Written) -> dict[str, NDArray[np.float64]]:
    """What was kept of answers held against raters; raises ValueError where that is of other clips."""
    found = {}
    for name, values in (written.soft or {}).items():
        if len(values) != len(written.clip_ids):
            raise ValueError("soft figures that don't fit the clips")
        found[name] = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return found


def _rounded(sample: CallSample) -> list[float]:
    """The latencies to four digits, ascending: what order tells is kept as their dependence."""
    return [float(f"{value:.4g}") for value in np.sort(sample.latency_ms).tolist()]


def _dependence(sample: CallSample) -> dict[str, Any]:
    """What bounds of the percentiles that are compared need to know of how calls depend on each other."""
    found = {f"{100 * p:g}": as_json(sample.dependence(p)) for p in _PERCENTILES}
    return {p: {key: plain(value) for key, value in one.items()} for p, one in found.items()}


def _sample(latency_ms: Sequence[float], dependence: Mapping[str, Any] | None) -> CallSample:
    sample = CallSample.of_values(_milliseconds(latency_ms))
    known = {p: (dependence or {}).get(f"{100 * p:g}") for p in _PERCENTILES}
    settled = {p: from_json(Dependence, one, "dependence") for p, one in known.items() if one is not None}
    return replace(sample, settled=settled)


def _written(codes: NDArray[np.int8]) -> str:
    return "".join(_NONE if code < 0 else _CODES[code] for code in codes.tolist())


def _read(text: str, most: int, least: int = 0) -> NDArray[np.int8]:
    codes = [-1 if letter == _NONE else _CODES.index(letter) for letter in text]
    if any(not least <= code < most for code in codes):
        raise ValueError("a code that no class has")
    return np.array(codes, dtype=np.int8)


def _milliseconds(values: Sequence[float]) -> NDArray[np.float64]:
    found = np.array(values, dtype=np.float64)
    if found.ndim != 1 or not np.isfinite(found).all():
        raise ValueError("a latency that is no number")
    return found


def _identity(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the run was; raises KeyError where something is missing that comparisons ask for."""
    condition = {} if data.get("condition") is None else {"condition": data["condition"]}
    return {key: data[key] for key in IDENTITY} | {"settings": data.get("settings")} | condition


def _table(data: Mapping[str, Any]) -> RecordTable:
    """The answers as a table; what a baseline does not keep is unknown in it."""
    ids: Sequence[str] = data["clip_ids"]
    n = len(ids)
    class_codes = ClassCodes(tuple(data["classes"]))
    names: list[str] = data["speakers"]
    codes: list[int] = data["speaker"] or [0] * n
    if n and not all(0 <= code < len(names) for code in codes):
        raise ValueError("a speaker that has no name")
    known = [name for name in names if name]
    # Names are sorted, so the one that stands for an unknown speaker, the empty one, comes first.
    speaker = np.array(codes, dtype=np.int32) - (len(names) - len(known))
    columns = {
        "reference": _read(data["reference"], len(class_codes.references)),
        "predicted": _read(data["predicted"], len(class_codes.answers)),
        "forced": _read(data["forced"], len(class_codes.answers), least=-1),
    }
    lengths = {len(speaker), *(len(column) for column in columns.values())}
    if list(ids) != sorted(set(ids)) or lengths != {n}:
        raise ValueError("the clips and their outcomes don't fit together")
    return bare_table(tuple(ids), **columns, speaker=speaker, speakers=tuple(known), class_codes=class_codes)
