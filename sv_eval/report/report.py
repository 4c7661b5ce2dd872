"""`metrics.json`: everything that scoring finds out about a run, in the order in which the file has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from sv_eval.report.accuracy import (
    AllLabels,
    Chance,
    Confusion,
    EmotionFigures,
    Headline,
    Intervals,
    PolicyFigures,
    SpeakerFigures,
    WrongPair,
)
from sv_eval.report.calibration import Calibration
from sv_eval.report.conformal import Conformal
from sv_eval.report.context import LabelMap, Reference
from sv_eval.report.controls import Controls
from sv_eval.report.cost import ServiceCost
from sv_eval.report.dimensions import Dimensions
from sv_eval.report.environment import Phases, Telemetry
from sv_eval.report.fairness import Fairness
from sv_eval.report.findings import Finding
from sv_eval.report.interval import Rounded
from sv_eval.report.latency import DurationBin, Latency, Load, Repeats, StageTimes
from sv_eval.report.operating import Operating
from sv_eval.report.positions import Outside, Positions
from sv_eval.report.reasons import Coded, Why
from sv_eval.report.selective import Selective
from sv_eval.report.shares import Shares
from sv_eval.report.soft import SoftLabels
from sv_eval.report.sound import Sound
from sv_eval.report.streaming import Streaming
from sv_eval.report.transcripts import Transcripts

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts(Rounded):
    """What was run, and how many clips ended how."""

    backend: str
    """The backend's name."""
    dataset: str
    """The corpus's name."""
    n_clips: int
    """All records, one per clip."""
    n_scored: int
    """Reference in the label set, and not failed: what the policy `wrong` scores."""
    n_unknown: int
    """Answers that declined to name an emotion."""
    n_no_tag: int
    """Answers without an emotion tag."""
    n_no_speech: int
    """Answers that no speech was found."""
    n_unread: Mapping[str, int] | UnsetType = UNSET
    """Clips answered in words that name no one emotion, by `unparsed`, `refused` and `hedged`; not set where there
    are none."""
    n_failed: int
    """Clips without an answer."""
    n_out_of_scope: int
    """Clips whose reference is not in the label set."""
    n_repeated: int
    """Failures that gave way to a later start's record of the same clip."""
    audio_s: float | None
    """Audio of all clips that could be decoded, seconds."""
    wall_s: float | None
    """For how long all starts measured, seconds."""
    wall_s_reason: Why | UnsetType = UNSET
    """Why that is not known."""
    config_hash: str
    """Over the settings that change records."""
    scoring_hash: str
    """Over the settings that change scores."""
    dataset_hash: str
    """Over the clips."""
    records_hash: str | UnsetType = UNSET
    """SHA-256 over the records that were scored; not set by earlier versions."""
    n_set_aside: int | UnsetType = UNSET
    """Lines that were put aside since they did not belong to the run; not set where there are none."""
    started_at: str
    """When the first start began, ISO 8601 in UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstClip:
    """The first clip by id that met an error of a kind."""

    clip: str
    """Clip id."""
    message: str
    """What was said of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureKind:
    """Failures of one kind."""

    kind: str
    """The failure's stable word."""
    count: int
    """How many clips."""
    example: FirstClip
    """The first such clip by id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorKind:
    """Errors of one kind, those that another attempt mended among them."""

    kind: str
    """The error's stable word."""
    failed: int
    """Clips that have no answer because of it."""
    recovered: int
    """Clips that met it and were answered later."""
    attempts: int
    """Attempts that ended with it."""
    example: FirstClip
    """The first such clip by id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedClips:
    """Clips whose audio has something in common that a reader should know."""

    count: int
    """How many clips."""
    example: str
    """The first such clip by id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Rounded):
    """What `metrics.json` holds."""

    schema_version: int = SCHEMA_VERSION
    """Raised when a reader of this file would have to change."""
    run: RunFacts
    """What was run, and how many clips ended how."""
    labels: tuple[str, ...]
    """The scored classes, in order."""
    labels_without_clips: tuple[str, ...]
    """Those that no clip in scope has; means are over the others."""
    policy: str
    """The headline's unknown policy: `wrong`, `abstain` or `ban`."""
    accuracy: Headline
    """The headline."""
    policies: Mapping[str, PolicyFigures]
    """All policies."""
    all_labels: AllLabels
    """All policies over every class that the corpus holds."""
    intervals: Intervals
    """How bounds were found."""
    per_emotion: Mapping[str, EmotionFigures]
    """By scored class, under the headline policy."""
    confusion: Confusion
    """Of the headline's answers."""
    confusion_unforced: Confusion
    """Of the unforced answers."""
    confusion_forced: Confusion | None
    """Of the answers with `unknown` banned; null when no record has a forced label."""
    out_of_scope: Mapping[str, int]
    """Clips that are not scored, by reference."""
    latency_ms: Latency
    """How fast: clean records only."""
    latency_by_duration: tuple[DurationBin, ...]
    """The same by audio length."""
    shares: Shares | UnsetType = UNSET
    """What left the samples; not set by earlier versions."""
    rtf: float | None
    """Seconds in which a call was in flight per second of audio of the clean records."""
    stages_ms: Mapping[str, StageTimes]
    """Where the time went."""
    failures: tuple[FailureKind, ...]
    """What went wrong."""
    errors: tuple[ErrorKind, ...]
    """The same with what went wrong and was mended by another attempt."""
    worst_confusions: tuple[WrongPair, ...]
    """The most frequent wrong answers, under the headline policy."""
    by_speaker: Mapping[str, SpeakerFigures]
    """By speaker, under the headline policy."""
    confusion_forced_reason: Why | UnsetType = UNSET
    """Why there is no `confusion_forced`."""
    rtf_reason: Why | UnsetType = UNSET
    """Why there is no `rtf`."""
    label_map: LabelMap
    """What the classes hold."""
    chance: Chance | None
    """What one scores who does not listen; null without a clip."""
    chance_reason: Why | UnsetType = UNSET
    """Why there is no `chance`."""
    transcripts: Transcripts | None
    """How well words were heard; null where nothing can be said."""
    transcripts_reason: Why | UnsetType = UNSET
    """Why there are no `transcripts`."""
    phases: Phases | None
    """What lay outside the measurement, of the start that latency is from."""
    machine: Telemetry | None
    """What the machine did meanwhile; null after a kill, and without telemetry in runs of earlier versions."""
    repeats: Repeats | UnsetType = UNSET
    """What several rounds say; not set where there was one."""
    load: Load
    """What load there was."""
    references: tuple[Reference, ...]
    """What has been published about the corpus."""
    caveats: tuple[Coded, ...]
    """What a reader must know before believing this very run."""
    streaming: Streaming | UnsetType = UNSET
    """How streams went; not set for clips that were given whole."""
    marks: Mapping[str, MarkedClips] | UnsetType = UNSET
    """What was met in the clips' audio, and in how many; not set where there was nothing to say."""
    positions: Positions | UnsetType = UNSET
    """Of a chat model whose options change places: where the ones stood that it took."""
    outside: Outside | UnsetType = UNSET
    """Of a chat model's answers: what was on none of the options; not set where none tells."""
    findings: tuple[Finding, ...] | UnsetType = UNSET
    """The verdict, line by line, in the order in which it is read; not set by earlier versions."""
    controls: Controls | UnsetType = UNSET
    """What questions beyond the clips told: repeats, orders of options, words alone; not set without any."""
    cost: ServiceCost | UnsetType = UNSET
    """What the run took of a service that tells tokens, or whose prices are given; not set without either."""
    fairness: Fairness | UnsetType = UNSET
    """Figures by groups of speakers; not set without two groups, and by earlier versions."""
    sound: Sound | UnsetType = UNSET
    """What the clips' sound was; not set by earlier versions, nor where nothing was decoded."""
    calibration: Calibration | UnsetType = UNSET
    """Whether confidence and scores mean what they say; not set where too few have any."""
    operating: Operating | UnsetType = UNSET
    """What thresholds on scores give; not set without scores."""
    dimensions: Dimensions | UnsetType = UNSET
    """How well arousal, valence and dominance were told; not set where the recogniser tells none."""
    selective: Selective | UnsetType = UNSET
    """What is won where only confident answers count; not set where too few have a confidence."""
    conformal: Conformal | UnsetType = UNSET
    """Sets of emotions instead of one answer; not set without scores, or with one speaker."""
    soft_labels: SoftLabels | UnsetType = UNSET
    """Answers against what each rater heard; not set where too few clips have votes."""
