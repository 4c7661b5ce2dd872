"""What a user may choose about scoring."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

from sv_eval.config.structure import structure
from sv_eval.errors import ConfigError, nearest
from sv_eval.scoring.alarm_costs import AlarmCosts
from sv_eval.scoring.goals import Goals
from sv_eval.scoring.multi_label import MultiLabel
from sv_eval.scoring.prices import Prices

POLICIES: tuple[str, ...] = ("wrong", "abstain", "ban")
"""What becomes of an answer without an emotion: a wrong answer, left out, or replaced by the forced label."""

MOST_RESAMPLES = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringConfig:
    """The options of `conf/scoring/`."""

    labels: str | tuple[str, ...] = "auto"
    """The scored classes of the label map, in order; `auto` for what the corpus holds and the backend can say."""
    policy: str = "wrong"
    """The policy of the headline (`accuracy`, `per_emotion`); all of them are always reported."""
    confidence: float = 0.95
    """The confidence level of every interval."""
    resamples: int = 10_000
    """Bootstrap resamples."""
    seed: int = 0
    """Seed of the resampling."""
    duration_bins_s: tuple[float, ...] = (0.0, 2.0, 4.0, 8.0, 16.0)
    """Lower edges of the audio lengths, seconds, that latency is shown by; the last bin is open."""
    slo_ms: float | None = None
    """The latency objective that goodput is counted by, milliseconds; None for none."""
    timeout_ms: float | None = None
    """What a consumer of streams waits for a final answer after the end of speech, milliseconds; None: not told."""
    goals: Goals = field(default_factory=Goals)
    """What the run is to reach."""
    prices: Prices | None = None
    """What a service that is paid charges; None for no amounts."""
    calibration: Mapping[str, Any] | None = None
    """What a calibration file holds that scores are judged under; None for scores as they came."""
    thresholds: Mapping[str, Any] | None = None
    """What a thresholds file holds that answers are held against; None for answers as they came."""
    precision: float | None = None
    """The precision that a threshold on each emotion's score is to keep; None for no such threshold."""
    false_alarms_per_hour: float | None = None
    """How many false alarms a threshold is to have in an hour of audio at most; None for no such threshold."""
    costs: AlarmCosts | None = None
    """What a missed emotion and a false alarm cost; None for no threshold by costs."""
    set_coverage: float | None = None
    """In how many clips a set of emotions is to hold the right one, as a share; None for 0.9."""
    one_hot: bool | None = None
    """Whether an answer without scores counts as a distribution that has all of it on the answer, where answers are
    held against raters' votes; None for no."""
    multi_label: MultiLabel | None = None
    """When several emotions are true of a clip, and when an answer names several; None for what corpus and answers
    say themselves."""
    second_opinion: bool = False
    """Whether the headline is recomputed with scikit-learn, which costs its import."""

    def __post_init__(self) -> None:
        _check_labels(self.labels)
        if self.policy not in POLICIES:
            raise ConfigError(f"scoring.policy: '{self.policy}'; {nearest(self.policy, POLICIES)}")
        if not 0.5 <= self.confidence < 1:
            raise ConfigError(f"scoring.confidence: {self.confidence} is not from 0.5 to below 1; try 0.95")
        if not 100 <= self.resamples <= MOST_RESAMPLES:
            raise ConfigError(f"scoring.resamples: {self.resamples} is not from 100 to {MOST_RESAMPLES}; try 10000")
        if self.seed < 0:
            raise ConfigError(f"scoring.seed: {self.seed} is negative; give 0 or more")
        if self.slo_ms is not None and self.slo_ms <= 0:
            raise ConfigError(f"scoring.slo_ms: {self.slo_ms} must be above 0; give milliseconds")
        if self.timeout_ms is not None and self.timeout_ms <= 0:
            raise ConfigError(f"scoring.timeout_ms: {self.timeout_ms} must be above 0; give milliseconds")
        self._check_promises()
        edges = self.duration_bins_s
        if not edges or edges[0] != 0 or not all(a < b < math.inf for a, b in pairwise(edges)):
            raise ConfigError(f"scoring.duration_bins_s: {list(edges)} must ascend from 0; try [0, 2, 4, 8]")

    def _check_promises(self) -> None:
        if self.precision is not None and not 0 < self.precision < 1:
            raise ConfigError(f"scoring.precision: {self.precision} is no share between 0 and 1; try 0.9")
        if self.false_alarms_per_hour is not None and not 0 < self.false_alarms_per_hour < math.inf:
            raise ConfigError(f"scoring.false_alarms_per_hour: {self.false_alarms_per_hour} must be above 0; try 2")
        if self.set_coverage is not None and not 0.5 <= self.set_coverage < 1:
            raise ConfigError(f"scoring.set_coverage: {self.set_coverage} is not from 0.5 to below 1; try 0.9")


_CHANGES_NO_SCORE = ("goals", "prices")
_ADDED = (
    "timeout_ms",
    "calibration",
    "thresholds",
    "precision",
    "false_alarms_per_hour",
    "costs",
    "set_coverage",
    "one_hot",
    "multi_label",
)


def scoring_config_from(options: Mapping[str, Any]) -> ScoringConfig:
    """The configuration in a mapping such as Hydra's; an unknown key or a value of another type is an error.

    >>> scoring_config_from({"policy": "ban", "labels": ["sad", "happy"]}).labels
    ('sad', 'happy')
    """
    return structure(ScoringConfig, options, "scoring", ConfigError)


def _check_labels(labels: str | tuple[str, ...]) -> None:
    if labels == "auto":
        return
    if isinstance(labels, str) or not labels:
        raise ConfigError(f"scoring.labels: {labels!r} is neither 'auto' nor a list of emotions")
    if len(set(labels)) < len(labels):
        raise ConfigError(f"scoring.labels: {list(labels)} names an emotion twice; name each once")


def settings_told(config: ScoringConfig) -> dict[str, Any]:
    """The settings that change scores; one that is newer than others and was not given is left out, so that hashes
    stay what they were."""
    settings = {key: value for key, value in asdict(config).items() if key not in _CHANGES_NO_SCORE}
    return {key: value for key, value in settings.items() if key not in _ADDED or value is not None}
