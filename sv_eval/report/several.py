"""The part of a report that scores clips of which several emotions may be true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from sv_eval.report.interval import Interval, Rounded


@dataclass(frozen=True, slots=True, kw_only=True)
class EmotionAmongSeveral(Rounded):
    """One emotion, true of a clip or not, named by its answer or not."""

    n: int
    """Clips that it is true of."""
    named: int
    """Clips whose answer names it."""
    f1: Interval
    """`2 hits / (n + named)`."""
    average_precision: Interval | UnsetType = UNSET
    """Over all thresholds on its score; what is missing below a cut-off ties below all. Not set without scores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeveralEmotions(Rounded):
    """Answers against all that is true of a clip, over the scored classes; bounds allow for speakers."""

    n: int
    """Clips of which something is true in the scored classes, and that have an answer."""
    n_outside: int
    """Clips of which nothing in them is true: left out."""
    from_votes: float | UnsetType = UNSET
    """The share of raters from which an emotion is true; not set where the corpus says itself what is."""
    true_a_clip: float
    """How many emotions are true of a clip, on average."""
    named_by: Mapping[str, int]
    """How answers name emotions, with the number of clips: `cut_off` (the score that the service cuts at), `scores`
    (those that `score` and more says), `label` (the answer alone)."""
    score: float
    """The score from which an answer of a posterior names an emotion."""
    named_a_clip: float
    """How many emotions an answer names, on average."""
    macro_f1: Interval
    """The mean of the emotions' F1."""
    micro_f1: Interval
    """F1 over all pairs of a clip and an emotion."""
    hit_rate: Interval
    """How often the answer's first emotion is one that is true."""
    hamming_loss: Interval
    """The share of pairs of a clip and an emotion that are wrong."""
    exact: Interval
    """How often exactly what is true is named."""
    mean_average_precision: Interval | UnsetType = UNSET
    """The mean of the emotions' average precision; not set without scores."""
    per_emotion: Mapping[str, EmotionAmongSeveral]
    """By scored class."""
