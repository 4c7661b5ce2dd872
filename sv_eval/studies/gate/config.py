"""What a user may choose about the gate: `conf/gate/*.yaml` as dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from sv_eval.config.structure import structure
from sv_eval.errors import ConfigError

NO_GATE = "none"
RESAMPLING = ("resamples", "seed")
"""Of the whole run's `scoring`; a gate has them only where its own file says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Floors:
    """What the candidate's own figures must reach, as shares; None for no floor."""

    uar: float | None = None
    """Of UAR."""
    accuracy: float | None = None
    """Of the share of right answers."""
    macro_f1: float | None = None
    """Of macro F1."""
    recall: float | Mapping[str, float] | None = None
    """Of the recall of every emotion, or of those that are named."""
    ccc: float | Mapping[str, float] | None = None
    """Of the concordance of every emotional dimension, or of those that are named."""
    soft: Mapping[str, float] | None = None
    """Of answers held against raters' votes, by name: soft_macro_f1, overlap (1 less the total variation distance),
    soft_accuracy."""
    average_precision: float | Mapping[str, float] | None = None
    """Of the area beneath precision by recall, of every emotion, or of those that are named."""
    precision: float | Mapping[str, float] | None = None
    """Of precision at the thresholds of `at`, of each of them, or of the emotions that are named."""
    worst_group: Mapping[str, float] | None = None
    """Of the UAR of the group that is understood worst, by attribute: sex, language, age, accent,
    pitch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """What the candidate's latency, milliseconds, and its errors must not exceed; None for no ceiling."""

    p50_ms: float | None = None
    """Of the median."""
    p95_ms: float | None = None
    """Of the 95th percentile."""
    p99_ms: float | None = None
    """Of the 99th."""
    ece: float | None = None
    """Of the calibration error of confidence."""
    aurc: float | None = None
    """Of the area beneath risk by coverage."""
    brier: float | None = None
    """Of the Brier score over all classes."""
    log_loss: float | None = None
    """Of the log loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """How much worse than the baseline's a figure may be, as shares; None for no such rule."""

    uar: float | None = None
    """UAR."""
    accuracy: float | None = None
    """The share of right answers."""
    macro_f1: float | None = None
    """Macro F1."""
    recall: float | Mapping[str, float] | None = None
    """The recall of every emotion, or of those that are named."""
    ccc: float | Mapping[str, float] | None = None
    """The concordance of every emotional dimension, or of those that are named; no share."""
    soft: Mapping[str, float] | None = None
    """Answers held against raters' votes, by name: overlap, soft_accuracy."""
    average_precision: float | Mapping[str, float] | None = None
    """The area beneath precision by recall, of every emotion, or of those that are named."""
    precision: float | Mapping[str, float] | None = None
    """Precision at the thresholds of `at`, of each of them, or of the emotions that are named."""
    ece: float | None = None
    """How much the calibration error of confidence may rise; no share, like the next three."""
    aurc: float | None = None
    """The same of the area beneath risk by coverage."""
    brier: float | None = None
    """Of the Brier score over all classes."""
    log_loss: float | None = None
    """Of the log loss."""
    coverage: float | None = None
    """The share of clips that are answered with an emotion; judged where `unknown` is left out (abstain)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """How much more than in the baseline may leave the sample, as shares; None for no such rule.

    Failures of all emotions together have `max_failures`.
    """

    failed: float | None = None
    """The clips of any emotion without an answer."""
    retried: float | None = None
    """Requests that took more than one attempt."""
    resumed: float | None = None
    """Answers from other starts of the run than the one with most."""
    late: float | None = None
    """Requests that were sent later than planned."""
    unmeasured: float | None = None
    """Answers without a latency."""
    slow: float | None = None
    """Answers that took more than `slow_times` the baseline's 95th percentile."""
    unknown: float | None = None
    """Clips answered with `unknown`."""
    no_tag: float | None = None
    """Clips answered without a tag."""
    unparsed: float | None = None
    """Clips answered in words in which no emotion can be read."""
    refused: float | None = None
    """Clips that the model declined to answer."""
    hedged: float | None = None
    """Clips answered with several emotions."""
    no_speech: float | None = None
    """Clips answered with `no speech`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drops:
    """How much further than the baseline's UAR may drop under conditions, as shares; None for no such rule."""

    condition: float | None = None
    """Under each of them."""
    mean: float | None = None
    """In the mean over them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratios:
    """How many times the baseline's latency the candidate's may be; None for no such rule."""

    p50: float | None = None
    """Of the medians."""
    p95: float | None = None
    """Of the 95th percentiles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateConfig:
    """The rules of a gate."""

    name: str = NO_GATE
    """What reports call it; `none` for no gate."""
    baseline: str | None = None
    """A run directory, or a file made by `sv_eval.baseline save`."""
    alpha: float = 0.05
    """The chance that a candidate that is no worse fails, over all tested rules together."""
    power: float = 0.8
    """How surely the number of clips that is named for an inconclusive rule would decide it."""
    max_failures: float = 0.01
    """The share of the common clips that the candidate may fail on, beyond the baseline's own failures."""
    at: Mapping[str, float] | str | None = None
    """From which score on precision is of an emotion: by emotion, or the name of a thresholds file."""
    sequential: bool = False
    """Judge while the run goes on, and end it when the verdict is sure; margins of UAR and accuracy alone."""
    resamples: int = 10_000
    """Bootstrap resamples of whole speakers."""
    seed: int = 0
    """Of the resampling."""
    floors: Floors = field(default_factory=Floors)
    """The candidate's own accuracy."""
    ceilings: Ceilings = field(default_factory=Ceilings)
    """The candidate's own latency."""
    margins: Margins = field(default_factory=Margins)
    """Accuracy against the baseline."""
    ratios: Ratios = field(default_factory=Ratios)
    """Latency against the baseline."""
    drops: Drops = field(default_factory=Drops)
    """What is lost under conditions, against the baseline; of two sweeps, and by themselves."""
    shares: Shares = field(default_factory=Shares)
    """What left the sample, against the baseline."""
    slow_times: float = 2.0
    """How many times the baseline's 95th percentile is slow, for `shares.slow`."""
    max_contention: float | None = None
    """The share of the machine above which others disturbed a run too much for its latency to be judged."""

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 0.5:
            raise ConfigError(f"gate.alpha={self.alpha}: a share above 0 and below 0.5, such as 0.05")
        if not 0.5 <= self.power < 1:
            raise ConfigError(f"gate.power={self.power}: a share from 0.5 to below 1, such as 0.8")
        if not 0 <= self.max_failures <= 1:
            raise ConfigError(f"gate.max_failures={self.max_failures}: a share from 0 to 1")
        if self.slow_times <= 1:
            raise ConfigError(f"gate.slow_times={self.slow_times}: a factor above 1, such as 2")
        if self.max_contention is not None and not 0 < self.max_contention <= 1:
            raise ConfigError(f"gate.max_contention={self.max_contention}: a share above 0, such as 0.15")
        if self.resamples < 100:
            raise ConfigError(f"scoring.resamples={self.resamples}: give 100 or more")
        self._check_rules()
        if self.sequential:
            self._check_sequential()

    def _check_sequential(self) -> None:
        """A run that may end anywhere has figures that grow; of all others only its end could be judged."""
        other = [
            key
            for group in ("floors", "ceilings", "margins", "ratios", "shares")
            for key, _ in _numbers(getattr(self, group))
            if group != "margins" or key not in ("uar", "accuracy")
        ]
        if other:
            raise ConfigError(
                f"gate={self.name}: a sequential gate has margins of uar and accuracy, not {', '.join(other)}; "
                "gate=ci judges the others over a whole run"
            )

    @property
    def growing(self) -> dict[str, float]:
        """The margins of a sequential gate, by figure."""
        return dict(_numbers(self.margins))

    def _check_rules(self) -> None:
        for group, low, high in (
            ("floors", 0, 1),
            ("margins", 0, 1),
            ("shares", 0, 1),
            ("drops", 0, 1),
            ("ratios", 1, 100),
        ):
            for key, value in _numbers(getattr(self, group)):
                if not low < value < high:
                    raise ConfigError(
                        f"gate.{group}.{key}={value:g}: give a number above {low:g} and below {high:g}"
                    )
        for key, value in _numbers(self.ceilings):
            if value <= 0:
                raise ConfigError(f"gate.ceilings.{key}={value:g}: milliseconds, above 0")
        if self.of_sweeps and any(map(_numbers, (self.margins, self.ratios, *self._own))):
            raise ConfigError(
                f"gate={self.name}: drops are of two sweeps over conditions, margins, ratios, floors and ceilings "
                "of two runs; one gate has the one or the other"
            )
        if self.name != NO_GATE and not self.compares and not any(_numbers(part) for part in self._own):
            raise ConfigError(f"gate={self.name}: it has no rule; give a margin, a ratio, a floor or a ceiling")

    @property
    def _own(self) -> tuple[Floors, Ceilings]:
        return self.floors, self.ceilings

    @property
    def compares(self) -> bool:
        """Whether a rule needs a baseline."""
        return bool(_numbers(self.margins) or _numbers(self.ratios) or self.of_sweeps)

    @property
    def of_sweeps(self) -> bool:
        """Whether it judges two sweeps over conditions, in place of two runs."""
        return bool(_numbers(self.drops))


def _numbers(part: Any) -> list[tuple[str, float]]:
    """The values that were given, by key; those of a mapping by key and its own."""
    found: list[tuple[str, float]] = []
    for item in fields(part):
        value = getattr(part, item.name)
        if isinstance(value, Mapping):
            found += [(f"{item.name}.{name}", float(number)) for name, number in value.items()]
        elif value is not None:
            found.append((item.name, float(value)))
    return found


def gate_config_from(settings: Mapping[str, Any]) -> GateConfig:
    """The configuration group `gate`, given as plain data; a wrong key or type is a ConfigError."""
    return structure(GateConfig, settings, "gate", ConfigError)
