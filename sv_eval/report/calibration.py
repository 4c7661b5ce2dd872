"""The part of a report that tells whether probabilities mean what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from sv_eval.report.interval import Interval, Rounded
from sv_eval.report.shares import Share


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin(Rounded):
    """Clips that were given about the same probability."""

    low: float
    """The smallest probability in it."""
    high: float
    """The largest."""
    mean: float
    """The mean: what it should be right in."""
    observed: Share
    """What it was right in; bounds allow for speakers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrierParts(Rounded):
    """What a Brier score is made of: `reliability - resolution + uncertainty + within`."""

    reliability: float
    """How far the bins' means lie from what was observed; 0 is best."""
    resolution: float
    """How far what was observed in the bins differs from the whole; more is better."""
    uncertainty: float
    """What always to say the base rate scores."""
    within: float
    """What probabilities in one bin differ among each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbabilityFigures(Rounded):
    """How well a probability of something that is or is not fits what was."""

    n: int
    """Clips that it is of."""
    ece: Interval
    """The expected calibration error, its bias by chance taken off; bounds allow for speakers."""
    ece_plain: float
    """The same as it is usually given, which grows with the number of bins and shrinks with clips."""
    gap: Interval
    """Mean probability less observed share: above 0 too sure, below 0 not sure enough."""
    brier: Interval
    """The mean square of probability less outcome."""
    parts: BrierParts
    """What it is made of."""
    log_loss: Interval
    """The mean of minus the logarithm of the probability of what was."""
    bins: tuple[ReliabilityBin, ...]
    """The reliability diagram, ascending; as many clips in each as ties allow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredDistribution(Rounded):
    """How well whole distributions over the emotions fit the references."""

    n: int
    """Scored clips with scores."""
    brier: Interval
    """The mean sum of squares over all names that have a score."""
    log_loss: Interval
    """The mean of minus the logarithm of the reference's probability."""
    ece_classwise: Interval
    """The mean of the emotions' `ece`."""
    ece_classwise_plain: float
    """The mean of the emotions' `ece_plain`."""
    per_emotion: Mapping[str, ProbabilityFigures]
    """By scored class: its probability against whether it was the reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedCalibration(Rounded):
    """What confidence and scores were changed by before they were judged."""

    method: str
    """`temperature`, `vector`, or `none`."""
    temperature: float
    """Above 1 scores were too sure."""
    dataset: str
    """The corpus that it was fitted on."""
    n_clips: int
    """How many clips of it."""
    n_speakers: int
    """How many speakers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration(Rounded):
    """Whether confidence and scores mean what they say."""

    confidence: ProbabilityFigures | None
    """Of answers that name an emotion: their confidence against whether they are right; null for too few."""
    distribution: ScoredDistribution | UnsetType = UNSET
    """Of the scores; not set where there are none, or not of every scored class."""
    applied: AppliedCalibration | UnsetType = UNSET
    """The calibration file that confidence and scores are judged under; not set for those that the model gave."""
    confidence_as_given: ProbabilityFigures | UnsetType = UNSET
    """`confidence` as the model gave it; set under a calibration file alone."""
    distribution_as_given: ScoredDistribution | UnsetType = UNSET
    """`distribution` of the scores as the model gave them; likewise."""
    floor: float
    """What a probability is at least when its logarithm is taken."""
