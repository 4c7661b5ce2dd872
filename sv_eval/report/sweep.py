"""`sweep.json`: everything that is found out about the settings of a sweep, in the order that the file has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from msgspec import UNSET, UnsetType

from sv_eval.report.change import Change
from sv_eval.report.environment import CorpusFacts, HowShared, Machine, MeasuredBackend
from sv_eval.report.interval import Interval, Rounded
from sv_eval.report.reasons import Coded, Why

Slo = Literal["kept", "unsure", "broken", "unknown"]
"""Whether a p95 keeps the objective: its upper bound does, nobody can tell, its lower bound doesn't; no p95."""
WhyChosen = Literal["better", "default_breaks_slo", "noise", "default_is_best", "none_keeps_slo", "untested"]
"""Why a setting is recommended, or none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A swept key."""

    name: str
    """The key."""
    values: tuple[Any, ...]
    """The values that it takes, any that YAML has, in order of occurrence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCounts:
    """What is taken as independent."""

    kind: str
    """`speaker`, `clip` (none known), `mixed`; `none` without clips."""
    n: int
    """How many there are."""
    scarcest: int
    """How many the scarcest label has, which UAR rests on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost(Rounded):
    """Seconds of work an hour of audio, with 95 % bounds."""

    value: float | None
    """The estimate."""
    low: float | None
    """Lower bound."""
    high: float | None
    """Upper bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FromDefault(Rounded):
    """How far a setting's UAR lies from the one that all are compared with."""

    value: float | None
    """The difference, a share."""
    low: float | None
    """Lower bound, for all settings at once."""
    high: float | None
    """Upper bound."""
    p: float | None
    """Adjusted for all settings."""
    reason: Why | UnsetType = UNSET
    """Why something is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingFigures(Rounded):
    """A setting and what was measured under it; accuracy is over the speakers that settings are ranked on."""

    number: int
    """Its place in the plan, from 0."""
    name: str
    """What a report calls it."""
    directory: str
    """Its run directory, relative to the sweep's."""
    values: Mapping[str, Any]
    """What is swept, to its value here."""
    overrides: tuple[str, ...]
    """The command line words that make it."""
    default: bool
    """Whether it is the one that the others are compared with."""
    uar: Interval
    """UAR of the clips that it answered."""
    accuracy: Interval
    """Share of right answers among them."""
    ranked_uar: float | None
    """UAR of the clips that every setting answered, which settings are ranked by."""
    p50: Interval
    """Median latency, milliseconds."""
    p95: Interval
    """95th percentile of the latency, milliseconds."""
    rtf: float | None
    """Real-time factor."""
    busy_s_per_audio_hour: Cost | None
    """What it costs; null where no length of audio is known."""
    n_clips: int
    """All its records, one per clip."""
    n_failed: int
    """Clips without an answer."""
    difference: FromDefault
    """From the default's UAR."""
    best_share: float | None
    """The share of resamples in which it is the best one; ties are shared out."""
    slo: Slo
    """Whether its p95 keeps the objective."""
    other_cores: float | None
    """How many cores other processes kept busy meanwhile; null without telemetry."""
    front: bool
    """Whether no other setting has as much UAR for as little p95."""
    front_share: float | None
    """The share of resamples in which that is so."""
    cost_front: bool
    """Whether no other setting has as much UAR for as little cost."""
    cost_front_share: float | None
    """The share of resamples in which that is so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingSetting:
    """A setting that has no result."""

    number: int
    """Its place in the plan."""
    name: str
    """What a report calls it."""
    reason: str
    """Why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The settings that stand out, by their numbers."""

    best: int | None
    """The highest UAR, whatever its latency."""
    best_within_slo: int | None
    """The highest UAR of those that surely keep the objective."""
    recommended: int | None
    """What to run; null where nothing surely keeps the objective."""
    default: int
    """The one that the others are compared with."""
    why: WhyChosen
    """Why that one is recommended."""
    beyond_noise: bool | None
    """Whether the best within the objective differs from the default by more than noise; null if untested."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutUar(Rounded):
    """A setting on the speakers that had no say in the choice."""

    uar: float | None
    """UAR."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutDifference(Change):
    """How much UAR changes on those speakers from the default, the earlier run, to the chosen setting."""

    p: float | None
    """`p_value` once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdout:
    """The chosen setting and the default on the speakers that had no say in the choice.

    What follows `reason` is not set where there is one.
    """

    share: float
    """The share of the speakers that was asked for."""
    seed: int
    """Decides which."""
    speakers: tuple[str, ...]
    """Who they are."""
    tuning_speakers: tuple[str, ...] | UnsetType = UNSET
    """The others, whom settings are ranked on; not set where nobody could be held out."""
    reason: Literal["no_speakers", "one_speaker", "no_choice"] | UnsetType = UNSET
    """Why there is nothing to say of them."""
    n_clips: int | UnsetType = UNSET
    """Their clips that both settings answered."""
    default: HeldOutUar | UnsetType = UNSET
    """The default."""
    chosen: HeldOutUar | UnsetType = UNSET
    """The best setting that surely keeps the objective; where none does, the best one."""
    same: bool | UnsetType = UNSET
    """Whether these two are one."""
    difference: HeldOutDifference | UnsetType = UNSET
    """Between these two."""
    mcnemar_p: float | UnsetType | None = UNSET
    """p-value of McNemar's test, which takes every clip as independent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level(Rounded):
    """The settings at one value of a parameter."""

    value: str
    """The value as a word, or the bin that it lies in."""
    n: int
    """How many settings have it."""
    uar: float | None
    """Their mean UAR."""
    p95_ms: float | None
    """Their mean p95, milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfMeasures(Rounded):
    """A figure of each measure; null where fewer settings than needed were measured."""

    uar: float | None
    """Of UAR."""
    p95_ms: float | None
    """Of p95."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """How much one parameter matters."""

    parameter: str
    """The swept key."""
    levels: tuple[Level, ...]
    """Its values, in order."""
    range: OfMeasures
    """How far the means at its values lie apart, in the measure's unit."""
    share: OfMeasures
    """The share of the variance between settings that lies between them (eta squared, SS_between / SS_total)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbed(Rounded):
    """What other processes took of the machine meanwhile."""

    n: int
    """In how many settings it was worth mentioning."""
    most: float | None
    """How many cores at most; null without telemetry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steadiness(Rounded):
    """How much faster or slower the default setting was when it was measured once more at the end."""

    before_p50_ms: float | None
    """Median latency at the beginning, milliseconds."""
    after_p50_ms: float | None
    """At the end."""
    change: float | None
    """The later one over the earlier one, less 1."""
    notable: bool
    """Whether that is much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """A proposal that was not gone on with, as another setting surely beats it in UAR and in p95."""

    number: int
    """The setting's."""
    name: str
    """What a report calls it."""
    uar: float
    """Its UAR so far."""
    n_clips: int
    """Clips that this rests on."""
    by: int
    """The number of what beats it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """How settings were come by that are no grid."""

    sampler: str
    """Who proposed."""
    seed: int
    """Of the sampler."""
    trials: int
    """How many proposals were wanted."""
    first_share: float
    """The share of the clips after which a setting may be given up."""
    complete: int
    """Proposals that were measured in full."""
    pruned: int
    """Those that were given up."""
    failed: int
    """Those that have no result."""
    repeated: int
    """Those that had been measured before."""
    given_up: tuple[GivenUp, ...]
    """What was given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepFile:
    """What `sweep.json` holds."""

    schema_version: int = 1
    """Raised when a reader of this file would have to change."""
    parameters: tuple[Parameter, ...]
    """What is swept."""
    labels: tuple[str, ...]
    """The scored classes, in order."""
    policy: str
    """The unknown policy."""
    confidence: float
    """Of all bounds, two-sided."""
    slo_p95_ms: float
    """The objective: the p95 that a recommended setting must keep, milliseconds."""
    n_settings: int
    """How many there are, those without a result among them."""
    n_clips: int
    """Clips that every setting answered and that settings are ranked on."""
    n_left_out: int
    """Clips that would count, had not some setting failed on them."""
    units: UnitCounts
    """What is taken as independent among them."""
    settings: tuple[SettingFigures, ...]
    """Those that have a result."""
    missing: tuple[MissingSetting, ...]
    """The others."""
    choice: Chosen
    """The settings that stand out."""
    optimism: float | None
    """How much UAR flatters the best setting, having been picked on these clips, by cross-validation; a share."""
    noise: float | None
    """The median standard error of a setting's difference from the default; a share."""
    holdout: Holdout | None
    """The choice on other speakers; null unless asked for."""
    sensitivity: tuple[Sensitivity, ...]
    """How much each parameter matters."""
    grid_complete: bool
    """Whether every combination of the values has a result, so that shares of variance add up."""
    sharing: HowShared | None
    """How settings shared work; null where the default did not."""
    n_by_themselves: int
    """Settings that shared none."""
    disturbed: Disturbed
    """What other processes took of the machine."""
    unequal_answers: int
    """Clips whose answer another round, or a call of their own, changed; of all settings."""
    backend: MeasuredBackend
    """The default's."""
    dataset: CorpusFacts
    """What was asked about."""
    machine: Machine
    """The default's."""
    caveats: tuple[Coded, ...]
    """Of the default's run, what holds for the whole sweep."""
    one_machine: bool
    """Whether all settings were measured on machines that look alike."""
    steadiness: Steadiness | None
    """Whether the machine stayed as fast as it was; null where nothing was measured once more."""
    command: str
    """What was called."""
    directory: str
    """Where the runs lie."""
    tuning: Tuning | None
    """How the settings were come by; null for a grid."""
