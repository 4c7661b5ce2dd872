"""What a gate compares: a finished run, or the baseline file that was saved of one, in one form."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from sv_eval.finished.reading import FinishedRun, read_run
from sv_eval.record_file.score_table import ScoreTable
from sv_eval.record_file.table import RecordTable
from sv_eval.report.accuracy import Headline
from sv_eval.report.environment import Environment
from sv_eval.report.interval import Interval
from sv_eval.report.reasons import Why
from sv_eval.report.report import Report
from sv_eval.report.shares import Share
from sv_eval.scoring.call_sample import CallSample
from sv_eval.scoring.dimensions.sides import Ranges, ranges_of
from sv_eval.scoring.labels.config import labels_config_of
from sv_eval.scoring.labels.relabelling import relabelling_for
from sv_eval.scoring.labels.voted import class_of_word
from sv_eval.scoring.load import DEFAULT_MAX_LATE_MS
from sv_eval.scoring.shares import request_shares
from sv_eval.scoring.soft.by_clip import soft_by_clip

_OF_LOAD = (
    "schedule", "rate", "rate_end", "ramp_s", "concurrency", "think_s", "chunk_size", "pace", "trace_file",
)  # fmt: skip
"""The settings of a load under which latencies are the same kind of figure."""
IDENTITY = (
    "dataset", "dataset_hash", "split", "label_map_hash", "labels_hash", "n_clips", "backend", "model",
    "model_hash", "precision", "device", "load", "started_at", "commit",
)  # fmt: skip
"""What is known of a run beside its answers; newer ones also tell `settings`, the backend's, and `condition`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmotionRow:
    """What a comparison needs of an emotion."""

    recall: Interval
    """Share of its clips that were recognised."""
    support: int
    """Its clips that did not fail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyRow:
    """What a comparison needs of a run's latency, milliseconds."""

    n: int
    """Clean records."""
    n_calls: int
    """Their calls."""
    p50: Interval
    """Median."""
    p95: Interval
    """95th percentile."""
    p99: Interval
    """99th percentile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstGroup:
    """The group of speakers that is understood worst, by one attribute."""

    name: str
    """Which."""
    uar: Interval
    """Its UAR."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A run's own figures, as a baseline file keeps them."""

    accuracy: Headline
    """The headline."""
    per_emotion: Mapping[str, EmotionRow]
    """By scored class."""
    latency_ms: LatencyRow
    """How fast."""
    ccc: Mapping[str, Interval] = field(default_factory=dict)
    """Concordance by emotional dimension; empty without any, and in files of earlier versions."""
    scores: Mapping[str, Interval] = field(default_factory=dict)
    """`ece` and `aurc` of confidence, `brier` and `log_loss` of scores; those that there are."""
    average_precision: Mapping[str, Interval] = field(default_factory=dict)
    """By scored class; empty without scores."""
    worst_group: Mapping[str, WorstGroup] = field(default_factory=dict)
    """By attribute, such as sex; empty without groups, and in files of earlier versions."""
    soft: Mapping[str, Interval] | UnsetType = UNSET
    """`soft_macro_f1`, `overlap` and `soft_accuracy`; not set without raters' votes."""


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
    clean: CallSample
    """Its clean calls."""
    waited: CallSample
    """Every call that was answered, attempts and all starts of the run included."""
    shares: Mapping[str, Share]
    """What left the samples, of requests, by name as in `report.shares`; empty where nobody counted."""
    others_cpu: float | None
    """The share of the machine that others took while its clock ran; None where it is not known."""
    latency_refused: Why | None
    """Why its latency is no result; None where it is one."""
    identity: Mapping[str, Any]
    """By the names in IDENTITY."""
    figures: Figures
    """Its own figures: what floors and ceilings look at."""
    scores: ScoreTable | None = None
    """Its answers' scores by class; None where they have none."""
    ranges: Mapping[str, Ranges] = field(default_factory=dict)
    """The declared ranges of each emotional dimension that is scored."""
    soft: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    """The figures of SOFT, a number a clip of the table, NaN for none; empty without raters' votes."""


def subject_of_run(directory: Path) -> Subject:
    """The run in a directory; raises RunDirectoryError when there is none."""
    return subject_of(read_run(directory))


def subject_of(run: FinishedRun) -> Subject:
    """A finished run as one side of a comparison."""
    report = run.report
    others = None if report.machine is None else report.machine.others_cpu
    return Subject(
        source=str(run.directory),
        table=run.answers,
        labels=report.labels,
        policy=report.policy,
        clean=run.timing.calls.sample,
        waited=run.timing.waited,
        shares=request_shares(run.timing, max_late_ms=run.environment.load.get("max_late_ms", DEFAULT_MAX_LATE_MS)),
        others_cpu=others if isinstance(others, float) else None,
        latency_refused=report.latency_ms.reason or None,
        identity=_identity(run),
        figures=figures_of(report),
        soft=_soft_by_clip(run),
        scores=run.scores(),
        ranges=ranges_of(run.environment.backend.capabilities.dimensions, run.environment.dataset.dimensions or {}),
    )


def figures_of(report: Report) -> Figures:
    """A report's figures, as a baseline file keeps them."""
    latency = report.latency_ms
    return Figures(
        accuracy=report.accuracy,
        per_emotion={
            label: EmotionRow(recall=row.recall, support=row.support) for label, row in report.per_emotion.items()
        },
        latency_ms=LatencyRow(
            n=latency.n, n_calls=latency.n_calls, p50=latency.p50, p95=latency.p95, p99=latency.p99
        ),
        ccc={name: one.ccc for name, one in report.dimensions.figures.items()} if report.dimensions else {},
        scores=_score_figures(report),
        average_precision={label: one.average_precision for label, one in report.operating.per_emotion.items()}
        if report.operating
        else {},
        worst_group=_worst_groups(report),
        soft=_soft(report) or UNSET,
    )


def _soft(report: Report) -> dict[str, Interval]:
    found = report.soft_labels
    if not found:
        return {}
    tvd = found.tvd.of_answers
    known = (tvd.value, tvd.high, tvd.low)
    value, low, high = (None if one is None else 1 - one for one in known)
    overlap = replace(tvd, value=value, low=low, high=high)
    f1, accuracy = found.soft_macro_f1.of_answers, found.soft_accuracy.of_answers
    return {"soft_macro_f1": f1, "overlap": overlap, "soft_accuracy": accuracy}


def _soft_by_clip(run: FinishedRun) -> dict[str, NDArray[np.float64]]:
    report, environment = run.report, run.environment
    if not report.soft_labels:
        return {}
    plan = relabelling_for(labels_config_of(report.label_map), environment)
    one_hot = report.soft_labels.one_hot
    return soft_by_clip(
        run.answers,
        report.labels,
        report.policy,
        run.scores(),
        class_of_word(plan, environment.dataset.label_map),
        # Whose scores have a cut-off has scores, and is not certain.
        certain_where=~np.isfinite(ScoreTable.read(run.directory).cut_offs_of(run.answers.clip_ids))
        if one_hot
        else None,
    )


def _score_figures(report: Report) -> dict[str, Interval]:
    found = {}
    if report.calibration and report.calibration.confidence:
        found["ece"] = report.calibration.confidence.ece
    if report.selective:
        found["aurc"] = report.selective.aurc
    if report.calibration and report.calibration.distribution:
        whole = report.calibration.distribution
        found |= {"brier": whole.brier, "log_loss": whole.log_loss}
    return found


def _worst_groups(report: Report) -> dict[str, WorstGroup]:
    if not report.fairness:
        return {}
    return {
        name: WorstGroup(name=group.name, uar=group.uar)
        for name, each in report.fairness.attributes.items()
        for group in each.groups
        if group.name == each.worst
    }


def _identity(run: FinishedRun) -> dict[str, Any]:
    environment = run.environment
    dataset, backend = environment.dataset, environment.backend
    condition = condition_of(environment)
    return {
        "dataset": dataset.name,
        "dataset_hash": dataset.hash,
        "split": dataset.split,
        "label_map_hash": dataset.label_map.hash,
        "labels_hash": labels_config_of(run.report.label_map).hash,
        "n_clips": dataset.n_clips,
        "backend": backend.name,
        "model": backend.model,
        "model_hash": backend.model_hash,
        "precision": backend.precision,
        "device": device_of(run.report, environment),
        "load": load_of(environment.load),
        "started_at": environment.started_at,
        "commit": environment.git.sv_eval.commit if environment.git.sv_eval else None,
        "settings": settings_of(environment),
        **({} if condition is None else {"condition": condition}),
    }


def condition_of(environment: Environment) -> str | None:
    """What changed the sound, in one line; None where nothing did. Of a file or folder its last name alone."""
    found = environment.condition
    return None if found is None else json.dumps(_unplaced(found), sort_keys=True, default=str)


def _unplaced(value: Any) -> Any:
    """Settings without where things lie on this machine."""
    if isinstance(value, Mapping):
        return {key: _unplaced(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_unplaced(one) for one in value]
    return value.rstrip("/").rpartition("/")[2] if isinstance(value, str) else value


def settings_of(environment: Environment) -> dict[str, Any]:
    """The backend's settings that bear on its answers, single values only; empty where it has none.

    A baseline is committed: what belongs to a connection (headers, a name and password in an address) stays out.
    """
    settings = environment.settings.get("backend") or {}
    protocol = environment.backend.card.get("protocol")
    told = {} if not isinstance(protocol, Mapping) else {"protocol": protocol_told(protocol)}
    found = {
        key: re.sub(r"(?<=://)[^/@]*@", "", value) if isinstance(value, str) else value
        for key, value in settings.items()
        if not key.startswith("_") and not isinstance(value, Mapping | list)
    }
    return found | told


def protocol_told(protocol: Mapping[str, Any]) -> str:
    """A chat model's protocol, as it is told: what a file is called says nothing of what is in it."""
    return f"{protocol.get('name')} v{protocol.get('version')} {protocol.get('hash')}"


def device_of(report: Report, environment: Environment) -> str:
    """The class of device within which latencies compare: a GPU's, or a processor with its cores.

    Of a backend elsewhere only what it says of itself is known; the processor that asked counts, too.
    """
    backend, start = environment.backend, environment.start(report.latency_ms.session)
    machine = environment.machine if start is None else start.machine
    here = f"{machine.cpu}, {machine.cores} cores"
    if not backend.in_process:
        return f"{backend.device}, asked from {here}"
    if not backend.device.startswith("cuda"):
        return here if backend.device in ("cpu", "none") else f"{backend.device}: {here}"
    names = [
        (gpu["class"] or {}).get("class") or gpu["name"] for gpu in (report.machine.gpus if report.machine else ())
    ]
    names = names or [gpu.get("name") or "unknown GPU" for gpu in machine.gpus or ()]
    return f"{backend.device.partition(':')[0]}: {', '.join(names) or 'unknown'}"


def load_of(load: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a load that make two latencies the same kind of figure."""
    if load["schedule"] in ("single_stream", "offline"):
        names: tuple[str, ...] = ("schedule",)
    else:
        names = _OF_LOAD
    found = {name: load[name] for name in names if load.get(name) is not None}
    return found | ({"streams": load["streams"]} if load.get("streams", 1) != 1 else {})
