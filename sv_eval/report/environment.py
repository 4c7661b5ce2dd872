"""`environment.json`: what a run is, what it was measured on, and each of its starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

import msgspec
from msgspec import UNSET, UnsetType

from sv_eval.backend import BackendInfo, Capabilities
from sv_eval.emotions import EMOTIONS, REFERENCE_LABELS
from sv_eval.report.reasons import Coded, Why


@dataclass(frozen=True, slots=True, kw_only=True)
class GitState:
    """The state of a repository."""

    commit: str
    """What is checked out."""
    dirty: bool
    """Whether tracked files are changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """The repositories that bear on a run; null where there is none."""

    sv_eval: GitState | None = None
    """sv_eval's own checkout."""
    working_directory: GitState | None = None
    """Where the command was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine, as far as it bears on latency."""

    cpu: str
    """The processor's name."""
    cores: int
    """Cores that the process may use."""
    memory_gib: float
    """Memory."""
    system: str
    """System, release and architecture."""
    python: str
    """Python's version."""
    gpus: tuple[Mapping[str, str], ...] | UnsetType = UNSET
    """Graphics processors as `nvidia-smi` lists them; not set without any."""
    native_precisions: tuple[str, ...] | UnsetType = UNSET
    """Of fp32, int8, bf16 and fp16 those that the processor has instructions for; not set where nobody can tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What something was measured on."""

    machine: Machine
    """The machine."""
    packages: Mapping[str, str]
    """Versions of the packages that can change an answer or a latency."""
    git: Git
    """The state of the code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUp:
    """How the backend was warmed up; nothing of it enters the figures."""

    first_answer_ms: float | None
    """The first clip ever asked about, milliseconds; null when nothing was warmed up."""
    windows_ms: tuple[float, ...]
    """How long each pass over the same few clips took, milliseconds."""
    clips: int
    """Requests made in all."""
    wall_s: float
    """Seconds in all."""
    stable: bool | None
    """Whether the last two windows agreed within the tolerance before time was up; null without windows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """What lay outside the measurement."""

    load_s: float | None = None
    """Opening the backend: loading the model, or connecting; seconds."""
    warm_up: WarmUp | None = None
    """How it was warmed up."""
    ended_by: str | None = None
    """What ended it: `rounds`, `width`, `max_s`, `max_requests`, `interrupt`, `verdict`; null after a kill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A quantity over the samples of a run."""

    mean: float
    """Mean."""
    max: float
    """The most."""


DeviceClass = TypedDict(
    "DeviceClass",
    {
        "class": str,
        "compute_capability": str,
        "memory_gb": float,
        "bandwidth_gb_s": float,
        "fp16_tflops": float,
        "int8_tops": float | None,
    },
    total=False,
)
"""A class of devices within which latencies compare; peaks by the maker's data sheet."""

Gpu = TypedDict(
    "Gpu",
    {
        "name": str,
        "class": DeviceClass | None,
        "utilisation": Spread | None,
        "memory_mib": Spread | None,
        "sm_mhz": Spread | None,
        "memory_mhz": Spread | None,
        "power_w": Spread | None,
        "temperature_c": Spread | None,
        "energy_j": float | None,
        "energy_wh_per_audio_hour": float | None,
        "throttled": Mapping[str, float],
    },
)
"""A graphics processor over the samples of a run; `throttled` holds the share of the samples by reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """What the machine did while a run's clock ran."""

    samples: int
    """How many; 0 where none were asked for."""
    interval_s: float
    """Seconds between them; 0 without any."""
    process_cpu: Spread | None
    """Cores that this process kept busy."""
    machine_cpu: Spread | None
    """The share of the machine's cores that were busy."""
    rss_mib: Spread | None
    """Memory of this process, MiB."""
    cpu_held_back_s: float | None
    """Seconds for which the container's quota held this process back; null where nobody tells."""
    gpus: tuple[Gpu, ...] = ()
    """Graphics processors."""
    others_cpu: float | UnsetType | None = UNSET
    """The share of the time of all cores (that this process may use) that others took: what the cores worked, what
    the host took away included, less what this process and those that it started did; by the system's counters over
    the whole stretch. Null where it can't be told; not set by earlier versions."""
    others_cpu_reason: Why | UnsetType = UNSET
    """Why it can't be told."""


NOT_SAMPLED = Telemetry(
    samples=0, interval_s=0.0, process_cpu=None, machine_cpu=None, rss_mib=None, cpu_held_back_s=None
)
"""Of a run that looked at nothing but the system's counters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One start of a run. It may go on somewhere else, so every start keeps its surroundings."""

    session: int
    """Its number, from 0."""
    started_at: str
    """When, ISO 8601 in UTC."""
    wall_s: float | None = None
    """For how long it measured, seconds; null after a kill, or when it never began to."""
    ended: str | None = None
    """How it ended; null after a kill."""
    machine: Machine
    """The machine."""
    packages: Mapping[str, str]
    """Versions of the packages that can change an answer or a latency."""
    git: Git
    """The state of the code."""
    phases: Phases | UnsetType | None = UNSET
    """What lay outside the measurement; not set before the warm-up is over."""
    telemetry: Telemetry | UnsetType | None = UNSET
    """What the machine did meanwhile; not set before it ended."""


def _only_known(what: str, names: Iterable[str], known: Sequence[str]) -> None:
    """Raise ValueError for a name that is not known; a reader of the file then names the place."""
    for name in names:
        if name not in known:
            raise ValueError(f"{what} has {name!r}, which is none of {', '.join(known)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusLabels:
    """How the corpus's words lead to emotions."""

    name: str
    """The map's name."""
    version: int
    """Its version."""
    hash: str
    """Over its entries."""
    entries: Mapping[str, str] = field(default_factory=dict)
    """Raw label to canonical emotion; runs of early versions have none."""
    meanings: Mapping[str, str] = field(default_factory=dict)
    """Raw label to the finer word that the card says it stands for."""
    case_sensitive: bool = False
    """Whether the case of raw labels counts."""

    def __post_init__(self) -> None:
        _only_known("entries", self.entries.values(), REFERENCE_LABELS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusFacts:
    """What a report says about a corpus."""

    name: str
    """The name on the command line."""
    card: str | None
    """The card's name."""
    title: str
    """What people call it."""
    hash: str
    """Over the clips that were chosen."""
    split: str
    """Which part."""
    n_clips: int
    """Clips in it."""
    language: str | None
    """BCP 47 tag; null for several or none."""
    licence: str
    """Short name of the licence."""
    citation: str | None
    """How to cite it."""
    label_order: tuple[str, ...]
    """Its emotions, in order."""
    label_map: CorpusLabels
    """Its words."""
    dimensions: Mapping[str, tuple[float, float]] | UnsetType = UNSET
    """Emotional dimensions that it has references for, each with its declared range; not set without any."""
    notes: tuple[Coded, ...] = ()
    """What a reader should know about it."""
    identity: str | None = None
    """Which corpus it is, however it was read: the same by its own card, EmoBox's lists, a folder or a table; null
    where nobody knows, and in runs of earlier versions."""

    def __post_init__(self) -> None:
        _only_known("label_order", self.label_order, EMOTIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredBackend(BackendInfo):
    """What was measured, and what it can do."""

    capabilities: Capabilities
    """What it can do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HowShared:
    """How accuracy and latency were kept apart where work was shared with other runs."""

    timed_requests: int
    """Requests of the timed pass."""
    timed_clips: int
    """Clips in it."""
    checked_clips: int
    """Those of them that were asked about both ways."""
    seed: int
    """Which decided on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptLoad:
    """What is read again of the settings of a run's load."""

    schedule: str
    """The kind of load."""
    rounds: int | None = 1
    """How often clips were gone through; null for until it was enough."""
    max_late_ms: float | None = None
    """How late the generator may be."""
    pace: str | None = None
    """Of a stream: `fast` or `real_time`."""
    chunk_size: float | None = None
    """Of a stream: seconds between two judgements."""

    def __post_init__(self) -> None:
        if self.schedule == "stream" and (self.pace not in _PACES or self.chunk_size is None):
            raise ValueError(f"a stream needs a chunk_size and a pace, {' or '.join(_PACES)}")


_PACES = ("fast", "real_time")
_GROUPS = ("backend", "dataset", "condition", "load", "scoring", "labels", "report", "run")


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What a run is, what it was measured on, and each of its starts; surroundings on top are the last one's."""

    schema_version: int = 1
    """Raised when a reader of this file would have to change."""
    run_id: str | UnsetType = UNSET
    """Stands in the seal of each record, and ties it to this run; not set by earlier versions."""
    started_at: str
    """When the first start began, ISO 8601 in UTC."""
    config_hash: str
    """Over `settings`."""
    settings: Mapping[str, Any]
    """The part of the configuration that changes records, with the hash of the weights."""
    config: Mapping[str, Any]
    """The whole configuration."""
    overrides: tuple[str, ...] = ()
    """What the command line said."""
    sessions: tuple[Start, ...]
    """Every start."""
    dataset: CorpusFacts
    """What was asked about."""
    backend: MeasuredBackend
    """What was asked."""
    sharing: HowShared | None = None
    """How work was shared; null where it was not."""
    machine: Machine
    """Of the last start."""
    packages: Mapping[str, str]
    """Of the last start."""
    git: Git = field(default_factory=Git)
    """Of the last start."""

    def __post_init__(self) -> None:
        for what, groups in (("config", self.config), ("settings", self.settings)):
            for name in _GROUPS:
                if not isinstance(groups.get(name), Mapping | None):
                    raise TypeError(f"{what}.{name} is no object")
        try:
            msgspec.convert(self.load, KeptLoad)
        except (msgspec.ValidationError, UnicodeEncodeError) as error:
            raise ValueError(f"config.load: {error}") from error

    @property
    def load(self) -> Mapping[str, Any]:
        """The settings of the load."""
        load: Mapping[str, Any] = self.config.get("load") or {}
        return load

    @property
    def condition(self) -> Mapping[str, Any] | None:
        """The settings of what changed the sound; None where nothing did."""
        found: Mapping[str, Any] | None = self.settings.get("condition")
        return found or None

    @property
    def repeated(self) -> bool:
        """Whether clips were gone through more than once, so that latency rests on more than accuracy does."""
        return self.load.get("rounds", 1) != 1 or (self.sharing is not None and self.sharing.timed_requests > 0)

    def start(self, session: int | None) -> Start | None:
        """The start of this number; None where there is none."""
        found = [start for start in self.sessions if start.session == session]
        return found[-1] if found else None
